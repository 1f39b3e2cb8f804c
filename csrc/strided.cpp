#include "strided.hpp"

#include <algorithm>

#include "autoregressive_team.hpp"
#include "errors.hpp"
#include "parallel.hpp"
#include "pool.hpp"

namespace latentpress::strided {
namespace {

constexpr std::size_t kPixelsPerTask = 160;  // enough to be worth reading all weights for
constexpr std::size_t kRowsPerCopy = 8;

std::size_t rounded_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

struct Size {
  std::size_t height, width;
};

void put(Planes& planes, std::size_t at, float value) {
  const std::uint16_t high = to_bfloat16(value);
  planes.high()[at] = high;
  planes.low()[at] = to_bfloat16(value - from_bfloat16(high));
}

/// One row of one channel, pixel by pixel.
void fill_row(Planes& planes, std::size_t y, std::size_t channel, const float* from, std::size_t width) {
  std::size_t to = planes.at(static_cast<std::ptrdiff_t>(y), 0) + channel;
  for (std::size_t x = 0; x < width; ++x, to += planes.channels()) put(planes, to, from[x]);
}

/// One row of one channel, window by window of stride 2; what lies outside of the row stays zero.
void gather_row(Planes& planes, std::size_t y, std::size_t channel, std::size_t channels, const float* from,
                std::size_t width) {
  constexpr std::size_t reach = kSide / 2;
  std::size_t to = planes.at(static_cast<std::ptrdiff_t>(y), 0) + channel;
  for (std::size_t x = 0; x < width; x += 2, to += planes.channels())
    for (std::size_t tap = 0; tap < kSide; ++tap)
      if (x + tap >= reach && x + tap < width + reach) put(planes, to + tap * channels, from[x + tap - reach]);
}

/// The input image, split into pairs.
void fill(Planes& planes, const Layer& layer, const float* x, Size size, std::size_t threads) {
  parallel_for((size.height + kRowsPerCopy - 1) / kRowsPerCopy, threads, [&](std::size_t task) {
    const std::size_t end = std::min(size.height, (task + 1) * kRowsPerCopy);
    for (std::size_t y = task * kRowsPerCopy; y < end; ++y)
      for (std::size_t c = 0; c < layer.inputs(); ++c) {
        const float* from = x + (c * size.height + y) * size.width;
        if (layer.gathered())
          gather_row(planes, y, c, layer.inputs(), from, size.width);
        else
          fill_row(planes, y, c, from, size.width);
      }
  });
}

/// One pass over some rows of its grid, one block of outputs after the other.
class Task {
 public:
  Task(const Kernels& kernels, const Layer& layer, const Pass& pass, const Planes& in, Size grid, std::size_t first,
       std::size_t last)
      : kernels_(kernels), pass_(pass), in_(in), grid_(grid), first_(first), last_(last) {
    const std::size_t step = layer.up() ? 1 : 2;
    step_ = layer.gathered() ? 1 : step;
    for (std::size_t y = first; y < last; ++y)
      for (std::size_t x = 0; x < grid.width; x += kBlock)
        blocks_.push_back(in.at(static_cast<std::ptrdiff_t>(y * step) + pass.first_row,
                                static_cast<std::ptrdiff_t>(x * step_) + pass.first_column));
    sums_.resize(blocks_.size() * kBlock * kBlock);
  }

  /// Calls finish(sums, pixels, first output, outputs, y, x) for each block of pixels and outputs.
  template <class FinishBlock>
  void run(FinishBlock finish) {
    for (std::size_t output = 0; output < pass_.outputs; output += kBlock) {
      kernels_.multiply({in_.high(), in_.low(), blocks_.data(), blocks_.size(), step_ * in_.channels(), in_.row_stride(),
                         pass_.rows, pass_.run, pass_.weights.data() + output / kBlock * pass_.weights_per_block(),
                         sums_.data()});
      const float* sums = sums_.data();
      for (std::size_t y = first_; y < last_; ++y)
        for (std::size_t x = 0; x < grid_.width; x += kBlock, sums += kBlock * kBlock)
          finish(sums, std::min(kBlock, grid_.width - x), output, std::min(kBlock, pass_.outputs - output), y, x);
    }
  }

 private:
  const Kernels& kernels_;
  const Pass& pass_;
  const Planes& in_;
  Size grid_;
  std::size_t first_, last_, step_;  // step_: pixels from the window of a pixel to that of the next
  std::vector<std::size_t> blocks_;
  Aligned<float> sums_;
};

template <class Work>
void for_tasks(const Kernels& kernels, const Layer& layer, const Planes& in, Size size, std::size_t threads, Work work) {
  const Size grid{layer.grid_side(size.height), layer.grid_side(size.width)};
  const std::size_t rows = std::max<std::size_t>(1, kPixelsPerTask / rounded_up(grid.width, kBlock));
  const std::size_t bands = (grid.height + rows - 1) / rows, passes = layer.passes().size();
  parallel_for(bands * passes, threads, [&](std::size_t i) {
    const Pass& pass = layer.passes()[i % passes];
    const std::size_t first = i / passes * rows;
    Task task(kernels, layer, pass, in, grid, first, std::min(grid.height, first + rows));
    work(pass, task);
  });
}

void run_inner(const Kernels& kernels, const Layer& layer, const Planes& in, Size size, Planes& out, std::size_t threads) {
  const std::size_t scale = layer.up() ? 2 : 1;
  for_tasks(kernels, layer, in, size, threads, [&](const Pass& pass, Task& task) {
    task.run([&](const float* sums, std::size_t pixels, std::size_t first, std::size_t count, std::size_t y, std::size_t x) {
      const std::size_t at = out.at(static_cast<std::ptrdiff_t>(y * scale + pass.phase_row),
                                    static_cast<std::ptrdiff_t>(x * scale + pass.phase_column)) +
                             first;
      kernels.split({sums, pass.bias.data() + first, pixels, count, out.high() + at, out.low() + at,
                     scale * out.channels()});
    });
  });
}

void run_last(const Kernels& kernels, const Layer& layer, const Planes& in, Size size, float* out, std::size_t threads) {
  const std::size_t scale = layer.up() ? 2 : 1;
  const std::size_t height = scale * layer.grid_side(size.height), width = scale * layer.grid_side(size.width);
  for_tasks(kernels, layer, in, size, threads, [&](const Pass& pass, Task& task) {
    task.run([&](const float* sums, std::size_t pixels, std::size_t first, std::size_t count, std::size_t y, std::size_t x) {
      for (std::size_t o = 0; o < count; ++o) {
        const std::size_t output = first + o, channel = output % layer.outputs(), phase = output / layer.outputs();
        const std::size_t row = y * scale + (pass.all_phases ? phase / 2 : pass.phase_row);
        const std::size_t column = x * scale + (pass.all_phases ? phase % 2 : pass.phase_column);
        float* to = out + (channel * height + row) * width + column;
        for (std::size_t p = 0; p < pixels; ++p) to[p * scale] = sums[p * kBlock + o] + pass.bias[output];
      }
    });
  });
}

}  // namespace

const Kernels& kernels_named(const std::string& name) {
#ifdef LATENTPRESS_AMX_KERNELS
  static const Kernels* const fastest_first[] = {&kAmxKernels, &kPortableKernels};
#else
  static const Kernels* const fastest_first[] = {&kPortableKernels};
#endif
  for (const Kernels* kernels : fastest_first)
    if (kernels->supported() && (name.empty() || name == kernels->name)) return *kernels;
  throw ConfigurationError("This CPU has no kernels named " + name + "; leave the name empty for the fastest.");
}

Planes::Planes(const PlanesKey& key) : key_(key) {
  // Blocks of pixels that reach beyond a row, and runs that reach beyond a window, still read inside the buffer.
  const std::size_t beyond = 2 * kBlock * key.channels + kDepth;
  const std::size_t size = (key.height + 2 * kBorder) * row_stride() + beyond;
  high_.assign(size, 0);
  low_.assign(size, 0);
}

std::size_t Planes::at(std::ptrdiff_t y, std::ptrdiff_t x) const {
  constexpr auto border = static_cast<std::ptrdiff_t>(kBorder);
  return static_cast<std::size_t>(y + border) * row_stride() + static_cast<std::size_t>(x + border) * key_.channels;
}

Layer::Layer(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
             bool first, bool last)
    : direction_(direction),
      inputs_(inputs),
      outputs_(outputs),
      gathered_(first && direction == Direction::kDown && kSide * inputs <= kDepth) {
  if (gathered_) {
    pack({-2, 0, kSide, kSide, 0, 0, false, outputs, 0, {}, {}}, weights, bias);
  } else if (direction == Direction::kDown) {
    pack({-2, -2, kSide, kSide, 0, 0, false, outputs, 0, {}, {}}, weights, bias);
  } else if (last && 4 * outputs <= kBlock) {  // four phases fill the tiles that one would leave mostly empty
    pack({-1, -1, 3, 3, 0, 0, true, 4 * outputs, 0, {}, {}}, weights, bias);
  } else {
    for (const std::size_t a : {0, 1})
      for (const std::size_t b : {0, 1})
        pack({a == 0 ? -1 : 0, b == 0 ? -1 : 0, 3 - a, 3 - b, a, b, false, outputs, 0, {}, {}}, weights, bias);
  }
}

PlanesKey Layer::input(std::size_t height, std::size_t width) const {
  return gathered_ ? PlanesKey{height, width / 2, kDepth, inputs_} : PlanesKey{height, width, inputs_, 0};
}

float Layer::weight(const float* weights, const Pass& pass, std::size_t output, std::size_t row, std::size_t column,
                    std::size_t input) const {
  if (!up()) return weights[((output * inputs_ + input) * kSide + row) * kSide + column];
  const std::size_t phase = output / outputs_, a = pass.all_phases ? phase / 2 : pass.phase_row;
  const std::size_t b = pass.all_phases ? phase % 2 : pass.phase_column;
  // Output 2 i + a gets input i + d through tap a + 2 - 2 d.
  const auto tap = [](std::size_t parity, std::ptrdiff_t d) { return static_cast<std::ptrdiff_t>(parity) + 2 - 2 * d; };
  const auto y = tap(a, pass.first_row + static_cast<std::ptrdiff_t>(row));
  const auto x = tap(b, pass.first_column + static_cast<std::ptrdiff_t>(column));
  constexpr auto side = static_cast<std::ptrdiff_t>(kSide);
  if (y < 0 || y >= side || x < 0 || x >= side) return 0.0f;
  return weights[((input * outputs_ + output % outputs_) * kSide + static_cast<std::size_t>(y)) * kSide +
                 static_cast<std::size_t>(x)];
}

void Layer::pack(Pass pass, const float* weights, const float* bias) {
  pass.run = rounded_up(pass.columns * inputs_, kDepth) / kDepth;
  const std::size_t padded = rounded_up(pass.outputs, kBlock);
  pass.bias.assign(padded, 0.0f);
  for (std::size_t o = 0; o < pass.outputs; ++o) pass.bias[o] = bias[o % outputs_];
  pass.weights.assign(padded / kBlock * pass.weights_per_block(), 0);
  constexpr std::size_t kPart = kDepth * kBlock;
  for (std::size_t o = 0; o < pass.outputs; ++o)
    for (std::size_t row = 0; row < pass.rows; ++row)
      for (std::size_t i = 0; i < pass.columns * inputs_; ++i) {
        const float value = weight(weights, pass, o, row, i / inputs_, i % inputs_);
        std::uint16_t* to = pass.weights.data() + o / kBlock * pass.weights_per_block() +
                            (row * pass.run + i / kDepth) * 2 * kPart + o % kBlock / kTile * (kDepth * kTile) +
                            i % kDepth / 2 * (2 * kTile) + o % kTile * 2 + i % 2;
        const std::uint16_t high = to_bfloat16(value);
        to[0] = to_bfloat16(value - from_bfloat16(high));
        to[kPart] = high;
      }
  passes_.push_back(std::move(pass));
}

void Network::add(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
                  bool last) {
  if (!layers_.empty() && layers_.back().outputs() != inputs)
    throw ConfigurationError("A layer must take as many channels as the one before it gives.");
  layers_.emplace_back(direction, weights, bias, inputs, outputs, layers_.empty(), last);
}

std::size_t Network::output_side(std::size_t side) const {
  for (const Layer& layer : layers_) {
    if (!layer.up() && side % 2 != 0) return 0;
    side = layer.up() ? 2 * side : side / 2;
  }
  return side;
}

void Network::run(const Kernels& kernels, const float* x, std::size_t height, std::size_t width, float* out,
                  std::size_t threads) const {
  const autoregressive::DefaultFloatingPoint default_environment;
  Size size{height, width};
  Lease<Planes> in(layers_[0].input(height, width));
  fill(*in, layers_[0], x, size, threads);
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const std::size_t scale = layer.up() ? 2 : 1;
    const Size next{scale * layer.grid_side(size.height), scale * layer.grid_side(size.width)};
    Lease<Planes> its_output(layers_[i + 1].input(next.height, next.width));
    run_inner(kernels, layer, *in, size, *its_output, threads);
    in = std::move(its_output);
    size = next;
  }
  run_last(kernels, layers_.back(), *in, size, out, threads);
}

}  // namespace latentpress::strided
