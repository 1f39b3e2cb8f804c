// Scale-space warping: no motion changes nothing, wild motion stays inside, and threads do not matter.
#include "warp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "check.hpp"

using namespace latentpress::warp;

namespace {

std::vector<float> uniform(size_t count, float low, float high) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> draw(low, high);
  std::vector<float> values(count);
  for (float& value : values) value = draw(random);
  return values;
}

std::vector<float> warped(const std::vector<float>& frame, const std::vector<float>& motion, Size size, size_t levels,
                          size_t threads) {
  std::vector<float> out(frame.size());
  warp(frame.data(), motion.data(), size, {{0.25f, 0.5f, 0.25f}, levels}, out.data(), threads);
  return out;
}

void nothing_moves(Size size, size_t levels) {
  const size_t pixels = size.height * size.width;
  const std::vector<float> frame = uniform(3 * pixels, 0, 1);
  std::vector<float> motion(3 * pixels, 0.0f);
  std::fill_n(motion.begin() + static_cast<std::ptrdiff_t>(2 * pixels), pixels, -1.0f);
  const std::vector<float> out = warped(frame, motion, size, levels, 2);
  for (size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - frame[i]) < 1e-4f);
}

void wild_motion_stays_inside(Size size, size_t levels) {
  const std::vector<float> frame = uniform(3 * size.height * size.width, 0, 1);
  std::vector<float> motion = uniform(frame.size(), -3, 3);
  const float wild[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                        -std::numeric_limits<float>::infinity(), 1e38f};
  for (size_t i = 0; i < motion.size(); i += 3) motion[i] = wild[i / 3 % 4];
  const std::vector<float> out = warped(frame, motion, size, levels, 1);
  for (const float value : out) CHECK(value >= 0.0f && value <= 1.0f);
  CHECK(warped(frame, motion, size, levels, 5) == out);
}

}  // namespace

int main() {
  for (const Size size : {Size{16, 16}, Size{48, 80}, Size{80, 16}}) {
    nothing_moves(size, 5);
    wild_motion_stays_inside(size, 5);
  }
  nothing_moves({1, 1}, 1);
  wild_motion_stays_inside({1, 7}, 1);
}
