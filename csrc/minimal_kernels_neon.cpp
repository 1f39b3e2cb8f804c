// The transforms of minimal filtering for 64-bit ARM. Little standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#include "minimal_kernels.hpp"

#include <arm_neon.h>

namespace latentpress::minimal {
namespace {

#include "lanes_neon.hpp"
#include "minimal_loops.hpp"

}  // namespace

const Kernels kNeonKernels{"neon", transform_in, transform_out};

}  // namespace latentpress::minimal
