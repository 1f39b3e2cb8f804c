// ConvNeXt kernels: every version computes the same bits, close to a definition in double precision, within bounds.
#include "convnext.hpp"

#include <cmath>
#include <cstring>
#include <random>

#include "check.hpp"
#include "errors.hpp"

using namespace latentpress;
using namespace latentpress::convnext;

namespace {

std::vector<float> noise(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<const Kernels*> versions() {
  std::vector<const Kernels*> found;
  for (const char* name : {"avx512", "avx2", "neon", "portable"}) {
    try {
      found.push_back(&kernels_named(name));
    } catch (const ConfigurationError&) {
      // a CPU without these instructions
    }
  }
  return found;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

void gelu_is_close_everywhere() {
  std::vector<float> in, out;
  for (float x = -20.0f; x < 20.0f; x += 0.0037f) in.push_back(x);
  out.resize(in.size());
  for (const Kernels* kernels : versions()) {
    kernels->gelu(in.data(), out.data(), in.size());
    for (size_t i = 0; i < in.size(); ++i) CHECK(std::abs(out[i] - gelu(in[i])) < 2e-7 * (1.0 + std::abs(in[i])));
  }
}

// One output of a zero-padded convolution, in double precision.
double convolved(const std::vector<float>& in, const ImageShape& shape, size_t channels, const std::vector<float>& weights,
                 size_t side, size_t image, size_t y, size_t x, size_t output) {
  const auto reach = static_cast<int>(side / 2);
  double sum = 0.0;
  for (int dy = -reach; dy <= reach; ++dy)
    for (int dx = -reach; dx <= reach; ++dx) {
      const int row = static_cast<int>(y) + dy, column = static_cast<int>(x) + dx;
      if (row < 0 || column < 0 || row >= static_cast<int>(shape.height) || column >= static_cast<int>(shape.width))
        continue;
      const auto tap = static_cast<size_t>((dy + reach) * static_cast<int>(side) + dx + reach);
      const size_t at = ((image * shape.height + static_cast<size_t>(row)) * shape.width + static_cast<size_t>(column));
      for (size_t c = 0; c < channels; ++c)
        sum += static_cast<double>(in[at * channels + c]) *
               static_cast<double>(weights[(output * side * side + tap) * channels + c]);
    }
  return sum;
}

void convolutions_agree(const ImageShape& shape, size_t channels, size_t outputs, size_t side) {
  const std::vector<float> in = noise(shape.positions() * channels, 1), bias = noise(outputs, 3);
  const std::vector<float> weights = noise(outputs * side * side * channels, 2);
  const PackedMatrix matrix(weights.data(), bias.data(), outputs, side * side * channels);
  std::vector<float> first;
  for (const Kernels* kernels : versions())
    for (const size_t threads : {1, 3}) {
      std::vector<float> out(shape.positions() * outputs);
      convolve(*kernels, {matrix, side, false, Finish::kNothing}, shape, {in.data(), channels, nullptr, 0}, nullptr,
               out.data(), threads);
      if (first.empty()) first = out;
      CHECK(same_bits(first, out));
    }
  size_t at = 0;
  for (size_t image = 0; image < shape.images; ++image)
    for (size_t y = 0; y < shape.height; ++y)
      for (size_t x = 0; x < shape.width; ++x)
        for (size_t o = 0; o < outputs; ++o, ++at) {
          const double expected = bias[o] + convolved(in, shape, channels, weights, side, image, y, x, o);
          CHECK(std::abs(first[at] - expected) < 1e-4);
        }
}

void blocks_agree(const ImageShape& shape, size_t channels, size_t hidden, size_t side) {
  const std::vector<float> in = noise(shape.positions() * channels, 1), taps = noise(side * side * channels, 2);
  const std::vector<float> bias = noise(channels, 3), shift = noise(shape.images * channels, 4);
  const std::vector<float> scale = noise(shape.images * channels, 5), wide = noise(hidden * channels, 6);
  const std::vector<float> hidden_bias = noise(hidden, 7);
  const PackedMatrix expand(wide.data(), hidden_bias.data(), hidden, channels);
  const PackedMatrix contract(wide.data(), bias.data(), channels, hidden);
  const Block block{taps.data(), bias.data(), side, shift.data(), scale.data(), shape.images > 1, expand, contract};
  std::vector<float> first;
  for (const Kernels* kernels : versions())
    for (const size_t threads : {1, 2, 5}) {
      std::vector<float> out(in.size());
      run_block(*kernels, block, shape, in.data(), out.data(), threads);
      if (first.empty()) first = out;
      CHECK(same_bits(first, out));
    }
  for (const float value : first) CHECK(std::isfinite(value));
}

}  // namespace

int main() {
  gelu_is_close_everywhere();
  convolutions_agree({1, 5, 7}, 3, 5, 3);
  convolutions_agree({2, 3, 4}, 40, 33, 1);
  convolutions_agree({1, 2, 9}, 300, 64, 1);
  for (const size_t side : {1, 3, 5, 7}) blocks_agree({2, 4, 11}, 16, 24, side);
  blocks_agree({1, 1, 1}, 32, 64, 7);
  CHECK_THROWS(ConfigurationError, kernels_named("abacus"));
}
