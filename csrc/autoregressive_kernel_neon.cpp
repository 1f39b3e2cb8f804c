// The accumulate kernel for 64-bit ARM, all of which has NEON.
#include "autoregressive_kernels.hpp"

#include <arm_neon.h>

namespace latentpress::autoregressive {
namespace {

using Vector = float32x4_t;
constexpr std::size_t kVectorWidth = 4;
constexpr std::size_t kAccumulators = 24;
constexpr std::size_t kMostPositions = 6;

inline Vector load(const float* from) { return vld1q_f32(from); }
inline void store(float* to, Vector value) { vst1q_f32(to, value); }
inline Vector broadcast(float value) { return vdupq_n_f32(value); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
inline Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }

#include "autoregressive_tiles.hpp"

bool supported() { return true; }

}  // namespace

const Kernel kNeonKernel{"neon", accumulate, supported};

}  // namespace latentpress::autoregressive
