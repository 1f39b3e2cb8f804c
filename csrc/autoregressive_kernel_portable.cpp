// The accumulate kernel for every CPU. `std::fma` rounds once, as the vector instructions do; where the CPU has no such
// instruction it is slow, but the bytes are the same.
#include "autoregressive_kernels.hpp"

#include <cmath>

namespace latentpress::autoregressive {
namespace {

struct Vector {
  float lanes[4];
};
constexpr std::size_t kVectorWidth = 4;
constexpr std::size_t kAccumulators = 24;
constexpr std::size_t kMostPositions = 4;

inline Vector load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
inline void store(float* to, Vector value) {
  for (std::size_t i = 0; i < kVectorWidth; ++i) to[i] = value.lanes[i];
}
inline Vector broadcast(float value) { return {{value, value, value, value}}; }
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  for (std::size_t i = 0; i < kVectorWidth; ++i) c.lanes[i] = std::fma(a.lanes[i], b.lanes[i], c.lanes[i]);
  return c;
}
inline Vector add(Vector a, Vector b) {
  for (std::size_t i = 0; i < kVectorWidth; ++i) a.lanes[i] += b.lanes[i];
  return a;
}

#include "autoregressive_tiles.hpp"

bool supported() { return true; }

}  // namespace

const Kernel kPortableKernel{"portable", accumulate, supported};

}  // namespace latentpress::autoregressive
