// How much of the processor kernels may use. The environment variable LATENTPRESS_CPU holds them down to a level, so
// that one machine computes what lesser ones do. No standard library code, for the reason given in
// convnext_kernels_avx512.cpp.
#pragma once

namespace latentpress {

/// What processors have, from little to much. No kernel needs SSE4.1: it is a level for the libraries below PyTorch.
enum class Level { kPortable, kSse41, kAvx2, kAvx512, kAvx512Vnni, kAmx };

/// Whether kernels of a level may be used where the processor has them. The variable is read once.
/// Throws ConfigurationError if its value is not the name of a level.
bool allowed(Level level);

}  // namespace latentpress
