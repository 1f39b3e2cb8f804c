// Scale-space warping of frames of three channels (Agustsson et al., CVPR 2020): a stack of ever blurrier copies of a
// frame, sampled trilinearly along a flow.
#pragma once

#include <cstddef>
#include <vector>

namespace latentpress::warp {

struct Size {
  std::size_t height, width;
};

/// The blurs of a scale space.
struct Blurs {
  std::vector<float> taps;  // of the Gaussian, an odd number of them
  std::size_t levels;       // blurred slices, at least 1
};

inline constexpr std::size_t kChannels = 3;

/// `out` (3, height, width): `frame` (3, height, width) sampled where `motion` (3, height, width) points to: across and
/// down in halves of the frame's sides, and among the slices in halves of their number. Coordinates outside are moved to
/// the border; whatever is not a number counts as the first. Sides must be multiples of 2^(levels - 1).
void warp(const float* frame, const float* motion, Size size, const Blurs& blurs, float* out, std::size_t threads);

}  // namespace latentpress::warp
