#include "fixed_point.hpp"

#include <algorithm>
#include <cmath>

#include "autoregressive_team.hpp"
#include "errors.hpp"

namespace latentpress::fixed_point {
namespace {

std::int32_t to_integer(float value, float factor) {
  constexpr auto most = static_cast<float>(kLargest);
  const float scaled = value * factor;
  return static_cast<std::int32_t>(std::nearbyint(scaled > -most ? (scaled < most ? scaled : most) : -most));
}

}  // namespace

const Kernels& kernels_named(const std::string& name) {
  static const Kernels* const fastest_first[] = {
#ifdef LATENTPRESS_AMX_KERNELS
      &kAmxKernels,
#endif
#ifdef LATENTPRESS_X86_KERNELS
      &kAvx512Kernels, &kAvx2Kernels,
#endif
#ifdef LATENTPRESS_NEON_KERNELS
      &kNeonKernels,
#endif
      &kPortableKernels};
  bool reached = name.empty();
  for (const Kernels* kernels : fastest_first) {
    reached = reached || name == kernels->name;
    if (reached && kernels->supported()) return *kernels;
  }
  return kPortableKernels;
}

Weights::Weights(const Kernels& kernels, const float* weights, const float* bias, std::size_t outputs, std::size_t depth)
    : kernels_(&kernels), depth_(depth) {
  if (depth > kMostDepth) throw ConfigurationError("A matrix in fixed point can have at most 16384 inputs.");
  const autoregressive::DefaultFloatingPoint default_environment;
  const std::size_t panels = (outputs + kPanel - 1) / kPanel, bytes = kernels.panel_bytes(depth);
  integers_.assign(panels * bytes, 0);
  steps_.assign(panels * kPanel, 1.0f);
  bias_.assign(panels * kPanel, 0.0f);
  std::copy_n(bias, outputs, bias_.begin());
  for (std::size_t o = 0; o < outputs; ++o) {
    const float* row = weights + o * depth;
    float largest = 0.0f;
    for (std::size_t i = 0; i < depth; ++i) largest = std::fabs(row[i]) > largest ? std::fabs(row[i]) : largest;
    const Steps steps = steps_for(largest);
    steps_[o] = steps.back;
    for (std::size_t i = 0; i < depth; ++i)
      kernels.place(integers_.data() + o / kPanel * bytes, depth, o % kPanel, i, to_integer(row[i], steps.to_integer));
  }
}

}  // namespace latentpress::fixed_point
