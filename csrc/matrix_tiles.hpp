// What all kernels on matrix tiles (AMX) need. Included inside an anonymous namespace after <cpuid.h>, <immintrin.h> and,
// on Linux, <sys/syscall.h> and <unistd.h>.

struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes[16] = {};
  std::uint8_t rows[16] = {};

  TileShapes() {
    for (int tile = 0; tile < 8; ++tile) {
      bytes[tile] = 64;
      rows[tile] = 16;
    }
  }
};

// The tile intrinsics do not tell the compiler that they read and write memory.
inline void memory_barrier() { asm volatile("" ::: "memory"); }

/// Linux saves tiles only for processes that asked for them.
inline bool tiles_allowed() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

constexpr unsigned kTiles = 1u << 24, kTilesOfBfloat16 = 1u << 22, kTilesOfInt8 = 1u << 25;

/// Whether the CPU has all of these features of matrix tiles.
inline bool has_tiles(unsigned features) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & features) == features;
}
