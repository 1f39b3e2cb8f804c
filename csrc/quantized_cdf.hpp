// Integer tables from probabilities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace latentpress {

// Cumulative frequencies in units of 2^-precision of `slots` probabilities, which need not sum to 1: slots + 1 entries
// from 0 to 2^precision, each slot at least 1 wide.
// Throws ConfigurationError for negative, infinite or missing numbers, for all zeros, and for more slots than units.
std::vector<int32_t> quantized_cdf(const float* probabilities, size_t slots, int precision);

}  // namespace latentpress
