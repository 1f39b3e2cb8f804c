#include "quantized_cdf.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "errors.hpp"

namespace latentpress {
namespace {

constexpr int kMostPrecision = 16;

// Frequencies proportional to the probabilities, rounded down, the last slot taking what remains; some may be 0.
std::vector<int64_t> scaled_widths(const float* probabilities, size_t slots, int64_t total) {
  std::vector<int64_t> widths(slots);
  int64_t sum = 0;
  for (size_t i = 0; i < slots; ++i) {
    const float scaled = std::round(probabilities[i] * static_cast<float>(total));
    if (!(scaled >= 0.0f && scaled <= 9.0e12f))  // also false for NaN; the bound keeps products within 63 bits
      throw ConfigurationError("Probabilities must be finite and not negative, but number " + std::to_string(i) +
                               " is " + std::to_string(probabilities[i]) + ".");
    widths[i] = static_cast<int64_t>(scaled);
    sum += widths[i];
  }
  if (sum == 0) throw ConfigurationError("Probabilities must not all be zero (or too small to tell from it).");
  if (sum > (INT64_MAX >> kMostPrecision)) throw ConfigurationError("Probabilities must have a finite, moderate sum.");
  int64_t rest = total;
  for (size_t i = 0; i + 1 < slots; ++i) rest -= widths[i] = widths[i] * total / sum;
  widths.back() = rest;
  return widths;
}

// Give each empty slot one unit of the narrowest slot wider than one, the first of those that are equally narrow. A
// slot that has given stays the narrowest until it is one wide, so a single sort finds all givers in their order.
void widen_empty_slots(std::vector<int64_t>& widths) {
  std::vector<uint32_t> givers;
  for (uint32_t i = 0; i < widths.size(); ++i)
    if (widths[i] > 1) givers.push_back(i);
  std::stable_sort(givers.begin(), givers.end(), [&](uint32_t a, uint32_t b) { return widths[a] < widths[b]; });
  auto giver = givers.begin();
  for (int64_t& width : widths) {
    if (width != 0) continue;
    while (widths[*giver] == 1) ++giver;  // there is one: slots are not more than units
    --widths[*giver];
    width = 1;
  }
}

}  // namespace

std::vector<int32_t> quantized_cdf(const float* probabilities, size_t slots, int precision) {
  if (precision < 1 || precision > kMostPrecision)
    throw ConfigurationError("The precision of a table must be between 1 and 16 bits, not " +
                             std::to_string(precision) + ".");
  const int64_t total = int64_t{1} << precision;
  if (slots == 0 || slots > static_cast<size_t>(total))
    throw ConfigurationError("A table needs between 1 and " + std::to_string(total) + " probabilities, not " +
                             std::to_string(slots) + ".");
  std::vector<int64_t> widths = scaled_widths(probabilities, slots, total);
  widen_empty_slots(widths);
  std::vector<int32_t> cdf(slots + 1, 0);
  std::partial_sum(widths.begin(), widths.end(), cdf.begin() + 1);
  return cdf;
}

}  // namespace latentpress
