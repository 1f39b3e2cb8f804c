// Python bindings: argument checking and conversion only; the logic lives in the headers beside this file.
#include <nanobind/nanobind.h>

NB_MODULE(_core, m) { m.doc() = "Compiled core of latentpress."; }
