// Fixed-point products for CPUs with AVX-512 and its dot products of 16-bit integers (VNNI). No standard library code, for
// the reason given in convnext_kernels_avx512.cpp.
#include "fixed_point_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::fixed_point {
namespace {

#include "fixed_point_avx512.hpp"

constexpr int kRows = 12, kConvolutionRows = 12;

inline void keep_in_register(const std::uint8_t*& pointer) { asm("" : "+r"(pointer)); }
inline Integers zeros() { return _mm512_setzero_si512(); }
inline Integers broadcast_pair(const std::uint8_t* from) {
  std::int32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return _mm512_set1_epi32(pair);
}
// Not the intrinsic, around which GCC 12 moves every sum from register to register.
inline Integers multiply_pairs(Integers sum, Integers a, Integers b) {
#if defined(_MSC_VER) && !defined(__clang__)
  return _mm512_dpwssd_epi32(sum, a, b);
#else
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
#endif
}
inline Integers load_shorts(const std::int16_t* from) {
  return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline void store_shorts(std::int16_t* to, Integers a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(a));
}

#include "fixed_point_loops.hpp"

#include "fixed_point_convolution.hpp"

bool supported() {
  return allowed(Level::kAvx512Vnni) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vnni");
}

}  // namespace

const Kernels kAvx512Kernels{"avx512", row_bytes, panel_bytes, place, quantise, nothing, nothing, multiply, convolve, supported};

}  // namespace latentpress::fixed_point
