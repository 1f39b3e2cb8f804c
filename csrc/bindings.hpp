// What the binding files share: the array types that cross the boundary, and one registration function a file.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "errors.hpp"

namespace latentpress {

namespace nb = nanobind;

// NumPy arrays and CPU tensors, contiguous, used where they lie. No other dtype is converted on the way.
template <class T, int dimensions>
using Array = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
template <class T, int dimensions>
using Output = nb::ndarray<T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;

void register_tables(nb::module_& m);
void register_rans(nb::module_& m);
void register_convnext(nb::module_& m);
void register_autoregressive(nb::module_& m);
void register_integer_network(nb::module_& m);
void register_strided(nb::module_& m);
void register_warp(nb::module_& m);

}  // namespace latentpress
