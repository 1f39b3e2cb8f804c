// ConvNeXt blocks and convolutions on channels-last images, in threads. The numbers come from convnext_kernels.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "aligned.hpp"
#include "convnext_kernels.hpp"
#include "fixed_point.hpp"

namespace latentpress::convnext {

/// Version of the kernels by name ("" for the fastest that this CPU has, as is "amx" where it has matrix tiles, which only
/// matrices in fixed point use); throws ConfigurationError for another name.
const Kernels& kernels_named(const std::string& name);

struct AlignedDelete {
  void operator()(float* values) const { ::operator delete[](values, kCacheLine); }
};
using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;
/// Room for `count` floats, from the start of a cache line; what is in it is not defined.
AlignedFloats aligned_floats(std::size_t count);

/// A matrix (outputs, depth) and a bias, laid out for the kernels, in single precision or in fixed point.
class PackedMatrix {
 public:
  /// `weights`: (outputs, depth), row by row; `bias`: (outputs).
  PackedMatrix(const float* weights, const float* bias, std::size_t outputs, std::size_t depth);
  /// The same in fixed point.
  PackedMatrix(const float* weights, const float* bias, std::size_t outputs, std::size_t depth,
               const fixed_point::Kernels& kernels);

  std::size_t outputs() const { return outputs_; }
  std::size_t depth() const { return depth_; }
  /// In single precision.
  const float* panels() const { return panels_.get(); }
  const float* bias() const { return bias_.get(); }
  /// In fixed point; nothing otherwise.
  const std::optional<fixed_point::Weights>& fixed() const { return fixed_; }

 private:
  std::size_t outputs_, depth_;
  AlignedFloats panels_, bias_;
  std::optional<fixed_point::Weights> fixed_;
};

/// (images, height, width), channels last.
struct ImageShape {
  std::size_t images, height, width;
  std::size_t positions() const { return images * height * width; }
};

/// Images, channels last; with `more`, of the same grid, its channels follow at every position.
struct Inputs {
  const float* values;
  std::size_t channels;
  const float* more;
  std::size_t more_channels;
};

/// A square convolution that keeps the grid, zero-padded. The matrix's depth is (rows, columns, channels) of the kernel.
struct Convolution {
  const PackedMatrix& matrix;
  std::size_t side;
  bool gelu_before;
  Finish finish;
  /// Side of the patch of the input's grid that is one position here, in (row, column, channel) order; above 1, there is
  /// one input and `side` is 1.
  std::size_t patch_in = 1;
  /// Side of the patch of the output's grid that the outputs of a position are, in the same order.
  std::size_t patch_out = 1;
};
/// `shape` is that of the grid computed on.
void convolve(const Kernels& kernels, const Convolution& layer, const ImageShape& shape, const Inputs& in,
              const float* residual, float* out, std::size_t threads);

/// A ConvNeXt block: out = in + contract(gelu(expand(norm(depthwise(in))))); a layer scale is folded into `contract`.
struct Block {
  const float* depthwise_weights;  // (side * side, channels)
  const float* depthwise_bias;     // (channels)
  std::size_t side;
  const float* shift;  // (images or 1, channels)
  const float* scale;
  bool modulation_per_image;
  const PackedMatrix& expand;
  const PackedMatrix& contract;
  /// How many of the last channels are zeros that only fill up sixteen, fewer than that; LayerNorm does not count them.
  std::size_t padding = 0;
};
void run_block(const Kernels& kernels, const Block& block, const ImageShape& shape, const float* in, float* out,
               std::size_t threads);

}  // namespace latentpress::convnext
