// ConvNeXt kernels: every version computes the same bits, close to a definition in double precision, within bounds.
#include "convnext.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

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

/// The weights of a block of `channels` - `padding` channels, filled up with zeros, and its input.
struct BlockWeights {
  std::vector<float> in, taps, bias, shift, scale, expand, hidden_bias, contract, contract_bias;
};

/// Zeroes the last `padding` of every `channels` values.
void fill_up(std::vector<float>& values, size_t channels, size_t padding) {
  for (size_t i = 0; i < values.size(); ++i)
    if (i % channels >= channels - padding) values[i] = 0.0f;
}

BlockWeights block_weights(const ImageShape& shape, size_t channels, size_t hidden, size_t side, size_t padding) {
  BlockWeights made{noise(shape.positions() * channels, 1), noise(side * side * channels, 2),
                    noise(channels, 3),                     noise(shape.images * channels, 4),
                    noise(shape.images * channels, 5),      noise(hidden * channels, 6),
                    noise(hidden, 7),                       noise(channels * hidden, 8),
                    noise(channels, 9)};
  for (std::vector<float>* values : {&made.in, &made.taps, &made.bias, &made.shift, &made.scale, &made.expand})
    fill_up(*values, channels, padding);
  for (size_t c = channels - padding; c < channels; ++c) {
    std::fill_n(made.contract.begin() + static_cast<std::ptrdiff_t>(c * hidden), hidden, 0.0f);
    made.contract_bias[c] = 0.0f;
  }
  return made;
}

/// A block's output at one position, in double precision; `channels` are without the padding, which `stride` includes.
std::vector<double> block_at(const BlockWeights& weights, const ImageShape& shape, size_t channels, size_t stride,
                             size_t hidden, size_t side, size_t image, size_t y, size_t x) {
  const auto reach = static_cast<int>(side / 2);
  std::vector<double> narrow(channels), out(channels);
  double mean = 0.0, variance = 0.0;
  for (size_t c = 0; c < channels; ++c) {
    narrow[c] = weights.bias[c];
    for (int dy = -reach; dy <= reach; ++dy)
      for (int dx = -reach; dx <= reach; ++dx) {
        const int row = static_cast<int>(y) + dy, column = static_cast<int>(x) + dx;
        if (row < 0 || column < 0 || row >= static_cast<int>(shape.height) || column >= static_cast<int>(shape.width))
          continue;
        const auto tap = static_cast<size_t>((dy + reach) * static_cast<int>(side) + dx + reach);
        const size_t at = (image * shape.height + static_cast<size_t>(row)) * shape.width + static_cast<size_t>(column);
        narrow[c] += static_cast<double>(weights.in[at * stride + c]) * weights.taps[tap * stride + c];
      }
    mean += narrow[c] / static_cast<double>(channels);
  }
  for (const double value : narrow) variance += (value - mean) * (value - mean) / static_cast<double>(channels);
  for (size_t c = 0; c < channels; ++c)
    narrow[c] = (narrow[c] - mean) / std::sqrt(variance + 1e-6) * weights.scale[image * stride + c] +
                weights.shift[image * stride + c];
  for (size_t c = 0; c < channels; ++c) {
    const size_t at = ((image * shape.height + y) * shape.width + x) * stride + c;
    out[c] = static_cast<double>(weights.in[at]) + weights.contract_bias[c];
  }
  for (size_t h = 0; h < hidden; ++h) {
    double sum = weights.hidden_bias[h];
    for (size_t c = 0; c < channels; ++c) sum += narrow[c] * weights.expand[h * stride + c];
    for (size_t c = 0; c < channels; ++c) out[c] += gelu(sum) * weights.contract[c * hidden + h];
  }
  return out;
}

/// Every version on any number of threads gives the same bits, close to the definition; what fills up stays zero.
/// `precision` is how far off a value may be, for the largest magnitude.
void blocks_agree(const ImageShape& shape, size_t channels, size_t hidden, size_t side, size_t padding,
                  bool in_fixed_point, double precision) {
  const BlockWeights weights = block_weights(shape, channels, hidden, side, padding);
  std::vector<float> first;
  for (const char* name : in_fixed_point ? std::vector<const char*>{"amx", "avx512", "avx2", "neon", "portable"}
                                         : std::vector<const char*>{""}) {
    const fixed_point::Kernels& fixed = fixed_point::kernels_named(name);
    if (in_fixed_point && std::string(fixed.name) != name) continue;  // a CPU without these instructions
    const auto matrix = [&](const std::vector<float>& values, const std::vector<float>& bias, size_t depth) {
      return in_fixed_point ? PackedMatrix(values.data(), bias.data(), bias.size(), depth, fixed)
                            : PackedMatrix(values.data(), bias.data(), bias.size(), depth);
    };
    const PackedMatrix expand = matrix(weights.expand, weights.hidden_bias, channels);
    const PackedMatrix contract = matrix(weights.contract, weights.contract_bias, hidden);
    const Block block{weights.taps.data(), weights.bias.data(), side,     weights.shift.data(), weights.scale.data(),
                      shape.images > 1,    expand,              contract, padding};
    for (const Kernels* kernels : versions())
      for (const size_t threads : {1, 2, 5}) {
        std::vector<float> out(weights.in.size());
        run_block(*kernels, block, shape, weights.in.data(), out.data(), threads);
        if (first.empty()) first = out;
        CHECK(same_bits(first, out));
      }
  }
  double largest = 0.0, furthest = 0.0;
  size_t at = 0;
  for (size_t image = 0; image < shape.images; ++image)
    for (size_t y = 0; y < shape.height; ++y)
      for (size_t x = 0; x < shape.width; ++x, at += channels) {
        const std::vector<double> expected =
            block_at(weights, shape, channels - padding, channels, hidden, side, image, y, x);
        for (size_t c = 0; c < expected.size(); ++c) {
          largest = std::max(largest, std::abs(expected[c]));
          furthest = std::max(furthest, std::abs(first[at + c] - expected[c]));
        }
        for (size_t c = expected.size(); c < channels; ++c) CHECK(first[at + c] == 0.0f);
      }
  CHECK(furthest <= precision * largest);
}

void blocks_agree(const ImageShape& shape, size_t channels, size_t hidden, size_t side, size_t padding = 0) {
  blocks_agree(shape, channels, hidden, side, padding, false, 5e-6);
  blocks_agree(shape, channels, hidden, side, padding, true, 1e-3);
}

}  // namespace

int main() {
  gelu_is_close_everywhere();
  convolutions_agree({1, 5, 7}, 3, 5, 3);
  convolutions_agree({2, 3, 4}, 40, 33, 1);
  convolutions_agree({1, 2, 9}, 300, 64, 1);
  for (const size_t side : {5, 9, 11, 17}) convolutions_agree({1, 6, 8}, 3, 5, side);
  for (const size_t side : {1, 3, 5, 7}) blocks_agree({2, 4, 11}, 16, 24, side);
  blocks_agree({1, 1, 1}, 32, 64, 7);
  // Widths that are filled up to sixteen channels, of one channel and of all but one among them.
  for (const size_t padding : {1, 7, 12, 15}) blocks_agree({2, 5, 13}, 16, 9, 3, padding);
  for (const size_t padding : {1, 11, 15}) blocks_agree({1, 7, 14}, 48, 61, 5, padding);
  // Kernels wider than any image here, and than the rectangles that threads work through.
  for (const size_t side : {9, 11, 13, 25}) blocks_agree({1, 9, 15}, 16, 20, side);
  blocks_agree({2, 3, 29}, 32, 33, 31, 9);
  CHECK_THROWS(ConfigurationError, kernels_named("abacus"));
}
