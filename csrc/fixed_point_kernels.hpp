// Matrix products of 16-bit integers that share an exponent along each row, in a version for each kind of CPU.
//
// A row of inputs x is q * step, and the weights of an output w are p * its step, where a step is a power of two and q
// and p are integers of at most 32767 in magnitude. The sum of q * p is computed exactly, so that all versions agree bit
// for bit whatever their order. It then becomes, with the sum = u * 65536 + v and 0 <= v < 65536, in binary32:
// fma(u, 65536, v) * step of the row * step of the output + bias.
#pragma once

#include <cstddef>
#include <cstdint>

namespace latentpress::fixed_point {

/// Outputs that are computed together.
inline constexpr std::size_t kPanel = 32;
/// Rows that there must be room for are a multiple of it.
inline constexpr std::size_t kRowUnit = 16;
inline constexpr std::size_t kLanes = 16;
inline constexpr std::int32_t kLargest = 32767;
/// Most inputs of one output: no sum overflows.
inline constexpr std::size_t kMostDepth = 16384;

/// Floats to integers, row by row. What lies behind `depth` in a row becomes zero.
struct Quantisation {
  const float* in;
  std::size_t in_stride;
  std::size_t rows, depth;
  std::uint8_t* out;
  std::size_t out_stride;  // bytes, as the version's row_bytes says
  float* steps;            // one a row
};

/// Sums for one panel of outputs.
struct Product {
  const std::uint8_t* in;  // of a Quantisation
  std::size_t in_stride;
  const float* in_steps;
  std::size_t rows, depth;
  const std::uint8_t* weights;  // of the panel, as the version packs them
  const float* weight_steps;    // kPanel
  const float* bias;            // kPanel
  float* sums;                  // (rows, kPanel)
};

/// Outputs of a convolution that lie together in its weights.
inline constexpr std::size_t kConvolutionPanel = kLanes;
/// Largest magnitude of an input of a convolution, and of the magnitudes of the weights of one output taken together: no
/// sum overflows, in whatever order.
inline constexpr std::int32_t kMostInput = 8191;
inline constexpr std::int64_t kMostWeights = ((std::int64_t{1} << 31) - 1) / kMostInput;

/// A stretch of positions of a convolution whose inputs, weights and outputs are integers with steps known beforehand. An
/// output is, in binary32, sum * scale + bias =: v, the greater of v and v * slope, plus the residual, at most `limit` in
/// magnitude, rounded half to even.
struct Convolution {
  const std::int16_t* in;  // the first position
  std::size_t in_step;     // from one position to the next
  const std::ptrdiff_t* taps;  // from a position to the inputs of each tap
  std::size_t tap_count;
  std::size_t depth;  // inputs of a tap, even
  std::size_t positions;
  const std::int16_t* weights;  // (panels, taps, depth / 2, kConvolutionPanel, 2)
  std::size_t panels;
  const float *scale, *bias;  // (panels * kConvolutionPanel)
  float slope;
  float limit;  // at most 32767
  const std::int16_t* residual;  // laid out as the output, which it may be; or null
  std::int16_t* out;
  std::size_t out_step;
};

struct Kernels {
  const char* name;
  /// Bytes of a row of integers.
  std::size_t (*row_bytes)(std::size_t depth);
  /// Bytes of the weights of a panel.
  std::size_t (*panel_bytes)(std::size_t depth);
  /// Puts weight `value` of input `i` and output `o` of a panel, which starts out as zeros, in its place.
  void (*place)(std::uint8_t* panel, std::size_t depth, std::size_t o, std::size_t i, std::int32_t value);
  void (*quantise)(const Quantisation&);
  /// To be called on a thread ahead of, and after, any number of products.
  void (*begin)();
  void (*end)();
  void (*multiply)(const Product&);
  void (*convolve)(const Convolution&);
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
#ifdef LATENTPRESS_AMX_KERNELS
extern const Kernels kAmxKernels;
#endif

/// The powers of two that go with the largest magnitude of a row: to multiply with, and to multiply back with.
struct Steps {
  float to_integer, back;
};
inline Steps steps_for(float largest) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &largest, sizeof bits);
  std::uint32_t exponent = bits >> 23 & 255;  // the largest is below 2^(exponent - 126)
  exponent = exponent < 15 ? 15 : exponent > 254 ? 254 : exponent;
  const std::uint32_t up = (268 - exponent) << 23, down = (exponent - 14) << 23;
  Steps steps;
  __builtin_memcpy(&steps.to_integer, &up, sizeof up);
  __builtin_memcpy(&steps.back, &down, sizeof down);
  return steps;
}

}  // namespace latentpress::fixed_point
