// Memory that begins at the start of a cache line: what lies across two of them takes twice as long to load.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace latentpress {

inline constexpr std::align_val_t kCacheLine{64};

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class Other>
  AlignedAllocator(const AlignedAllocator<Other>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kCacheLine)); }
  void deallocate(T* values, std::size_t) { ::operator delete(values, kCacheLine); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
  friend bool operator!=(const AlignedAllocator&, const AlignedAllocator&) { return false; }
};
template <class T>
using Aligned = std::vector<T, AlignedAllocator<T>>;

}  // namespace latentpress
