#include "integer_network.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "autoregressive_team.hpp"
#include "errors.hpp"
#include "pool.hpp"

namespace latentpress::fixed_point {
namespace {

constexpr std::size_t kPhases = 4, kPhaseTaps = 4;

void require(bool condition, const char* message) {
  if (!condition) throw ConfigurationError(message);
}

/// Working memory of a certain size, kept for the next call.
class Working {
 public:
  explicit Working(std::size_t shorts) : values_(shorts) {}
  std::size_t key() const { return values_.size(); }
  std::size_t bytes() const { return values_.size() * sizeof(std::int16_t); }
  std::int16_t* data() { return values_.data(); }

 private:
  Aligned<std::int16_t> values_;
};

std::size_t even(std::size_t depth) { return (depth + 1) / 2 * 2; }

/// Where tap `number` lies, in rows and columns from the position that is computed.
std::ptrdiff_t tap_offset(std::size_t taps, std::size_t phase, std::size_t number, std::size_t columns, std::size_t channels) {
  std::ptrdiff_t row = 0, column = 0;
  if (taps == 9) {
    row = static_cast<std::ptrdiff_t>(number / 3) - 1;
    column = static_cast<std::ptrdiff_t>(number % 3) - 1;
  } else if (taps == kPhaseTaps) {  // even rows see the row before, odd ones the row after
    row = static_cast<std::ptrdiff_t>(number / 2 + phase / 2) - 1;
    column = static_cast<std::ptrdiff_t>(number % 2 + phase % 2) - 1;
  }
  return (row * static_cast<std::ptrdiff_t>(columns + 2) + column) * static_cast<std::ptrdiff_t>(channels);
}

}  // namespace

std::size_t IntegerNetwork::add_slot(std::size_t channels, std::size_t factor) {
  require(channels > 0 && factor > 0, "A slot must have channels and a factor.");
  slots_.push_back({channels, factor});
  return slots_.size() - 1;
}

void IntegerNetwork::add_layer(std::size_t in, std::size_t out, const LayerWeights& weights, const LayerEnd& end) {
  require(in < slots_.size() && out < slots_.size() && in != out, "A layer must have two slots.");
  const Slot &from = slots_[in], &to = slots_[out];
  const bool up = to.factor == 2 * from.factor;
  require(up ? weights.taps == kPhases * kPhaseTaps : to.factor == from.factor && (weights.taps == 1 || weights.taps == 9),
          "A layer must have 1 or 9 taps, or 16 to double rows and columns.");
  require(weights.inputs == from.channels && weights.outputs == to.channels, "Weights must fit the slots of a layer.");
  require(end.slope >= 0.0f && end.slope <= 1.0f && end.limit > 0.0f && end.limit <= kLargest,
          "A slope must be from 0 to 1, and a limit up to 32767.");
  if (end.residual != kNone)
    require(end.residual < slots_.size() && slots_[end.residual].channels == to.channels &&
                slots_[end.residual].factor == to.factor && end.residual != in,
            "A residual must be like the output.");
  Layer layer{in, out, up ? kPhaseTaps : weights.taps, up ? kPhases : 1, to.padded() / kConvolutionPanel,
              even(from.channels), {}, {}, {}, end};
  layer.weights.assign(layer.phases * layer.panels * layer.taps * layer.depth * kConvolutionPanel, 0);
  layer.scale.assign(to.padded(), 0.0f);
  layer.bias.assign(to.padded(), 0.0f);
  std::copy_n(weights.scale, weights.outputs, layer.scale.begin());
  std::copy_n(weights.bias, weights.outputs, layer.bias.begin());
  for (std::size_t phase = 0; phase < layer.phases; ++phase)
    for (std::size_t o = 0; o < weights.outputs; ++o) {
      std::int64_t magnitude = 0;
      for (std::size_t tap = 0; tap < layer.taps; ++tap) {
        const std::int16_t* row =
            weights.values + ((phase * layer.taps + tap) * weights.outputs + o) * weights.inputs;
        std::int16_t* to_row = layer.weights.data() +
                               (((phase * layer.panels + o / kConvolutionPanel) * layer.taps + tap) * layer.depth / 2 *
                                    kConvolutionPanel +
                                o % kConvolutionPanel) *
                                   2;
        for (std::size_t i = 0; i < weights.inputs; ++i) {
          to_row[i / 2 * kConvolutionPanel * 2 + i % 2] = row[i];
          magnitude += std::abs(static_cast<std::int64_t>(row[i]));
        }
      }
      require(magnitude <= kMostWeights, "The weights of an output are too large for sums of 32 bits.");
    }
  layers_.push_back(std::move(layer));
}

void IntegerNetwork::compute(const Kernels& kernels, const Layer& layer, const Plane& in, const Plane& out,
                             const Plane* residual, std::size_t first, std::size_t count) {
  std::ptrdiff_t taps[9];
  const std::size_t step = layer.phases == 1 ? 1 : 2;
  const std::size_t phase_shorts = layer.weights.size() / layer.phases;
  for (std::size_t phase = 0; phase < layer.phases; ++phase) {
    for (std::size_t tap = 0; tap < layer.taps; ++tap)
      taps[tap] = tap_offset(layer.taps, phase, tap, in.columns, in.channels);
    for (std::size_t row = first; row < first + count; ++row) {
      const std::size_t out_row = row * step + phase / 2, out_column = phase % 2;
      const Convolution job{in.at(row, 0),
                            in.channels,
                            taps,
                            layer.taps,
                            layer.depth,
                            in.columns,
                            layer.weights.data() + phase * phase_shorts,
                            layer.panels,
                            layer.scale.data(),
                            layer.bias.data(),
                            layer.end.slope,
                            layer.end.limit,
                            residual == nullptr ? nullptr : residual->at(out_row, out_column),
                            out.at(out_row, out_column),
                            step * out.channels};
      kernels.convolve(job);
    }
  }
}

void IntegerNetwork::run(const Kernels& kernels, const std::int16_t* x, std::size_t height, std::size_t width,
                         std::size_t coarse, std::size_t fine, std::int16_t* pixels, std::size_t threads) const {
  require(coarse < slots_.size() && fine < slots_.size() && slots_[coarse].factor == 1, "There must be both slots of pixels.");
  const std::size_t cells = slots_[fine].factor;
  std::size_t block = 1;
  while (3 * block * block < slots_[fine].channels) ++block;
  const std::size_t side = block * cells;
  require(3 * block * block == slots_[fine].channels && 3 * side * side == slots_[coarse].channels,
          "The slots of pixels must have blocks of three colours.");
  std::vector<std::size_t> starts;
  std::size_t total = 0;
  for (const Slot& slot : slots_) {
    starts.push_back(total);
    total += (height * slot.factor + 2) * (width * slot.factor + 2) * slot.padded();
    total = (total + 31) / 32 * 32;
  }
  const Lease<Working> working(total);
  std::vector<Plane> planes;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    planes.push_back({working->data() + starts[i], height * slots_[i].factor, width * slots_[i].factor, slots_[i].padded()});
  for (const Plane& plane : planes) {
    const std::size_t line = (plane.columns + 2) * plane.channels;
    std::memset(plane.data, 0, line * sizeof *plane.data);
    std::memset(plane.data + (plane.rows + 1) * line, 0, line * sizeof *plane.data);
    for (std::size_t row = 1; row <= plane.rows; ++row) {
      std::memset(plane.data + row * line, 0, plane.channels * sizeof *plane.data);
      std::memset(plane.data + (row + 1) * line - plane.channels, 0, plane.channels * sizeof *plane.data);
    }
  }
  const std::size_t channels = slots_.front().channels;
  autoregressive::run_team(std::max<std::size_t>(1, threads), [&](const autoregressive::Member& member) {
    const auto mine = member.share(height);
    for (std::size_t row = mine.first; row < mine.first + mine.count; ++row)
      for (std::size_t column = 0; column < width; ++column) {
        const std::int16_t* from = x + (row * width + column) * channels;
        std::int16_t* to = planes.front().at(row, column);
        for (std::size_t c = 0; c < channels; ++c)
          to[c] = static_cast<std::int16_t>(std::clamp<std::int32_t>(from[c], -kMostInput, kMostInput));
        std::fill(to + channels, to + planes.front().channels, std::int16_t{0});
      }
    for (const Layer& layer : layers_) {
      member.wait();
      const auto rows = member.share(planes[layer.in].rows);
      const Plane* residual = layer.end.residual == kNone ? nullptr : &planes[layer.end.residual];
      compute(kernels, layer, planes[layer.in], planes[layer.out], residual, rows.first, rows.count);
    }
    member.wait();
    const auto lines = member.share(height * cells);
    for (std::size_t line = lines.first; line < lines.first + lines.count; ++line)
      for (std::size_t cell = 0; cell < width * cells; ++cell) {
        const std::int16_t* one = planes[fine].at(line, cell);
        const std::int16_t* other =
            planes[coarse].at(line / cells, cell / cells) + (line % cells * side + cell % cells) * block * 3;
        std::int16_t* to = pixels + (line * block * width * side + cell * block) * 3;
        for (std::size_t i = 0; i < block; ++i)
          for (std::size_t j = 0; j < 3 * block; ++j)
            to[i * width * side * 3 + j] = static_cast<std::int16_t>(std::clamp<std::int32_t>(
                one[i * block * 3 + j] + other[i * side * 3 + j], -kLargest, kLargest));
      }
  });
}

}  // namespace latentpress::fixed_point
