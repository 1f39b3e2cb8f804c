// The two kinds of wrong input that the core tells apart; the bindings turn them into the Python exceptions.
#pragma once

#include <stdexcept>

namespace latentpress {

// A compressed stream is truncated, damaged or not what it claims to be.
struct BitstreamError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An argument (tables, indexes, shapes, values) is not valid.
struct ConfigurationError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

}  // namespace latentpress
