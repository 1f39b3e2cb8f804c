// The transforms of minimal filtering in plain C++. Little standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#include "minimal_kernels.hpp"

#include <cmath>

namespace latentpress::minimal {
namespace {

#include "lanes_portable.hpp"
#include "minimal_loops.hpp"

}  // namespace

const Kernels kPortableKernels{"portable", transform_in, transform_out};

}  // namespace latentpress::minimal
