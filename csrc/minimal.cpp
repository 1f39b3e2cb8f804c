#include "minimal.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "autoregressive_team.hpp"
#include "convnext.hpp"
#include "errors.hpp"
#include "parallel.hpp"
#include "pool.hpp"

namespace latentpress::minimal {
namespace {

constexpr std::size_t kSide = strided::kSide;
constexpr std::size_t kMostTiles = 24;                      // that one task works on: two blocks of rows of a product
constexpr std::size_t kMostBytes = std::size_t{700} << 10;  // of their frequencies, to stay in the second cache
constexpr std::size_t kMostWindows = 96;
constexpr std::size_t kRowsPerCopy = 8;

std::size_t divided_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit; }
std::size_t rounded_up(std::size_t value, std::size_t unit) { return divided_up(value, unit) * unit; }

using Taps = std::array<double, kSide>;

/// Weights of the frequencies of three taps, as sums of taps.
std::vector<Taps> of_three(const Taps& a, const Taps& b, const Taps& c) {
  Taps sum{}, difference{};
  for (std::size_t t = 0; t < kSide; ++t) {
    sum[t] = (a[t] + b[t] + c[t]) / 2;
    difference[t] = (a[t] - b[t] + c[t]) / 2;
  }
  return {a, sum, difference, c};
}

std::vector<Taps> of_two(const Taps& a, const Taps& b) {
  Taps sum{};
  for (std::size_t t = 0; t < kSide; ++t) sum[t] = a[t] + b[t];
  return {a, sum, b};
}

Taps tap(std::size_t which) {
  Taps taps{};
  taps[which] = 1;
  return taps;
}

/// The weight of each frequency along one axis, as a sum of taps; of one phase where phases are channels.
std::vector<Taps> frequencies_of(Scheme scheme, std::size_t phase) {
  if (scheme == Scheme::kWindows) return {};
  if (scheme == Scheme::kPhases)  // output 2 i + 1 does not reach the input before
    return phase == 0 ? of_three(tap(4), tap(2), tap(0)) : of_three(Taps{}, tap(3), tap(1));
  const bool down = scheme == Scheme::kDown;
  std::vector<Taps> all = down ? of_three(tap(0), tap(2), tap(4)) : of_three(tap(4), tap(2), tap(0));
  for (const Taps& taps : down ? of_two(tap(1), tap(3)) : of_two(tap(3), tap(1))) all.push_back(taps);
  return all;
}

Scheme scheme_for(Direction direction, std::size_t inputs, std::size_t outputs, bool last) {
  if (direction == Direction::kDown) return inputs < kLanes ? Scheme::kWindows : Scheme::kDown;
  return last && 4 * outputs <= kLanes ? Scheme::kPhases : Scheme::kUp;
}

/// What a task computes with.
struct ScratchKey {
  std::size_t inputs, products;  // floats

  bool operator==(const ScratchKey& other) const { return inputs == other.inputs && products == other.products; }
};

class Scratch {
 public:
  explicit Scratch(const ScratchKey& key) : inputs(key.inputs), products(key.products), key_(key) {}
  const ScratchKey& key() const { return key_; }
  std::size_t bytes() const { return sizeof(float) * (key_.inputs + key_.products); }

  Aligned<float> inputs, products;

 private:
  ScratchKey key_;
};

const float kNoBias[kPanel] = {};

/// Channels of an image, channel by channel, to channels last.
void fill(Plane& plane, const float* x, std::size_t threads) {
  const PlaneKey& key = plane.key();
  parallel_for(divided_up(key.height, kRowsPerCopy), threads, [&](std::size_t task) {
    const std::size_t end = std::min(key.height, (task + 1) * kRowsPerCopy);
    for (std::size_t y = task * kRowsPerCopy; y < end; ++y)
      for (std::size_t c = 0; c < key.used; ++c) {
        const float* from = x + (c * key.height + y) * key.width;
        float* to = plane.pixel(y, 0) + c;
        for (std::size_t i = 0; i < key.width; ++i, to += key.channels) *to = from[i];
      }
  });
}

}  // namespace

Version version_named(const std::string& name) {
  const convnext::Kernels& products = convnext::kernels_named(name);
#if defined(LATENTPRESS_X86_KERNELS)
  static const Kernels* const all[] = {&kAvx512Kernels, &kAvx2Kernels, &kPortableKernels};
#elif defined(LATENTPRESS_NEON_KERNELS)
  static const Kernels* const all[] = {&kNeonKernels, &kPortableKernels};
#else
  static const Kernels* const all[] = {&kPortableKernels};
#endif
  for (const Kernels* kernels : all)
    if (std::strcmp(kernels->name, products.name) == 0) return {products, *kernels};
  return {products, kPortableKernels};
}

Layer::Layer(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
             bool last)
    : direction_(direction),
      scheme_(scheme_for(direction, inputs, outputs, last)),
      inputs_(inputs),
      outputs_(outputs),
      depth_(windows() ? kSide * kSide * inputs : rounded_up(inputs, kLanes)),
      products_(scheme_ == Scheme::kPhases ? 4 * outputs : outputs),
      frequencies_(windows() ? 1 : scheme_ == Scheme::kPhases ? 16 : 49),
      relu_(!last) {
  pack(weights, bias);
}

void Layer::pack(const float* weights, const float* bias) {
  const std::size_t panels = divided_up(products_, kPanel);
  bias_.assign(panels * kPanel, 0.0f);
  weights_.assign(panels * frequencies_ * depth_ * kPanel, 0.0f);
  constexpr std::size_t area = kSide * kSide;
  for (std::size_t o = 0; o < products_; ++o) {
    const std::size_t output = o % outputs_, phase = o / outputs_;
    bias_[o] = bias[output];
    float* to = weights_.data() + o / kPanel * frequencies_ * depth_ * kPanel + o % kPanel;
    const std::vector<Taps> down = frequencies_of(scheme_, phase / 2), across = frequencies_of(scheme_, phase % 2);
    for (std::size_t i = 0; i < inputs_; ++i) {
      const float* window = weights + (up() ? i * outputs_ + output : output * inputs_ + i) * area;
      if (windows()) {
        for (std::size_t t = 0; t < area; ++t) to[(t * inputs_ + i) * kPanel] = window[t];
        continue;
      }
      for (std::size_t f = 0; f < frequencies_; ++f) {
        const Taps &rows = down[f / across.size()], &columns = across[f % across.size()];
        double sum = 0;
        for (std::size_t t = 0; t < area; ++t)
          sum += rows[t / kSide] * columns[t % kSide] * static_cast<double>(window[t]);
        to[(f * depth_ + i) * kPanel] = static_cast<float>(sum);
      }
    }
  }
}

/// A layer at work on an image.
struct Layer::Task {
  const Version& version;
  Plane& in;
  Plane* out;
  float* picture;
  std::size_t height, width;  // of the output
  std::size_t across;         // tiles in a row
  std::size_t most;           // tiles that are worked on together
};

void Layer::run(const Version& version, Plane& in, Plane* out, float* picture, std::size_t threads) const {
  const std::size_t height = in.key().height, width = in.key().width, step = up() || windows() ? 2 : 4;
  const std::size_t down = divided_up(height, step), across = divided_up(width, step), tiles = down * across;
  const std::size_t fits = kMostBytes / (frequencies_ * depth_ * sizeof(float));
  const std::size_t most = windows() ? kMostWindows : fits >= kMostTiles ? kMostTiles : kMostTiles / 2;
  const Task task{version, in, out, picture, up() ? 2 * height : height / 2, up() ? 2 * width : width / 2, across, most};
  parallel_for(divided_up(tiles, most), threads, [&](std::size_t i) {
    const autoregressive::DefaultFloatingPoint default_environment;
    const std::size_t first = i * most, count = std::min(most, tiles - first);
    return windows() ? run_windows(task, first, count) : run_tiles(task, first, count);
  });
}

void Layer::multiply(const Task& task, std::size_t panel, std::size_t count, const float* in, float* out) const {
  const std::size_t outputs = std::min(kPanel, products_ - panel * kPanel);
  for (std::size_t f = 0; f < frequencies_; ++f)
    task.version.products.multiply({in + f * task.most * depth_, depth_, count,
                                    weights_.data() + (panel * frequencies_ + f) * depth_ * kPanel, kNoBias, depth_,
                                    outputs, convnext::Finish::kNothing, nullptr, out + f * task.most * kPanel, kPanel});
}

void Layer::run_tiles(const Task& task, std::size_t first, std::size_t count) const {
  const Lease<Scratch> scratch({frequencies_ * task.most * depth_, frequencies_ * task.most * kPanel});
  const std::size_t in_stride = task.most * depth_, out_stride = task.most * kPanel;
  const std::size_t step = up() ? 2 : 4, before = Plane::kBefore - (up() ? 1 : 2);
  for (std::size_t t = 0; t < count; ++t) {
    const std::size_t y = (first + t) / task.across * step, x = (first + t) % task.across * step;
    task.version.transforms.transform_in(scheme_, {task.in.padded(y + before, x + before), task.in.row_stride(), depth_,
                                                   scratch->inputs.data() + t * depth_, in_stride});
  }
  const std::size_t side = scheme_ == Scheme::kUp ? 4 : 2;  // positions of a tile along each axis
  alignas(64) float values[kMostPositions * kPanel];
  for (std::size_t panel = 0; panel * kPanel < products_; ++panel) {
    multiply(task, panel, count, scratch->inputs.data(), scratch->products.data());
    for (std::size_t t = 0; t < count; ++t) {
      task.version.transforms.transform_out(
          scheme_, {scratch->products.data() + t * kPanel, out_stride, bias_.data() + panel * kPanel, relu_, values});
      const std::size_t y = (first + t) / task.across * side, x = (first + t) % task.across * side;
      for (std::size_t p = 0; p < side * side; ++p) put(task, panel, y + p / side, x + p % side, values + p * kPanel);
    }
  }
}

void Layer::run_windows(const Task& task, std::size_t first, std::size_t count) const {
  const Lease<Scratch> scratch({task.most * depth_, task.most * kPanel});
  const std::size_t row = kSide * inputs_;
  for (std::size_t t = 0; t < count; ++t) {
    const std::size_t y = (first + t) / task.across * 2, x = (first + t) % task.across * 2;
    for (std::size_t v = 0; v < kSide; ++v)
      std::copy_n(task.in.padded(y + v, x), row, scratch->inputs.data() + t * depth_ + v * row);
  }
  for (std::size_t panel = 0; panel * kPanel < products_; ++panel) {
    multiply(task, panel, count, scratch->inputs.data(), scratch->products.data());
    const float* bias = bias_.data() + panel * kPanel;
    for (std::size_t t = 0; t < count; ++t) {
      float* values = scratch->products.data() + t * kPanel;
      for (std::size_t o = 0; o < kPanel; ++o) {
        const float value = values[o] + bias[o];
        values[o] = relu_ ? (value > 0.0f ? value : 0.0f) : value;
      }
      put(task, panel, (first + t) / task.across, (first + t) % task.across, values);
    }
  }
}

void Layer::put(const Task& task, std::size_t panel, std::size_t y, std::size_t x, const float* from) const {
  const std::size_t first = panel * kPanel, outputs = std::min(kPanel, products_ - first);
  const std::size_t scale = scheme_ == Scheme::kPhases ? 2 : 1;
  if (scale * y >= task.height || scale * x >= task.width) return;  // of a tile that reaches beyond the image
  if (task.out != nullptr) {
    std::copy_n(from, outputs, task.out->pixel(y, x) + first);
    return;
  }
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::size_t channel = (first + o) % outputs_, phase = (first + o) / outputs_;
    task.picture[(channel * task.height + scale * y + phase / 2) * task.width + scale * x + phase % 2] = from[o];
  }
}

void Network::add(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
                  bool last) {
  if (!layers_.empty() && layers_.back().outputs() != inputs)
    throw ConfigurationError("A layer must take as many channels as the one before it gives.");
  layers_.emplace_back(direction, weights, bias, inputs, outputs, last);
}

std::size_t Network::output_side(std::size_t side) const {
  for (const Layer& layer : layers_) {
    if (!layer.up() && side % 2 != 0) return 0;
    side = layer.up() ? 2 * side : side / 2;
  }
  return side;
}

void Network::run(const Version& version, const float* x, std::size_t height, std::size_t width, float* out,
                  std::size_t threads) const {
  Lease<Plane> in(layers_[0].input(height, width));
  fill(*in, x, threads);
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    height = layers_[i].up() ? 2 * height : height / 2;
    width = layers_[i].up() ? 2 * width : width / 2;
    Lease<Plane> its_output(layers_[i + 1].input(height, width));
    layers_[i].run(version, *in, &*its_output, nullptr, threads);
    in = std::move(its_output);
  }
  layers_.back().run(version, *in, nullptr, out, threads);
}

}  // namespace latentpress::minimal
