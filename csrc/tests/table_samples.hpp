// Tables that exercise the coder: one slot, two, many narrow ones, one dominant one, all 2^16.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "coding_tables.hpp"
#include "quantized_cdf.hpp"

namespace latentpress {

struct TableSamples {
  std::vector<std::vector<int32_t>> rows;
  std::vector<int32_t> offsets;

  TableSamples() {
    std::mt19937 random(1);
    std::exponential_distribution<float> mass;
    for (const size_t slots : {1, 2, 3, 17, 256, 3000, 65536}) {
      for (const float skew : {0.0f, 1.0f, 8.0f}) {
        std::vector<float> probabilities(slots);
        for (float& p : probabilities) p = std::pow(mass(random), skew) + 1e-6f;
        float sum = 0;
        for (const float p : probabilities) sum += p;
        for (float& p : probabilities) p /= sum;
        rows.push_back(quantized_cdf(probabilities.data(), slots, kPrecision));
        offsets.push_back(static_cast<int32_t>(random() % 400) - 200);
      }
    }
  }

  CodingTables tables() const {
    size_t longest = 0;
    for (const auto& row : rows) longest = std::max(longest, row.size());
    std::vector<int32_t> cdfs(rows.size() * longest), lengths;
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy(rows[i].begin(), rows[i].end(), cdfs.begin() + static_cast<std::ptrdiff_t>(i * longest));
      lengths.push_back(static_cast<int32_t>(rows[i].size()));
    }
    return CodingTables(cdfs.data(), rows.size(), longest, lengths.data(), offsets.data());
  }
};

}  // namespace latentpress
