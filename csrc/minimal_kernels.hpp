// The transforms of minimal filtering (Winograd, "Arithmetic complexity of computations", 1980), in a version for each
// kind of CPU. Two outputs of three taps take four products instead of six, and of two taps three instead of four; a 5x5
// convolution of stride 2 is made of such along both axes, so that it takes 49 products where there were 100.
//
// Every version performs the same additions in the same order: results agree bit for bit.
#pragma once

#include <cstddef>

namespace latentpress::minimal {

inline constexpr std::size_t kLanes = 16;  // channels that are transformed together
inline constexpr std::size_t kPanel = 32;  // outputs of a panel of products

/// How a tile of an image becomes frequencies, and these outputs.
enum class Scheme {
  kDown,     // strided: 7x7 inputs, 49 frequencies, 2x2 outputs
  kUp,       // transposed: 4x4 inputs, 49 frequencies, 4x4 outputs
  kPhases,   // transposed, the four phases as channels: 4x4 inputs, 16 frequencies, 2x2 outputs
  kWindows,  // strided, of few inputs: no frequencies but whole windows, for which transforms are not called
};

inline constexpr std::size_t kMostPositions = 16;

/// Inputs of a tile to frequencies, for channels in whole lanes.
struct TileIn {
  const float* in;  // the tile's first pixel
  std::size_t row_stride, channels;
  float* out;  // (frequencies, ..., channels)
  std::size_t frequency_stride;
};

/// Products of a tile to a panel of outputs, with the bias added.
struct TileOut {
  const float* in;  // (frequencies, ..., kPanel)
  std::size_t frequency_stride;
  const float* bias;  // (kPanel)
  bool relu;
  float* out;  // (positions, kPanel)
};

struct Kernels {
  const char* name;
  void (*transform_in)(Scheme, const TileIn&);
  void (*transform_out)(Scheme, const TileOut&);
};

extern const Kernels kPortableKernels;
#ifdef LATENTPRESS_X86_KERNELS
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif
#ifdef LATENTPRESS_NEON_KERNELS
extern const Kernels kNeonKernels;
#endif

}  // namespace latentpress::minimal
