// Sixteen lanes in one register: what the fixed-point kernels for AVX-512 and for matrix tiles share. Included inside an
// anonymous namespace.

using Floats = __m512;
using Integers = __m512i;

inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
inline Floats broadcast(float value) { return _mm512_set1_ps(value); }
inline Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats minimum(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats maximum(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats absolute(Floats a) { return _mm512_abs_ps(a); }
inline float largest_lane(Floats a) { return _mm512_reduce_max_ps(a); }
inline Integers to_integers(Floats a) { return _mm512_cvtps_epi32(a); }
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
inline void store_sum(Integers upper, Integers lower, float row_step, const float* steps, const float* bias, float* to) {
  const Floats sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(upper), broadcast(65536.0f), _mm512_cvtepi32_ps(lower));
  const Floats scaled = multiply(multiply(sum, broadcast(row_step)), load(steps));
  _mm512_storeu_ps(to, _mm512_add_ps(scaled, load(bias)));
}
