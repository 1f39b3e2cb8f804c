// Networks of convolutions of integers: the same bits on every processor, at the speed of 16-bit dot products.
//
// Every tensor between layers has integers of 16 bits, whose steps were settled when the network was made. What a layer
// computes is said at `Convolution` in fixed_point_kernels.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "fixed_point_kernels.hpp"

namespace latentpress::fixed_point {

/// What a layer multiplies with. Three dimensions, (taps, outputs, inputs), with four times as many taps for upsampling:
/// those of the four phases (even rows and columns of the output; even rows, odd columns; ...), one after another.
struct LayerWeights {
  const std::int16_t* values;
  std::size_t taps, outputs, inputs;
  const float *scale, *bias;  // (outputs)
};

/// What a layer makes of its sums.
struct LayerEnd {
  float slope;
  float limit;
  std::size_t residual;  // a slot, or kNone
};

class IntegerNetwork {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// A place for a tensor of `channels`, and `factor` times as many rows and columns as the input has. The first slot is
  /// the input. Returns its number.
  std::size_t add_slot(std::size_t channels, std::size_t factor);

  /// A convolution of stride 1, with 1 or 3x3 taps, and zeros around the input; or a transposed one of 4x4 taps and stride
  /// 2, whose output has twice the factor. A layer may write to its residual's slot.
  /// Throws ConfigurationError if slots and weights do not fit each other, or sums might overflow.
  void add_layer(std::size_t in, std::size_t out, const LayerWeights& weights, const LayerEnd& end);

  std::size_t channels(std::size_t slot) const { return slots_.at(slot).channels; }
  std::size_t factor(std::size_t slot) const { return slots_.at(slot).factor; }
  std::size_t slots() const { return slots_.size(); }

  /// Computes all layers, and adds two slots up to pixels: the coarse one has blocks of pixels (side, side, 3), the fine one
  /// blocks of a side so much smaller as there are more of them.
  /// `x`: (height, width, channels of the first slot), at most kMostInput in magnitude; what is larger is cut.
  /// `pixels`: (height * side, width * side, 3).
  void run(const Kernels& kernels, const std::int16_t* x, std::size_t height, std::size_t width, std::size_t coarse,
           std::size_t fine, std::int16_t* pixels, std::size_t threads) const;

 private:
  struct Slot {
    std::size_t channels, factor;
    std::size_t padded() const { return (channels + kConvolutionPanel - 1) / kConvolutionPanel * kConvolutionPanel; }
  };
  struct Layer {
    std::size_t in, out, taps, phases, panels, depth;
    Aligned<std::int16_t> weights;  // (phases, panels, taps, depth / 2, kConvolutionPanel, 2)
    std::vector<float> scale, bias;
    LayerEnd end;
  };
  /// A tensor with a border of zeros, (rows + 2, columns + 2, padded channels).
  struct Plane {
    std::int16_t* data;
    std::size_t rows, columns, channels;
    std::int16_t* at(std::size_t row, std::size_t column) const {
      return data + ((row + 1) * (columns + 2) + column + 1) * channels;
    }
  };

  static void compute(const Kernels& kernels, const Layer& layer, const Plane& in, const Plane& out,
                      const Plane* residual, std::size_t first, std::size_t count);

  std::vector<Slot> slots_;
  std::vector<Layer> layers_;
};

}  // namespace latentpress::fixed_point
