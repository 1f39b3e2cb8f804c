// A few threads that work through many short phases together: a spinning barrier, because a phase lasts microseconds.
#pragma once

#include <atomic>
#include <cfenv>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace latentpress::autoregressive {

/// Rounding to nearest and no flushing of small numbers, whatever the calling thread has set; restored at the end.
class DefaultFloatingPoint {
 public:
  DefaultFloatingPoint() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatingPoint() { std::fesetenv(&saved_); }
  DefaultFloatingPoint(const DefaultFloatingPoint&) = delete;
  DefaultFloatingPoint& operator=(const DefaultFloatingPoint&) = delete;

 private:
  std::fenv_t saved_;
};

/// Lets nobody past `wait` until everybody is there. Spins briefly, then yields, so that a busy machine stays usable.
class Barrier {
 public:
  explicit Barrier(std::size_t members) : members_(members) {}

  void wait() {
    if (members_ == 1) return;
    const std::size_t round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins)
      if (spins < kSpins)
        pause();
      else
        std::this_thread::yield();
  }

 private:
  static constexpr int kSpins = 100;

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const std::size_t members_;
  alignas(64) std::atomic<std::size_t> arrived_{0};
  alignas(64) std::atomic<std::size_t> round_{0};
};

/// One of the threads that share a task.
struct Member {
  std::size_t index;
  std::size_t members;
  Barrier* barrier;

  struct Range {
    std::size_t first;
    std::size_t count;
  };
  /// This member's run of `size` things.
  Range share(std::size_t size) const {
    const std::size_t first = size * index / members;
    return {first, size * (index + 1) / members - first};
  }
  void wait() const { barrier->wait(); }
};

/// Runs `body(member)` on `members` threads at once, or on as many as the system gives; the caller is one of them.
/// `body` must not throw.
template <class Body>
void run_team(std::size_t members, const Body& body) {
  std::vector<std::thread> threads;
  threads.reserve(members);
  std::atomic<Barrier*> start{nullptr};
  const auto work = [&](std::size_t index) {
    while (start.load(std::memory_order_acquire) == nullptr) std::this_thread::yield();
    const DefaultFloatingPoint guard;
    body(Member{index, threads.size() + 1, start.load(std::memory_order_relaxed)});
  };
  try {
    while (threads.size() + 1 < members) threads.emplace_back(work, threads.size() + 1);
  } catch (const std::system_error&) {
    // Fewer threads give the same results.
  }
  Barrier barrier(threads.size() + 1);
  start.store(&barrier, std::memory_order_release);
  work(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace latentpress::autoregressive
