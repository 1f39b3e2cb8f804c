// Sixteen lanes in one register: what the fixed-point kernels for AVX-512 and for matrix tiles share. Included inside an
// anonymous namespace.

#include "lanes_avx512.hpp"

using Integers = __m512i;

inline float largest_lane(Vector a) { return _mm512_reduce_max_ps(a); }
inline Integers to_integers(Vector a) { return _mm512_cvtps_epi32(a); }
inline Integers load_integers(const void* from) { return _mm512_loadu_si512(from); }
inline Integers add(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
template <int Bits>
inline Integers shift_right(Integers a) {
  return _mm512_srai_epi32(a, Bits);
}
template <int Bits>
inline Integers shift_left(Integers a) {
  return _mm512_slli_epi32(a, Bits);
}
template <int Bits>
inline Integers low_bits(Integers a) {
  return _mm512_and_si512(a, _mm512_set1_epi32((1 << Bits) - 1));
}
inline Vector to_floats(Integers a) { return _mm512_cvtepi32_ps(a); }
