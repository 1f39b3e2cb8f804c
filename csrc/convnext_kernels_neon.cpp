// The ConvNeXt kernels for 64-bit ARM, all of which has NEON: sixteen lanes are four registers.
#include "convnext_kernels.hpp"

#include <arm_neon.h>

namespace latentpress::convnext {
namespace {

#include "lanes_neon.hpp"

constexpr int kRows = 2, kAlong = 2;

inline void prefetch(const float* from) { __builtin_prefetch(from, 0, 2); }
inline void keep_in_register(const float*& pointer) { asm("" : "+r"(pointer)); }

#include "convnext_loops.hpp"

bool supported() { return true; }

}  // namespace

const Kernels kNeonKernels{"neon", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
