// Fixed-point products in plain C++: what every CPU runs that has no version of its own.
#include "fixed_point_kernels.hpp"

#include <cmath>

namespace latentpress::fixed_point {
namespace {

#include "lanes_portable.hpp"

struct Integers {
  std::int32_t lane[kLanes];
};
constexpr int kRows = 1, kConvolutionRows = 1;

inline void keep_in_register(const std::uint8_t*&) {}
inline float largest_lane(const Vector& a) {
  float largest = 0.0f;
  for (const float value : a.lane) largest = value > largest ? value : largest;
  return largest;
}
inline Integers to_integers(const Vector& a) {
  return each<Integers>([&](std::size_t i) { return static_cast<std::int32_t>(std::nearbyint(a.lane[i])); });
}
inline Integers zeros() { return {}; }
inline Integers load_integers(const std::uint8_t* from) {
  Integers result;
  __builtin_memcpy(&result, from, sizeof result);
  return result;
}
inline Integers broadcast_pair(const std::uint8_t* from) {
  std::int32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return each<Integers>([&](std::size_t) { return pair; });
}
inline Integers multiply_pairs(const Integers& sum, const Integers& a, const Integers& b) {
  std::int16_t x[2 * kLanes], y[2 * kLanes];
  __builtin_memcpy(x, &a, sizeof x);
  __builtin_memcpy(y, &b, sizeof y);
  return each<Integers>([&](std::size_t i) { return sum.lane[i] + x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]; });
}
inline Integers add(const Integers& a, const Integers& b) {
  return each<Integers>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
template <int Bits>
inline Integers shift_right(const Integers& a) {
  return each<Integers>([&](std::size_t i) { return a.lane[i] >> Bits; });
}
template <int Bits>
inline Integers shift_left(const Integers& a) {
  return each<Integers>([&](std::size_t i) { return a.lane[i] * (1 << Bits); });
}
template <int Bits>
inline Integers low_bits(const Integers& a) {
  return each<Integers>([&](std::size_t i) { return a.lane[i] & ((1 << Bits) - 1); });
}
inline void store_shorts(std::int16_t* to, const Integers& a) {
  for (std::size_t i = 0; i < kLanes; ++i) to[i] = static_cast<std::int16_t>(a.lane[i]);
}
inline Integers load_shorts(const std::int16_t* from) {
  return each<Integers>([&](std::size_t i) { return from[i]; });
}
inline Vector to_floats(const Integers& a) {
  return each<Vector>([&](std::size_t i) { return static_cast<float>(a.lane[i]); });
}

#include "fixed_point_loops.hpp"

#include "fixed_point_convolution.hpp"

bool supported() { return true; }

}  // namespace

const Kernels kPortableKernels{"portable", row_bytes, panel_bytes, place, quantise, nothing, nothing, multiply, convolve, supported};

}  // namespace latentpress::fixed_point
