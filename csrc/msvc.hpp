// What the sources ask of compilers in GCC's and Clang's spelling, in that of Microsoft's. CMake includes this file before
// every other where that compiler is used, and nowhere else. Functions are static: a copy compiled for AVX-512 must not be
// picked by the linker for every CPU.
#pragma once

#include <intrin.h>
#include <math.h>
#include <string.h>

// Every version of a kernel must round alike.
#pragma fp_contract(off)

// All that is written so are hints that keep a value in a register; instructions have intrinsics beside them.
#define asm(...)

// Of attributes only that of functions which are not to be inlined is in use, and only for speed.
#define __attribute__(attributes)

#define __builtin_memcpy memcpy
#define __builtin_sqrtf sqrtf

namespace latentpress::msvc {

static inline bool same_name(const char* a, const char* b) { return strcmp(a, b) == 0; }

/// Whether the CPU has a feature, and the system saves the registers that it needs.
static inline bool cpu_supports(const char* feature) {
#if defined(_M_X64)
  int leaf[4];
  __cpuid(leaf, 0);
  if (leaf[0] < 7) return false;
  __cpuid(leaf, 1);
  const unsigned first = static_cast<unsigned>(leaf[2]);
  if ((first >> 27 & 1) == 0) return false;  // without OSXSAVE there is no XGETBV
  const unsigned long long saved = _xgetbv(0);
  __cpuidex(leaf, 7, 0);
  const unsigned second = static_cast<unsigned>(leaf[1]), third = static_cast<unsigned>(leaf[2]);
  const bool ymm = (saved & 0x06) == 0x06, zmm = (saved & 0xE6) == 0xE6;
  if (same_name(feature, "fma")) return ymm && (first >> 12 & 1) != 0;
  if (same_name(feature, "avx2")) return ymm && (second >> 5 & 1) != 0;
  if (same_name(feature, "avx512f")) return zmm && (second >> 16 & 1) != 0;
  if (same_name(feature, "avx512bw")) return zmm && (second >> 30 & 1) != 0;
  if (same_name(feature, "avx512vl")) return zmm && (second >> 31 & 1) != 0;
  if (same_name(feature, "avx512dq")) return zmm && (second >> 17 & 1) != 0;
  if (same_name(feature, "avx512vnni")) return zmm && (third >> 11 & 1) != 0;
#endif
  (void)feature;
  return false;
}

}  // namespace latentpress::msvc

#define __builtin_cpu_supports ::latentpress::msvc::cpu_supports
