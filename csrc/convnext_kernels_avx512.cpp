// The ConvNeXt kernels for CPUs with AVX-512. Includes no standard library code, so that none of it is compiled for this
// instruction set and then picked by the linker for every CPU.
#include "convnext_kernels.hpp"

#include <immintrin.h>

namespace latentpress::convnext {
namespace {

using Vector = __m512;
constexpr int kRows = 12, kAlong = 12;

inline void prefetch(const float* from) { _mm_prefetch(reinterpret_cast<const char*>(from), _MM_HINT_T1); }
inline void keep_in_register(const float*& pointer) { asm("" : "+r"(pointer)); }
inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }
inline Vector broadcast(float value) { return _mm512_set1_ps(value); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
inline Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
inline Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
inline Vector minimum(Vector a, Vector b) { return _mm512_min_ps(a, b); }
inline Vector maximum(Vector a, Vector b) { return _mm512_max_ps(a, b); }
inline Vector absolute(Vector a) { return _mm512_abs_ps(a); }

#include "convnext_loops.hpp"

bool supported() { return __builtin_cpu_supports("avx512f"); }

}  // namespace

const Kernels kAvx512Kernels{"avx512", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
