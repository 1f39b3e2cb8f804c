// Working memory that outlives the calls that need it: fresh memory costs the system more than the arithmetic of a layer.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace latentpress {

/// Things that are not in use, for the next call that needs one of their key. `Thing` is made of its key, and has key()
/// and bytes(). The longest unused are given back beyond `kMostKept`.
template <class Thing>
class Pool {
 public:
  using Key = std::decay_t<decltype(std::declval<const Thing&>().key())>;

  static Pool& shared() {
    static Pool pool;
    return pool;
  }

  std::unique_ptr<Thing> take(const Key& key) {
    {
      const std::lock_guard<std::mutex> lock(guard_);
      for (auto at = kept_.rbegin(); at != kept_.rend(); ++at)
        if ((*at)->key() == key) {
          std::unique_ptr<Thing> found = std::move(*at);
          kept_.erase(std::next(at).base());
          return found;
        }
    }
    return std::make_unique<Thing>(key);
  }

  void give(std::unique_ptr<Thing> thing) {
    std::vector<std::unique_ptr<Thing>> too_many;  // freed outside of the lock
    const std::lock_guard<std::mutex> lock(guard_);
    kept_.push_back(std::move(thing));
    std::size_t bytes = 0;
    for (const auto& kept : kept_) bytes += kept->bytes();
    while (bytes > kMostKept) {
      bytes -= kept_.front()->bytes();
      too_many.push_back(std::move(kept_.front()));
      kept_.erase(kept_.begin());
    }
  }

 private:
  static constexpr std::size_t kMostKept = std::size_t{1} << 28;  // bytes
  std::mutex guard_;
  std::vector<std::unique_ptr<Thing>> kept_;  // the longest unused first
};

/// Something out of the pool, which goes back at the end.
template <class Thing>
class Lease {
 public:
  explicit Lease(const typename Pool<Thing>::Key& key) : thing_(Pool<Thing>::shared().take(key)) {}
  ~Lease() {
    if (thing_) Pool<Thing>::shared().give(std::move(thing_));
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&& other) {
    std::swap(thing_, other.thing_);
    return *this;
  }
  Thing& operator*() const { return *thing_; }
  Thing* operator->() const { return thing_.get(); }

 private:
  std::unique_ptr<Thing> thing_;
};

}  // namespace latentpress
