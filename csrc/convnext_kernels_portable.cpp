// The ConvNeXt kernels in plain C++: what every CPU runs that has no version of its own.
#include "convnext_kernels.hpp"

#include <cmath>

namespace latentpress::convnext {
namespace {

#include "lanes_portable.hpp"

constexpr int kRows = 1, kAlong = 1;

inline void prefetch(const float*) {}
inline void keep_in_register(const float*&) {}

#include "convnext_loops.hpp"

bool supported() { return true; }

}  // namespace

const Kernels kPortableKernels{"portable", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
