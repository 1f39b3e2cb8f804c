// Fixed-point products for 64-bit ARM, all of which has NEON: sixteen lanes are four registers.
#include "fixed_point_kernels.hpp"

#include <arm_neon.h>

namespace latentpress::fixed_point {
namespace {

#include "lanes_neon.hpp"

struct Integers {
  int32x4_t part[4];
};
constexpr int kRows = 2, kConvolutionRows = 2;

inline void keep_in_register(const std::uint8_t*& pointer) { asm("" : "+r"(pointer)); }
inline float largest_lane(Vector a) {
  float lanes[kLanes], largest = 0.0f;
  store(lanes, a);
  for (const float value : lanes) largest = value > largest ? value : largest;
  return largest;
}
inline Integers to_integers(Vector a) {
  return each<Integers>([&](int i) { return vcvtnq_s32_f32(a.part[i]); });
}
inline Integers zeros() {
  return each<Integers>([](int) { return vdupq_n_s32(0); });
}
// Weights alone are loaded, and the halves of their pairs come apart on the way: parts 0 and 2 are the first halves of
// eight outputs each, parts 1 and 3 the second ones.
inline Integers load_integers(const std::uint8_t* from) {
  const auto* at = reinterpret_cast<const std::int16_t*>(from);
  const int16x8x2_t low = vld2q_s16(at), high = vld2q_s16(at + kLanes);
  return {{vreinterpretq_s32_s16(low.val[0]), vreinterpretq_s32_s16(low.val[1]), vreinterpretq_s32_s16(high.val[0]),
           vreinterpretq_s32_s16(high.val[1])}};
}
inline Integers broadcast_pair(const std::uint8_t* from) {
  std::int32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return each<Integers>([&](int) { return vdupq_n_s32(pair); });
}
inline Integers multiply_pairs(Integers sum, Integers pairs, Integers weights) {
  const int16x4_t pair = vreinterpret_s16_s32(vget_low_s32(pairs.part[0]));
  for (int i = 0; i < 4; i += 2) {
    const int16x8_t first = vreinterpretq_s16_s32(weights.part[i]), second = vreinterpretq_s16_s32(weights.part[i + 1]);
    sum.part[i] = vmlal_lane_s16(sum.part[i], vget_low_s16(first), pair, 0);
    sum.part[i] = vmlal_lane_s16(sum.part[i], vget_low_s16(second), pair, 1);
    sum.part[i + 1] = vmlal_high_lane_s16(sum.part[i + 1], first, pair, 0);
    sum.part[i + 1] = vmlal_high_lane_s16(sum.part[i + 1], second, pair, 1);
  }
  return sum;
}
inline Integers add(Integers a, Integers b) {
  return each<Integers>([&](int i) { return vaddq_s32(a.part[i], b.part[i]); });
}
template <int Bits>
inline Integers shift_right(Integers a) {
  return each<Integers>([&](int i) { return vshrq_n_s32(a.part[i], Bits); });
}
template <int Bits>
inline Integers shift_left(Integers a) {
  return each<Integers>([&](int i) { return vshlq_n_s32(a.part[i], Bits); });
}
template <int Bits>
inline Integers low_bits(Integers a) {
  return each<Integers>([&](int i) { return vandq_s32(a.part[i], vdupq_n_s32((1 << Bits) - 1)); });
}
inline void store_shorts(std::int16_t* to, Integers a) {
  vst1q_s16(to, vcombine_s16(vmovn_s32(a.part[0]), vmovn_s32(a.part[1])));
  vst1q_s16(to + 8, vcombine_s16(vmovn_s32(a.part[2]), vmovn_s32(a.part[3])));
}
inline Integers load_shorts(const std::int16_t* from) {
  return each<Integers>([&](int i) { return vmovl_s16(vld1_s16(from + 4 * i)); });
}
inline Vector to_floats(Integers a) {
  return each<Vector>([&](int i) { return vcvtq_f32_s32(a.part[i]); });
}

#include "fixed_point_loops.hpp"

#include "fixed_point_convolution.hpp"

bool supported() { return true; }

}  // namespace

const Kernels kNeonKernels{"neon", row_bytes, panel_bytes, place, quantise, nothing, nothing, multiply, convolve, supported};

}  // namespace latentpress::fixed_point
