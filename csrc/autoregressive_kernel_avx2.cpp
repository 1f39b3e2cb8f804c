// The accumulate kernel for CPUs with AVX2 and FMA. Includes no standard library code, so that none of it is compiled
// for this instruction set and then picked by the linker for every CPU.
#include "autoregressive_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::autoregressive {
namespace {

using Vector = __m256;
constexpr std::size_t kVectorWidth = 8;
constexpr std::size_t kAccumulators = 12;
constexpr std::size_t kMostPositions = 6;

inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
inline void store(float* to, Vector value) { _mm256_storeu_ps(to, value); }
inline Vector broadcast(float value) { return _mm256_set1_ps(value); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }

#include "autoregressive_tiles.hpp"

bool supported() { return allowed(Level::kAvx2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const Kernel kAvx2Kernel{"avx2", accumulate, supported};

}  // namespace latentpress::autoregressive
