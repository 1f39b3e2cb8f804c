// Fixed-point products: every version gives, to the bit, what their definition in 64-bit integers gives.
#include "fixed_point.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "check.hpp"
#include "errors.hpp"

using namespace latentpress;
using namespace latentpress::fixed_point;

namespace {

std::vector<const Kernels*> versions() {
  std::vector<const Kernels*> found;
  for (const char* name : {"amx", "avx512", "avx2", "neon", "portable"})
    if (const Kernels& kernels = kernels_named(name); std::string(kernels.name) == name) found.push_back(&kernels);
  return found;
}

struct Row {
  std::vector<std::int64_t> integers;
  float step;
};

/// The definition: the least power of two above all magnitudes, fifteen bits below it, half to even.
Row quantised(const float* values, size_t count) {
  float largest = 0.0f;
  for (size_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > largest) largest = std::fabs(values[i]);
  int exponent = -126 + 15;
  if (std::isinf(largest)) exponent = 128;
  else if (largest > 0.0f) exponent = std::max(exponent, std::ilogb(largest) + 1);
  Row row{{}, std::ldexp(1.0f, exponent - 15)};
  for (size_t i = 0; i < count; ++i) {
    const double scaled = std::ldexp(static_cast<double>(values[i]), 15 - exponent);
    // What is not a number counts as the largest.
    row.integers.push_back(scaled < 32767.0 ? static_cast<std::int64_t>(std::nearbyint(std::max(scaled, -32767.0))) : 32767);
    if (std::isnan(scaled)) row.integers.back() = 32767;
  }
  return row;
}

float finished(std::int64_t sum, float row_step, float output_step, float bias) {
  const std::int64_t lower = sum & 65535, upper = (sum - lower) / 65536;
  return std::fma(static_cast<float>(upper), 65536.0f, static_cast<float>(lower)) * row_step * output_step + bias;
}

void products_agree(size_t rows, size_t depth, size_t outputs, const std::vector<float>& in,
                    const std::vector<float>& weights, const std::vector<float>& bias) {
  for (const Kernels* kernels : versions()) {
    const Weights packed(*kernels, weights.data(), bias.data(), outputs, depth);
    const size_t stride = kernels->row_bytes(depth), room = (rows + kRowUnit - 1) / kRowUnit * kRowUnit;
    Aligned<std::uint8_t> integers(room * stride);
    Aligned<float> sums(rows * kPanel);
    std::vector<float> steps(rows);
    kernels->quantise({in.data(), depth, rows, depth, integers.data(), stride, steps.data()});
    kernels->begin();
    for (size_t panel = 0; panel < packed.panels(); ++panel) {
      kernels->multiply({integers.data(), stride, steps.data(), rows, depth, packed.panel(panel), packed.steps(panel),
                         packed.bias(panel), sums.data()});
      for (size_t r = 0; r < rows; ++r) {
        const Row row = quantised(in.data() + r * depth, depth);
        for (size_t o = panel * kPanel; o < std::min(outputs, (panel + 1) * kPanel); ++o) {
          const Row weight = quantised(weights.data() + o * depth, depth);
          std::int64_t sum = 0;
          for (size_t i = 0; i < depth; ++i) sum += row.integers[i] * weight.integers[i];
          const float expected = finished(sum, row.step, weight.step, bias[o]), found = sums[r * kPanel + o % kPanel];
          CHECK(std::memcmp(&expected, &found, sizeof found) == 0);
        }
      }
    }
    kernels->end();
  }
}

void random_products_agree(size_t rows, size_t depth, size_t outputs) {
  std::mt19937 random(static_cast<unsigned>(rows * 31 + depth * 7 + outputs));
  std::normal_distribution<float> normal;
  std::vector<float> in(rows * depth), weights(outputs * depth), bias(outputs);
  for (std::vector<float>* values : {&in, &weights, &bias})
    for (float& value : *values) value = normal(random);
  products_agree(rows, depth, outputs, in, weights, bias);
}

/// Sums as far from zero as they get.
void extreme_products_agree(size_t depth) {
  for (const float sign : {1.0f, -1.0f}) {
    const std::vector<float> in(2 * depth, 0.99999994f), weights(3 * depth, sign * 0.99999994f);
    products_agree(2, depth, 3, in, weights, {0.0f, 0.0f, 0.0f});
  }
}

/// Rows of nothing, of next to nothing, of too much, and of what is not a number.
void odd_rows_agree() {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> odd{0.0f, -0.0f, 0.0f, 0.0f, 1e-38f, 2e-38f, -1e-38f, 0.0f, 1e30f,  -1e38f, 1.0f, 3e38f,
                               inf,  1.0f,  -inf, 0.0f, nan,    1.0f,   -2.0f,   0.5f, 0.99999f, 1.0f,   -1.0f, 0.25f};
  products_agree(6, 4, 2, odd, {1.0f, -1.0f, 0.5f, 2.0f, 0.0f, 0.0f, 0.0f, 0.0f}, {0.25f, -3.0f});
}

}  // namespace

int main() {
  for (const size_t depth : {1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 700}) random_products_agree(5, depth, 7);
  for (const size_t rows : {1, 11, 12, 13, 31, 32, 33, 96}) random_products_agree(rows, 70, 33);
  for (const size_t outputs : {1, 16, 17, 32, 64, 65}) random_products_agree(3, 40, outputs);
  for (const size_t depth : {1, 256, 257, 4608, 16384}) extreme_products_agree(depth);
  odd_rows_agree();
  const std::vector<float> none(kMostDepth + 1);
  CHECK_THROWS(ConfigurationError, Weights(kernels_named(""), none.data(), none.data(), 1, none.size()));
  CHECK(std::string(kernels_named("portable").name) == "portable");
}
