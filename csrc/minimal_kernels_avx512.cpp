// The transforms of minimal filtering for CPUs with AVX-512. Little standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#include "minimal_kernels.hpp"

#include <immintrin.h>

namespace latentpress::minimal {
namespace {

#include "lanes_avx512.hpp"
#include "minimal_loops.hpp"

}  // namespace

const Kernels kAvx512Kernels{"avx512", transform_in, transform_out};

}  // namespace latentpress::minimal
