// The ConvNeXt kernels for CPUs with AVX2 and FMA: a vector of sixteen lanes is two registers. No standard library code,
// for the reason given in convnext_kernels_avx512.cpp.
#include "convnext_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::convnext {
namespace {

#include "lanes_avx2.hpp"

constexpr int kRows = 3, kAlong = 4;

inline void prefetch(const float* from) { _mm_prefetch(reinterpret_cast<const char*>(from), _MM_HINT_T1); }
inline void keep_in_register(const float*& pointer) { asm("" : "+r"(pointer)); }

#include "convnext_loops.hpp"

bool supported() { return allowed(Level::kAvx2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const Kernels kAvx2Kernels{"avx2", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
