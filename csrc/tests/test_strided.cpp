// Strided networks, of either kind: every version of the kernels is close to a definition in double precision, in any number of threads.
#include "strided.hpp"
#include "minimal.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "check.hpp"
#include "errors.hpp"

using namespace latentpress;
using namespace latentpress::strided;

namespace {

std::vector<float> noise(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

struct Image {
  size_t channels, height, width;
  std::vector<double> values;

  double at(size_t c, std::ptrdiff_t y, std::ptrdiff_t x) const {
    const auto rows = static_cast<std::ptrdiff_t>(height), columns = static_cast<std::ptrdiff_t>(width);
    if (y < 0 || x < 0 || y >= rows || x >= columns) return 0;
    return values[(c * height + static_cast<size_t>(y)) * width + static_cast<size_t>(x)];
  }
};

/// One layer by its definition: input i of a strided convolution meets output o where i = 2 o + tap - 2, and the other way
/// round for a transposed one.
Image layer_output(const Image& in, bool up, const std::vector<float>& weights, const std::vector<float>& bias) {
  const size_t outputs = bias.size();
  Image out{outputs, up ? in.height * 2 : in.height / 2, up ? in.width * 2 : in.width / 2, {}};
  for (size_t o = 0; o < outputs; ++o)
    for (size_t y = 0; y < out.height; ++y)
      for (size_t x = 0; x < out.width; ++x) {
        double sum = bias[o];
        for (size_t c = 0; c < in.channels; ++c)
          for (std::ptrdiff_t v = 0; v < 5; ++v)
            for (std::ptrdiff_t u = 0; u < 5; ++u) {
              const size_t row = up ? c * outputs + o : o * in.channels + c;
              const double weight = weights[row * 25 + static_cast<size_t>(v * 5 + u)];
              const std::ptrdiff_t ty = static_cast<std::ptrdiff_t>(y) + 2 - v, tx = static_cast<std::ptrdiff_t>(x) + 2 - u;
              if (!up)
                sum += weight * in.at(c, 2 * static_cast<std::ptrdiff_t>(y) + v - 2, 2 * static_cast<std::ptrdiff_t>(x) + u - 2);
              else if (ty % 2 == 0 && tx % 2 == 0)
                sum += weight * in.at(c, ty / 2, tx / 2);
            }
        out.values.push_back(sum);
      }
  return out;
}

template <class Network, class Named>
void networks_agree(Named named, bool up, const std::vector<size_t>& channels, size_t height, size_t width) {
  Network network;
  Image expected{channels[0], height, width, {}};
  const std::vector<float> x = noise(channels[0] * height * width, 1);
  expected.values.assign(x.begin(), x.end());
  for (size_t i = 0; i + 1 < channels.size(); ++i) {
    const std::vector<float> weights = noise(channels[i] * channels[i + 1] * 25, 2), bias = noise(channels[i + 1], 3);
    const bool last = i + 2 == channels.size();
    network.add(up ? Direction::kUp : Direction::kDown, weights.data(), bias.data(), channels[i], channels[i + 1], last);
    expected = layer_output(expected, up, weights, bias);
    if (!last)
      for (double& value : expected.values) value = std::max(value, 0.0);
  }
  CHECK(network.output_side(height) == expected.height && network.output_side(width) == expected.width);
  double largest = 0;
  for (const double value : expected.values) largest = std::max(largest, std::abs(value));
  for (const char* name : {"portable", ""}) {
    std::vector<float> first;
    for (const size_t threads : {1, 3}) {
      std::vector<float> out(expected.values.size(), -1.0f);
      network.run(named(name), x.data(), height, width, out.data(), threads);
      for (size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - expected.values[i]) < 1e-4 * largest);
      if (first.empty()) first = out;
      CHECK(first == out);
    }
  }
}

template <class Network, class Named>
void check_all(Named named) {
  networks_agree<Network>(named, false, {3, 20, 35}, 8, 76);
  networks_agree<Network>(named, false, {6, 4}, 4, 70);
  networks_agree<Network>(named, false, {7, 33, 2}, 12, 4);
  networks_agree<Network>(named, true, {5, 34, 3}, 3, 5);
  networks_agree<Network>(named, true, {2, 9}, 1, 34);
  Network network;
  const std::vector<float> weights = noise(2 * 3 * 25, 1), bias = noise(3, 2);
  network.add(Direction::kDown, weights.data(), bias.data(), 2, 3, false);
  CHECK(network.output_side(7) == 0);
  CHECK_THROWS(ConfigurationError, network.add(Direction::kDown, weights.data(), bias.data(), 2, 3, true));
  CHECK_THROWS(ConfigurationError, named("abacus"));
}

}  // namespace

int main() {
  check_all<Network>(kernels_named);
  check_all<minimal::Network>(minimal::version_named);
}
