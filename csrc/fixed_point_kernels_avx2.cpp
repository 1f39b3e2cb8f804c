// Fixed-point products for CPUs with AVX2 and FMA: sixteen lanes are two registers. No standard library code, for the
// reason given in convnext_kernels_avx512.cpp.
#include "fixed_point_kernels.hpp"

#include <immintrin.h>

namespace latentpress::fixed_point {
namespace {

struct Floats {
  __m256 low, high;
};
struct Integers {
  __m256i low, high;
};
constexpr int kRows = 2;

inline void keep_in_register(const std::uint8_t*& pointer) { asm("" : "+r"(pointer)); }
inline Floats load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
inline Floats broadcast(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
inline Floats multiply(Floats a, Floats b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
inline Floats minimum(Floats a, Floats b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
inline Floats maximum(Floats a, Floats b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
inline Floats absolute(Floats a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.low), _mm256_andnot_ps(sign, a.high)};
}
inline float largest_lane(Floats a) {
  float lanes[8];
  _mm256_storeu_ps(lanes, _mm256_max_ps(a.low, a.high));
  float largest = 0.0f;
  for (const float value : lanes) largest = value > largest ? value : largest;
  return largest;
}
inline Integers to_integers(Floats a) { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
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
inline void store_half(__m256i upper, __m256i lower, float row_step, const float* steps, const float* bias, float* to) {
  const __m256 sum =
      _mm256_fmadd_ps(_mm256_cvtepi32_ps(upper), _mm256_set1_ps(65536.0f), _mm256_cvtepi32_ps(lower));
  const __m256 scaled = _mm256_mul_ps(_mm256_mul_ps(sum, _mm256_set1_ps(row_step)), _mm256_loadu_ps(steps));
  _mm256_storeu_ps(to, _mm256_add_ps(scaled, _mm256_loadu_ps(bias)));
}
inline void store_sum(Integers upper, Integers lower, float row_step, const float* steps, const float* bias, float* to) {
  store_half(upper.low, lower.low, row_step, steps, bias, to);
  store_half(upper.high, lower.high, row_step, steps + 8, bias + 8, to + 8);
}

#include "fixed_point_loops.hpp"

bool supported() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const Kernels kAvx2Kernels{"avx2", row_bytes, panel_bytes, place, quantise, nothing, nothing, multiply, supported};

}  // namespace latentpress::fixed_point
