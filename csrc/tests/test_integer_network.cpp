// Networks of integers: every version and number of threads gives, to the bit, what their definition gives.
#include "integer_network.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "errors.hpp"
#include "fixed_point.hpp"

using namespace latentpress;
using namespace latentpress::fixed_point;

namespace {

std::vector<const Kernels*> versions() {
  std::vector<const Kernels*> found;
  for (const char* name : {"amx", "avx512", "avx2", "neon", "portable"})
    if (const Kernels& kernels = kernels_named(name); std::string(kernels.name) == name) found.push_back(&kernels);
  return found;
}

std::vector<std::int16_t> integers(size_t count, int most, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int16_t> values(count);
  for (std::int16_t& value : values)
    value = static_cast<std::int16_t>(static_cast<int>(random() % static_cast<unsigned>(2 * most + 1)) - most);
  return values;
}

struct Layer {
  size_t in, out, taps, inputs, outputs;
  float slope, limit;
  bool residual;
  std::vector<std::int16_t> weights;
  std::vector<float> scale, bias;
};

struct Tensor {
  size_t height, width, channels;
  std::vector<std::int16_t> values;
  std::int64_t at(std::ptrdiff_t row, std::ptrdiff_t column, size_t channel) const {
    if (row < 0 || column < 0 || row >= static_cast<std::ptrdiff_t>(height) || column >= static_cast<std::ptrdiff_t>(width))
      return 0;
    return values[(static_cast<size_t>(row) * width + static_cast<size_t>(column)) * channels + channel];
  }
};

Layer layer(size_t in, size_t out, size_t taps, size_t inputs, size_t outputs, float slope, float limit, bool residual) {
  const auto seed = static_cast<unsigned>(taps + inputs + outputs);
  Layer made{in, out, taps, inputs, outputs, slope, limit, residual, integers(taps * outputs * inputs, 300, seed), {}, {}};
  for (size_t o = 0; o < outputs; ++o) {
    made.scale.push_back(0.002f + 0.0001f * static_cast<float>(o % 7));
    made.bias.push_back(static_cast<float>(o % 5) * 31.25f - 50.0f);
  }
  return made;
}

/// The definition, tap by tap; a transposed convolution scatters what each input gives.
Tensor computed(const Layer& layer, const Tensor& in, const Tensor& residual) {
  const bool up = layer.taps == 16;
  Tensor out{in.height * (up ? 2 : 1), in.width * (up ? 2 : 1), layer.outputs, {}};
  out.values.resize(out.height * out.width * out.channels);
  for (size_t row = 0; row < out.height; ++row)
    for (size_t column = 0; column < out.width; ++column)
      for (size_t o = 0; o < layer.outputs; ++o) {
        std::int64_t sum = 0;
        const size_t phase = up ? row % 2 * 2 + column % 2 : 0, taps = up ? 4 : layer.taps, across = up ? 2 : taps == 9 ? 3 : 1;
        for (size_t tap = 0; tap < taps; ++tap) {
          const auto y = static_cast<std::ptrdiff_t>(up ? row / 2 + tap / across + phase / 2 : row + tap / across);
          const auto x = static_cast<std::ptrdiff_t>(up ? column / 2 + tap % across + phase % 2 : column + tap % across);
          const std::ptrdiff_t reach = taps == 1 ? 0 : 1;
          for (size_t i = 0; i < layer.inputs; ++i)
            sum += in.at(y - reach, x - reach, i) *
                   layer.weights[((phase * taps + tap) * layer.outputs + o) * layer.inputs + i];
        }
        float value = static_cast<float>(static_cast<std::int32_t>(sum)) * layer.scale[o];
        value = value + layer.bias[o];
        value = std::max(value, value * layer.slope);
        if (layer.residual) value = value + static_cast<float>(residual.at(static_cast<std::ptrdiff_t>(row), static_cast<std::ptrdiff_t>(column), o));
        value = std::nearbyint(std::max(std::min(value, layer.limit), -layer.limit));
        out.values[(row * out.width + column) * layer.outputs + o] = static_cast<std::int16_t>(value);
      }
  return out;
}

void networks_agree(size_t height, size_t width) {
  const size_t channels = 10, inner = 20, wide = 3 * 8 * 8, narrow = 3 * 4 * 4;
  const std::vector<Layer> layers = {
      layer(0, 1, 1, channels, inner, 1.0f, 8191.0f, false), layer(1, 2, 9, inner, inner, 0.01f, 8191.0f, false),
      layer(2, 1, 9, inner, inner, 0.0f, 8191.0f, true),     layer(1, 3, 16, inner, narrow, 1.0f, 32767.0f, false),
      layer(0, 4, 1, channels, wide, 1.0f, 32767.0f, false)};
  IntegerNetwork network;
  for (const auto& [count, factor] : std::vector<std::pair<size_t, size_t>>{{channels, 1}, {inner, 1}, {inner, 1}, {narrow, 2}, {wide, 1}})
    network.add_slot(count, factor);
  std::vector<Tensor> slots(5);
  slots[0] = {height, width, channels, integers(height * width * channels, 9000, 7)};
  for (std::int16_t& value : slots[0].values) value = std::clamp<std::int16_t>(value, -kMostInput, kMostInput);
  for (const Layer& each : layers) {
    network.add_layer(each.in, each.out,
                      {each.weights.data(), each.taps, each.outputs, each.inputs, each.scale.data(), each.bias.data()},
                      {each.slope, each.limit, each.residual ? each.out : IntegerNetwork::kNone});
    slots[each.out] = computed(each, slots[each.in], slots[each.out]);
  }
  std::vector<std::int16_t> expected(height * width * wide), found(expected.size());
  for (size_t row = 0; row < 8 * height; ++row)
    for (size_t column = 0; column < 8 * width; ++column)
      for (size_t c = 0; c < 3; ++c) {
        const std::int64_t sum =
            slots[4].at(static_cast<std::ptrdiff_t>(row / 8), static_cast<std::ptrdiff_t>(column / 8), (row % 8 * 8 + column % 8) * 3 + c) +
            slots[3].at(static_cast<std::ptrdiff_t>(row / 4), static_cast<std::ptrdiff_t>(column / 4), (row % 4 * 4 + column % 4) * 3 + c);
        expected[(row * 8 * width + column) * 3 + c] = static_cast<std::int16_t>(std::clamp<std::int64_t>(sum, -32767, 32767));
      }
  const auto x = integers(height * width * channels, 9000, 7);  // beyond the most: cut
  for (const Kernels* kernels : versions())
    for (size_t threads = 1; threads <= 3; ++threads) {
      std::fill(found.begin(), found.end(), std::int16_t{-1});
      network.run(*kernels, x.data(), height, width, 4, 3, found.data(), threads);
      CHECK(found == expected);
    }
}

void what_does_not_fit_is_refused() {
  IntegerNetwork network;
  network.add_slot(4, 1);
  network.add_slot(4, 1);
  network.add_slot(4, 2);
  const auto tried = [&](size_t in, size_t out, size_t taps, size_t inputs, std::int16_t weight, size_t residual) {
    const std::vector<std::int16_t> weights(taps * 4 * inputs, weight);
    const std::vector<float> ones(4, 1.0f);
    try {
      network.add_layer(in, out, {weights.data(), taps, 4, inputs, ones.data(), ones.data()}, {1.0f, 8191.0f, residual});
    } catch (const ConfigurationError&) {
      return false;
    }
    return true;
  };
  CHECK(tried(0, 1, 9, 4, 7000, IntegerNetwork::kNone));
  CHECK(!tried(0, 1, 9, 4, 8000, IntegerNetwork::kNone));  // 36 of them might overflow
  CHECK(!tried(0, 1, 9, 5, 1, IntegerNetwork::kNone));
  CHECK(!tried(0, 1, 16, 4, 1, IntegerNetwork::kNone));
  CHECK(!tried(0, 2, 9, 4, 1, IntegerNetwork::kNone));
  CHECK(!tried(0, 2, 16, 4, 1, 1));
  CHECK(!tried(0, 3, 1, 4, 1, IntegerNetwork::kNone));
  CHECK(!tried(0, 0, 1, 4, 1, IntegerNetwork::kNone));
}

}  // namespace

int main() {
  networks_agree(1, 1);
  networks_agree(3, 5);
  networks_agree(2, 29);
  what_does_not_fit_is_refused();
}
