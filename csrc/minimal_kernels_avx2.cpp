// The transforms of minimal filtering for CPUs with AVX2. Little standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#include "minimal_kernels.hpp"

#include <immintrin.h>

namespace latentpress::minimal {
namespace {

#include "lanes_avx2.hpp"
#include "minimal_loops.hpp"

}  // namespace

const Kernels kAvx2Kernels{"avx2", transform_in, transform_out};

}  // namespace latentpress::minimal
