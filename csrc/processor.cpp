#include "processor.hpp"

#include <cstdlib>
#include <string>

#include "errors.hpp"

namespace latentpress {
namespace {

constexpr const char* kNames[] = {"portable", "sse4.1", "avx2", "avx512", "avx512_vnni", "amx"};

Level highest() {
  const char* set = std::getenv("LATENTPRESS_CPU");
  const std::string name = set == nullptr ? "" : set;
  if (name.empty()) return Level::kAmx;
  int level = 0;
  std::string valid;
  for (const char* known : kNames) {
    if (name == known) return static_cast<Level>(level);
    ++level;
    valid += (valid.empty() ? "" : ", ") + std::string(known);
  }
  throw ConfigurationError("LATENTPRESS_CPU must be one of " + valid + ", or empty; found '" + name + "'.");
}

}  // namespace

bool allowed(Level level) {
  static const Level most = highest();
  return level <= most;
}

}  // namespace latentpress
