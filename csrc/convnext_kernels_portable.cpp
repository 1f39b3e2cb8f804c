// The ConvNeXt kernels in plain C++: what every CPU runs that has no version of its own.
#include "convnext_kernels.hpp"

#include <cmath>

namespace latentpress::convnext {
namespace {

struct Vector {
  float lane[kLanes];
};
constexpr int kRows = 1, kAlong = 1;

template <class Operation>
inline Vector each(Operation operation) {
  Vector result;
  for (std::size_t i = 0; i < kLanes; ++i) result.lane[i] = operation(i);
  return result;
}

inline void prefetch(const float*) {}
inline void keep_in_register(const float*&) {}
inline Vector load(const float* from) {
  return each([&](std::size_t i) { return from[i]; });
}
inline void store(float* to, const Vector& value) {
  for (std::size_t i = 0; i < kLanes; ++i) to[i] = value.lane[i];
}
inline Vector broadcast(float value) {
  return each([&](std::size_t) { return value; });
}
inline Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) {
  return each([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline Vector add(const Vector& a, const Vector& b) {
  return each([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
inline Vector subtract(const Vector& a, const Vector& b) {
  return each([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
inline Vector multiply(const Vector& a, const Vector& b) {
  return each([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
// The comparisons that x86 makes: the second operand wherever they are false, so that a NaN goes the same way.
inline Vector minimum(const Vector& a, const Vector& b) {
  return each([&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vector maximum(const Vector& a, const Vector& b) {
  return each([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vector absolute(const Vector& a) {
  return each([&](std::size_t i) { return std::fabs(a.lane[i]); });
}

#include "convnext_loops.hpp"

bool supported() { return true; }

}  // namespace

const Kernels kPortableKernels{"portable", multiply_rows, finish_panel, depthwise_tiles, normalise_rows, gelu_all, supported};

}  // namespace latentpress::convnext
