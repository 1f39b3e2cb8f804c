// The numeric primitives of ConvNeXt networks on channels-last floats, in a version for each kind of CPU.
//
// Guarantee: every version performs, for every output element, the same IEEE operations in the same order (sums are
// chains of fused multiply-adds over inputs in order, cut into pieces of kChain that are then added up). Results
// therefore agree bit for bit between CPUs, and do not depend on how many rows or threads share the work. That is what
// lets a decoder reproduce the probabilities that an encoder used.
#pragma once

#include <cstddef>

namespace latentpress::convnext {

/// Outputs that lie side by side in packed weights.
inline constexpr std::size_t kPanel = 32;
/// Lanes of the sums over channels that a normalisation takes; the width that channels must be a multiple of.
inline constexpr std::size_t kLanes = 16;
/// Most inputs that are summed in one chain before they are added to the total.
inline constexpr std::size_t kChain = 256;

/// What happens to a sum before it is stored.
enum class Finish { kNothing, kGelu, kAddResidual };

/// out[row * out_stride + o] = finish(bias[o] + sum over i of in[row * in_stride + i] * weight(o, i)).
struct MatrixProduct {
  const float* in;
  std::size_t in_stride;
  std::size_t rows;
  const float* panels;  // panels[(panel * depth + i) * kPanel + o % kPanel], padded with zeros
  const float* bias;    // padded with zeros to whole panels
  std::size_t depth;
  std::size_t outputs;
  Finish finish;
  const float* residual;  // of the shape and strides of `out`; read where finish is kAddResidual
  float* out;
  std::size_t out_stride;
};

/// Depthwise convolution of a rectangle of an image, zero-padded: `count` positions from column `x` in each of `rows` rows
/// from row `y`.
struct DepthwiseTile {
  const float* image;  // (height, width, channels)
  std::size_t height, width, channels;
  std::size_t y, x, rows, count;
  std::size_t side;      // of the kernel, odd
  const float* weights;  // (side * side, channels)
  const float* bias;     // (channels)
  float* out;            // (rows, count, channels)
};

/// In place: LayerNorm over channels (epsilon 1e-6), then `* scale + shift`. The last `padding` channels, fewer than
/// sixteen, are zeros and do not count; scale and shift must be zero there.
struct Normalisation {
  float* values;  // (rows, channels)
  std::size_t rows, channels;
  const float* shift;  // (channels)
  const float* scale;  // (channels)
  std::size_t padding;
};

/// What a matrix product ends with, for sums of one panel that come from elsewhere.
struct Finishing {
  const float* sums;  // (rows, kPanel)
  std::size_t rows, outputs;
  Finish finish;
  const float* residual;  // of the shape and stride of `out`
  float* out;
  std::size_t out_stride;
};

struct Kernels {
  const char* name;
  void (*multiply)(const MatrixProduct&);
  void (*finish)(const Finishing&);
  void (*depthwise)(const DepthwiseTile&);
  void (*normalise)(const Normalisation&);
  void (*gelu)(const float* in, float* out, std::size_t count);
  bool (*supported)();
};

extern const Kernels kPortableKernels;
#ifdef LATENTPRESS_X86_KERNELS
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif
#ifdef LATENTPRESS_NEON_KERNELS
extern const Kernels kNeonKernels;
#endif

}  // namespace latentpress::convnext
