// The inner loops of strided networks, one version for each kind of CPU. Values are pairs of bfloat16, high and low,
// whose sum has 16 significant bits; products of two pairs leave out low times low, and sums are single precision.
#pragma once

#include <cstddef>
#include <cstdint>

namespace latentpress::strided {

/// Pixels and outputs of one matrix tile; inputs that a tile sums over.
inline constexpr std::size_t kTile = 16;
inline constexpr std::size_t kDepth = 32;
/// Pixels, and outputs, that are computed together: two tiles each.
inline constexpr std::size_t kBlock = 2 * kTile;

/// sums[pixel][output] = sum over `rows` windows of `run` consecutive inputs, for one block of outputs.
struct Product {
  const std::uint16_t* high;  // the inputs
  const std::uint16_t* low;
  const std::size_t* blocks;  // for each block of pixels, where the window of its first pixel begins
  std::size_t block_count;
  std::size_t pixel_stride;  // from the window of a pixel to that of the next
  std::size_t row_stride;    // from a row of a window to the next
  std::size_t rows;
  std::size_t run;               // in units of kDepth
  const std::uint16_t* weights;  // rows x run x (low, high) x (kBlock / kTile) x tile of (kDepth / 2, kTile, 2)
  float* sums;                   // (block_count * kBlock, kBlock)
};

/// out = ReLU(sums + bias) as high and low parts, `count` outputs of `pixels` pixels.
struct Split {
  const float* sums;  // (pixels, kBlock)
  const float* bias;  // (kBlock)
  std::size_t pixels, count;
  std::uint16_t* high;
  std::uint16_t* low;
  std::size_t pixel_stride;
};

struct Kernels {
  const char* name;
  void (*multiply)(const Product&);
  void (*split)(const Split&);
  bool (*supported)();
};

extern const Kernels kPortableKernels;
#ifdef LATENTPRESS_AMX_KERNELS
extern const Kernels kAmxKernels;
#endif

/// The bfloat16 nearest to `value`, ties to even, for finite values.
inline std::uint16_t to_bfloat16(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float from_bfloat16(std::uint16_t value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

}  // namespace latentpress::strided
