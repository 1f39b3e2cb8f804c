// The parallel loop: every item once, and exceptions come through.
#include "parallel.hpp"

#include <stdexcept>

#include "check.hpp"

using namespace latentpress;

int main() {
  for (const size_t threads : {0, 1, 2, 7}) {
    for (const size_t count : {0, 1, 5, 1000}) {
      std::vector<int> visits(count, 0);
      parallel_for(count, threads, [&](size_t i) { ++visits[i]; });
      for (const int times : visits) CHECK(times == 1);
    }
    CHECK_THROWS(std::runtime_error, (parallel_for(100, threads,
                                                   [](size_t i) {
                                                     if (i % 3 == 2) throw std::runtime_error("stop");
                                                   }),
                                      0));
  }
}
