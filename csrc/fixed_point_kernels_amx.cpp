// Fixed-point products for CPUs with matrix tiles of 8-bit integers (AMX): an integer of 16 bits is two of 8, the upper
// one signed. No standard library code, for the reason given in convnext_kernels_avx512.cpp.
#include "fixed_point_kernels.hpp"

#include <cpuid.h>
#include <immintrin.h>

#include "processor.hpp"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace latentpress::fixed_point {
namespace {

#include "fixed_point_avx512.hpp"
#include "fixed_point_sums.hpp"
#include "matrix_tiles.hpp"

constexpr std::size_t kTile = 16;         // rows and outputs of a tile
constexpr std::size_t kTileBytes = 1024;  // sixteen rows of 64
constexpr std::size_t kTileDepth = 64;    // inputs that a tile sums over
constexpr std::size_t kSums = kTile * kTile;

inline std::size_t tile_depths(std::size_t depth) { return (depth + kTileDepth - 1) / kTileDepth; }

// A row is its upper bytes, then its lower bytes, then a line more, so that rows do not all fall on the same lines of the
// nearest cache.
std::size_t row_bytes(std::size_t depth) { return 2 * tile_depths(depth) * kTileDepth + 64; }
// A panel is, for each tile depth, the tiles of the upper bytes of both halves of the panel and those of the lower bytes.
std::size_t panel_bytes(std::size_t depth) { return tile_depths(depth) * 4 * kTileBytes; }

void place(std::uint8_t* panel, std::size_t, std::size_t o, std::size_t i, std::int32_t value) {
  const std::size_t within = i % kTileDepth;
  std::uint8_t* to = panel + i / kTileDepth * 4 * kTileBytes + o / kTile * kTileBytes + within / 4 * 64 + o % kTile * 4 +
                     within % 4;
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[2 * kTileBytes] = static_cast<std::uint8_t>(value);
}

void quantise(const Quantisation& job) {
  const std::size_t padded = tile_depths(job.depth) * kTileDepth;
  for (std::size_t row = 0; row < job.rows; ++row) {
    const float* in = job.in + row * job.in_stride;
    std::uint8_t* out = job.out + row * job.out_stride;
    Vector largest = broadcast(0.0f);
    const auto lanes_from = [&](std::size_t i) {
      const std::size_t left = i < job.depth ? job.depth - i : 0;
      return static_cast<__mmask16>(left >= kLanes ? 0xffff : (1u << left) - 1);
    };
    for (std::size_t i = 0; i < job.depth; i += kLanes)
      largest = maximum(absolute(_mm512_maskz_loadu_ps(lanes_from(i), in + i)), largest);
    const Steps steps = steps_for(largest_lane(largest));
    job.steps[row] = steps.back;
    const Vector factor = broadcast(steps.to_integer);
    const Vector most = broadcast(static_cast<float>(kLargest)), least = broadcast(static_cast<float>(-kLargest));
    for (std::size_t i = 0; i < padded; i += kLanes) {
      const Vector scaled = multiply(_mm512_maskz_loadu_ps(lanes_from(i), in + i), factor);
      const Integers q = to_integers(maximum(minimum(scaled, most), least));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtepi32_epi8(shift_right<8>(q)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + padded + i), _mm512_cvtepi32_epi8(q));
    }
  }
}

void begin() {
  const TileShapes shapes;
  memory_barrier();
  _tile_loadconfig(&shapes);
}

void end() { _tile_release(); }

/// The sums of a tile of rows and outputs: of upper bytes with upper ones, of each kind with the other, and of lower bytes
/// with lower ones.
struct Sums {
  alignas(64) std::int32_t upper[kSums], upper_lower[kSums], lower_upper[kSums], lower[kSums];
};

/// With as many accumulators as there are products, none has to wait for another.
void sum_tile(const std::uint8_t* in, std::size_t stride, std::size_t depths, const std::uint8_t* weights, Sums& sums) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t d = 0; d < depths; ++d, in += kTileDepth, weights += 4 * kTileBytes) {
    _tile_loadd(4, in, stride);
    _tile_loadd(6, weights, 64);
    _tile_dpbssd(0, 4, 6);
    _tile_loadd(7, weights + 2 * kTileBytes, 64);
    _tile_dpbsud(1, 4, 7);
    _tile_loadd(5, in + depths * kTileDepth, stride);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbuud(3, 5, 7);
  }
  _tile_stored(0, sums.upper, 64);
  _tile_stored(1, sums.upper_lower, 64);
  _tile_stored(2, sums.lower_upper, 64);
  _tile_stored(3, sums.lower, 64);
  memory_barrier();
}

void finish_tile(const Product& job, const Sums& sums, std::size_t row, std::size_t half) {
  const std::size_t rows = job.rows - row < kTile ? job.rows - row : kTile, o = half * kTile;
  for (std::size_t r = 0; r < rows; ++r) {
    const Integers lower = load_integers(sums.lower + r * kTile);
    const Integers mixed = add(load_integers(sums.upper_lower + r * kTile), load_integers(sums.lower_upper + r * kTile));
    const Integers middle = add(mixed, shift_right<8>(lower));
    const Integers upper = add(load_integers(sums.upper + r * kTile), shift_right<8>(middle));
    store_sum(upper, add(shift_left<8>(low_bits<8>(middle)), low_bits<8>(lower)), job.in_steps[row + r],
              job.weight_steps + o, job.bias + o, job.sums + (row + r) * kPanel + o);
  }
}

void multiply(const Product& job) {
  const std::size_t depths = tile_depths(job.depth), tiles = 2 * ((job.rows + kTile - 1) / kTile);
  Sums sums[2];
  memory_barrier();
  // Each tile is finished while the next one is summed.
  for (std::size_t i = 0; i <= tiles; ++i) {
    if (i < tiles)
      sum_tile(job.in + i / 2 * kTile * job.in_stride, job.in_stride, depths, job.weights + i % 2 * kTileBytes, sums[i % 2]);
    if (i > 0) finish_tile(job, sums[(i - 1) % 2], (i - 1) / 2 * kTile, (i - 1) % 2);
  }
}

// Tiles multiply bytes, and these are pairs of bytes: dot products of pairs are faster.
void convolve(const Convolution& job) { kAvx512Kernels.convolve(job); }

bool supported() {
  static const bool found = allowed(Level::kAmx) && has_tiles(kTiles | kTilesOfInt8) &&
                            __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512vnni") && tiles_allowed();
  return found;
}

}  // namespace

const Kernels kAmxKernels{"amx", row_bytes, panel_bytes, place, quantise, begin, end, multiply, convolve, supported};

}  // namespace latentpress::fixed_point
