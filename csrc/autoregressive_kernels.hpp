// The one numeric primitive of the autoregressive engine, in a version for each kind of CPU.
//
// Guarantee: a total is the bias plus, block of inputs after block of inputs, a chain of fused multiply-adds that
// starts from zero and runs over at most `kDepth` inputs in order. Every version computes exactly this, so their
// results agree bit for bit, whatever the number of positions or outputs computed side by side. The short chains
// also keep the rounding error several times below that of one long chain.
#pragma once

#include <cstddef>

namespace latentpress::autoregressive {

/// Outputs that lie side by side in packed weights: one AVX-512 register, two AVX2 registers.
inline constexpr std::size_t kPanel = 16;
/// Most inputs that are summed in one chain before they are added to the total.
inline constexpr std::size_t kDepth = 64;

/// Weights of `panels` panels for one block of inputs: weights[(panel * depth + input) * kPanel + output].
struct WeightBlock {
  const float* weights;
  std::size_t panels;
  std::size_t depth;
};

/// Inputs at several positions: values[input * stride + position].
struct Inputs {
  const float* values;
  std::size_t stride;
  std::size_t positions;
};

/// Sums at several positions: values[position * stride + output].
struct Totals {
  float* values;
  std::size_t stride;
};

/// Adds to every total the products of one block of inputs with its weights.
using Accumulate = void (*)(const WeightBlock&, const Inputs&, const Totals&);

struct Kernel {
  const char* name;
  Accumulate accumulate;
  bool (*supported)();
};

extern const Kernel kPortableKernel;
#ifdef LATENTPRESS_X86_KERNELS
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;
#endif
#ifdef LATENTPRESS_NEON_KERNELS
extern const Kernel kNeonKernel;
#endif

}  // namespace latentpress::autoregressive
