// A loop over independent items on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace latentpress {

// Call work(i) for i in [0, count) on up to `threads` threads, this one included. If calls throw, one of the exceptions
// is thrown on once all threads have stopped.
template <class Work>
void parallel_for(size_t count, size_t threads, Work work) {
  std::atomic<size_t> next{0};
  std::mutex guard;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard<std::mutex> lock(guard);
      failure = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  try {
    for (size_t t = 1; t < std::min(count, threads); ++t) others.emplace_back(run);
  } catch (const std::system_error&) {
    // The system gives no more threads: those there are, and this one, do all the work.
  }
  run();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace latentpress
