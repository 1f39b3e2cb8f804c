// Fixed-point products for CPUs with AVX2 and FMA: sixteen lanes are two registers. No standard library code, for the
// reason given in convnext_kernels_avx512.cpp.
#include "fixed_point_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::fixed_point {
namespace {

#include "lanes_avx2.hpp"

struct Integers {
  __m256i low, high;
};
constexpr int kRows = 2, kConvolutionRows = 2;

inline void keep_in_register(const std::uint8_t*& pointer) { asm("" : "+r"(pointer)); }
inline float largest_lane(Vector a) {
  float lanes[8];
  _mm256_storeu_ps(lanes, _mm256_max_ps(a.low, a.high));
  float largest = 0.0f;
  for (const float value : lanes) largest = value > largest ? value : largest;
  return largest;
}
inline Integers to_integers(Vector a) { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
inline Integers zeros() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline Integers load_integers(const std::uint8_t* from) {
  const auto* at = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
inline Integers broadcast_pair(const std::uint8_t* from) {
  std::int32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return {_mm256_set1_epi32(pair), _mm256_set1_epi32(pair)};
}
inline Integers add(Integers a, Integers b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline Integers multiply_pairs(Integers sum, Integers a, Integers b) {
  return add(sum, {_mm256_madd_epi16(a.low, b.low), _mm256_madd_epi16(a.high, b.high)});
}
template <int Bits>
inline Integers shift_right(Integers a) {
  return {_mm256_srai_epi32(a.low, Bits), _mm256_srai_epi32(a.high, Bits)};
}
template <int Bits>
inline Integers shift_left(Integers a) {
  return {_mm256_slli_epi32(a.low, Bits), _mm256_slli_epi32(a.high, Bits)};
}
template <int Bits>
inline Integers low_bits(Integers a) {
  const __m256i mask = _mm256_set1_epi32((1 << Bits) - 1);
  return {_mm256_and_si256(a.low, mask), _mm256_and_si256(a.high, mask)};
}
inline void store_shorts(std::int16_t* to, Integers a) {
  const __m256i shorts = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), shorts);
}
inline Integers load_shorts(const std::int16_t* from) {
  const auto* at = reinterpret_cast<const __m128i*>(from);
  return {_mm256_cvtepi16_epi32(_mm_loadu_si128(at)), _mm256_cvtepi16_epi32(_mm_loadu_si128(at + 1))};
}
inline Vector to_floats(Integers a) { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }

#include "fixed_point_loops.hpp"

#include "fixed_point_convolution.hpp"

bool supported() { return allowed(Level::kAvx2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const Kernels kAvx2Kernels{"avx2", row_bytes, panel_bytes, place, quantise, nothing, nothing, multiply, convolve, supported};

}  // namespace latentpress::fixed_point
