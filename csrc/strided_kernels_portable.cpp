// The kernels of strided networks in plain C++: what the others are checked against, and no faster than it looks.
#include "strided_kernels.hpp"

namespace latentpress::strided {
namespace {

/// Weight of input `i` and output `o` in a block's tiles of one part.
inline float weight_at(const std::uint16_t* tiles, std::size_t i, std::size_t o) {
  const std::size_t tile = o / kTile * (kDepth * kTile);
  return from_bfloat16(tiles[tile + i / 2 * (2 * kTile) + o % kTile * 2 + i % 2]);
}

void multiply(const Product& job) {
  constexpr std::size_t kPart = kDepth * kBlock;
  for (std::size_t block = 0; block < job.block_count; ++block)
    for (std::size_t p = 0; p < kBlock; ++p) {
      float* sums = job.sums + (block * kBlock + p) * kBlock;
      for (std::size_t o = 0; o < kBlock; ++o) sums[o] = 0;
      const std::uint16_t* weights = job.weights;
      for (std::size_t row = 0; row < job.rows; ++row)
        for (std::size_t at = 0; at < job.run * kDepth; at += kDepth, weights += 2 * kPart)
          for (std::size_t i = 0; i < kDepth; ++i) {
            const std::size_t input = job.blocks[block] + p * job.pixel_stride + row * job.row_stride + at + i;
            const float high = from_bfloat16(job.high[input]), low = from_bfloat16(job.low[input]);
            for (std::size_t o = 0; o < kBlock; ++o) {
              const float weight_low = weight_at(weights, i, o), weight_high = weight_at(weights + kPart, i, o);
              sums[o] += high * weight_low + high * weight_high + low * weight_high;
            }
          }
    }
}

void split(const Split& job) {
  for (std::size_t p = 0; p < job.pixels; ++p)
    for (std::size_t o = 0; o < job.count; ++o) {
      const float sum = job.sums[p * kBlock + o] + job.bias[o], value = sum > 0 ? sum : 0;
      const std::uint16_t high = to_bfloat16(value);
      job.high[p * job.pixel_stride + o] = high;
      job.low[p * job.pixel_stride + o] = to_bfloat16(value - from_bfloat16(high));
    }
}

bool supported() { return true; }

}  // namespace

const Kernels kPortableKernels{"portable", multiply, split, supported};

}  // namespace latentpress::strided
