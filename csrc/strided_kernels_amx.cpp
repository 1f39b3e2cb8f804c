// The kernels of strided networks for CPUs with matrix tiles (AMX). No standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#include "strided_kernels.hpp"

#include <cpuid.h>
#include <immintrin.h>

#include "processor.hpp"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace latentpress::strided {
namespace {

constexpr std::size_t kPart = kDepth * kBlock;   // weights of one part, high or low
constexpr std::size_t kTogether = 20;             // tile depths between loads and stores of the sums
constexpr std::size_t kTileBytes = 64;           // of a row
constexpr std::size_t kSumsStride = kBlock * sizeof(float);

#include "matrix_tiles.hpp"

inline void load_sums(const float* sums) {
  _tile_loadd(0, sums, kSumsStride);
  _tile_loadd(1, sums + kTile, kSumsStride);
  _tile_loadd(2, sums + kTile * kBlock, kSumsStride);
  _tile_loadd(3, sums + kTile * kBlock + kTile, kSumsStride);
}

inline void store_sums(float* sums) {
  _tile_stored(0, sums, kSumsStride);
  _tile_stored(1, sums + kTile, kSumsStride);
  _tile_stored(2, sums + kTile * kBlock, kSumsStride);
  _tile_stored(3, sums + kTile * kBlock + kTile, kSumsStride);
}

inline void load_inputs(const std::uint16_t* inputs, std::size_t pixel_stride) {
  _tile_loadd(4, inputs, pixel_stride * 2);
  _tile_loadd(5, inputs + kTile * pixel_stride, pixel_stride * 2);
}

inline void load_weights(const std::uint16_t* weights) {
  _tile_loadd(6, weights, kTileBytes);
  _tile_loadd(7, weights + kTile * kDepth, kTileBytes);
}

inline void multiply_tiles() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/// Adds `depths` tile depths from input `at` of one row of the window to the sums of every block of pixels.
void accumulate(const Product& job, std::size_t at, std::size_t depths, const std::uint16_t* weights, bool first) {
  for (std::size_t block = 0; block < job.block_count; ++block) {
    float* sums = job.sums + block * kBlock * kBlock;
    if (first) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    } else {
      load_sums(sums);
    }
    const std::size_t begin = job.blocks[block] + at;
    for (std::size_t d = 0; d < depths; ++d) {
      const std::uint16_t* tiles = weights + d * 2 * kPart;
      load_inputs(job.high + begin + d * kDepth, job.pixel_stride);
      load_weights(tiles);  // low
      multiply_tiles();
      load_weights(tiles + kPart);  // high
      multiply_tiles();
      load_inputs(job.low + begin + d * kDepth, job.pixel_stride);
      multiply_tiles();
    }
    store_sums(sums);
  }
}

void multiply(const Product& job) {
  const TileShapes shapes;
  memory_barrier();
  _tile_loadconfig(&shapes);
  const std::uint16_t* weights = job.weights;
  for (std::size_t row = 0; row < job.rows; ++row)
    for (std::size_t depth = 0; depth < job.run; depth += kTogether) {
      const std::size_t depths = job.run - depth < kTogether ? job.run - depth : kTogether;
      accumulate(job, row * job.row_stride + depth * kDepth, depths, weights, row == 0 && depth == 0);
      weights += depths * 2 * kPart;
    }
  _tile_release();
  memory_barrier();
}

void split(const Split& job) {
  for (std::size_t o = 0; o < job.count; o += kTile) {
    const std::size_t left = job.count - o;
    const auto lanes = static_cast<__mmask16>(left >= kTile ? 0xffff : (1u << left) - 1);
    const __m512 bias = _mm512_loadu_ps(job.bias + o);
    for (std::size_t p = 0; p < job.pixels; ++p) {
      const __m512 sum = _mm512_add_ps(_mm512_loadu_ps(job.sums + p * kBlock + o), bias);
      const __m512 value = _mm512_max_ps(sum, _mm512_setzero_ps());
      const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value));
      const __m512 rounded = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_sub_ps(value, rounded)));
      _mm256_mask_storeu_epi16(job.high + p * job.pixel_stride + o, lanes, high);
      _mm256_mask_storeu_epi16(job.low + p * job.pixel_stride + o, lanes, low);
    }
  }
}

bool has_instructions() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return false;
  return has_tiles(kTiles | kTilesOfBfloat16) && (a >> 5 & 1) /* AVX512-BF16 */ && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw");
}

bool supported() {
  static const bool found = allowed(Level::kAmx) && has_instructions() && tiles_allowed();
  return found;
}

}  // namespace

const Kernels kAmxKernels{"amx", multiply, split, supported};

}  // namespace latentpress::strided
