// The accumulate kernel for CPUs with AVX-512. Includes no standard library code, so that none of it is compiled for
// this instruction set and then picked by the linker for every CPU.
#include "autoregressive_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::autoregressive {
namespace {

using Vector = __m512;
constexpr std::size_t kVectorWidth = 16;
constexpr std::size_t kAccumulators = 28;
constexpr std::size_t kMostPositions = 14;

inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }
inline Vector broadcast(float value) { return _mm512_set1_ps(value); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }

#include "autoregressive_tiles.hpp"

bool supported() { return allowed(Level::kAvx512) && __builtin_cpu_supports("avx512f"); }

}  // namespace

const Kernel kAvx512Kernel{"avx512", accumulate, supported};

}  // namespace latentpress::autoregressive
