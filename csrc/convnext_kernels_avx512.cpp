// The ConvNeXt kernels for CPUs with AVX-512. Includes no standard library code, so that none of it is compiled for this
// instruction set and then picked by the linker for every CPU.
#include "convnext_kernels.hpp"

#include <immintrin.h>

#include "processor.hpp"

namespace latentpress::convnext {
namespace {

#include "lanes_avx512.hpp"

constexpr int kRows = 12, kAlong = 12;

inline void prefetch(const float* from) { _mm_prefetch(reinterpret_cast<const char*>(from), _MM_HINT_T1); }
inline void keep_in_register(const float*& pointer) { asm("" : "+r"(pointer)); }

#include "convnext_loops.hpp"

bool supported() { return allowed(Level::kAvx512) && __builtin_cpu_supports("avx512f"); }

}  // namespace

const Kernels kAvx512Kernels{"avx512", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
