// The little that the C++ checks need: a condition that must hold, and an exception that must come.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (false)

#define CHECK_THROWS(Error, expression)                                                  \
  do {                                                                                   \
    bool thrown = false;                                                                 \
    try {                                                                                \
      (void)(expression);                                                                \
    } catch (const Error&) {                                                             \
      thrown = true;                                                                     \
    }                                                                                    \
    if (!thrown) {                                                                       \
      std::fprintf(stderr, "%s:%d: no %s: %s\n", __FILE__, __LINE__, #Error, #expression); \
      std::exit(1);                                                                      \
    }                                                                                    \
  } while (false)
