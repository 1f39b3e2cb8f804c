// Python bindings of ConvNeXt blocks and convolutions: shapes are checked here.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "bindings.hpp"
#include "convnext.hpp"

namespace latentpress {
namespace {

using convnext::Finish;
using convnext::ImageShape;
using convnext::PackedMatrix;
using Images = Array<float, 4>;  // (images, height, width, channels)

void require(bool condition, const char* message) {
  if (!condition) throw ConfigurationError(message);
}

ImageShape shape_of(const Images& x) { return {x.shape(0), x.shape(1), x.shape(2)}; }

template <class One, class Other>
bool same_grid(const One& x, const Other& other) {
  return other.shape(0) == x.shape(0) && other.shape(1) == x.shape(1) && other.shape(2) == x.shape(2);
}

void convolve(const PackedMatrix& matrix, size_t side, size_t patch_in, size_t patch_out, bool gelu_before, bool gelu_after,
              Images x, std::optional<Images> more, std::optional<Images> residual, Output<float, 4> out, size_t threads,
              const std::string& kernels) {
  const size_t more_channels = more ? more->shape(3) : 0;
  require(patch_in > 0 && patch_out > 0 && x.shape(1) % patch_in == 0 && x.shape(2) % patch_in == 0,
          "The grid of a convolution's input must divide into its patches.");
  require(patch_in == 1 || (side == 1 && !more), "A convolution of patches must have a side of 1 and one input.");
  require(side % 2 == 1 && matrix.depth() == side * side * patch_in * patch_in * (x.shape(3) + more_channels),
          "A convolution's matrix must fit its input.");
  require(!more || same_grid(x, *more), "Both inputs of a convolution must have the same grid.");
  const ImageShape grid{x.shape(0), x.shape(1) / patch_in, x.shape(2) / patch_in};
  require(out.shape(0) == grid.images && out.shape(1) == grid.height * patch_out && out.shape(2) == grid.width * patch_out &&
              out.shape(3) * patch_out * patch_out == matrix.outputs(),
          "A convolution's output must fit its input and matrix.");
  require(!residual || (same_grid(out, *residual) && residual->shape(3) == matrix.outputs() && !gelu_after && patch_out == 1),
          "A residual must have the output's shape, and neither a GELU nor patches before it.");
  const Finish finish = residual ? Finish::kAddResidual : gelu_after ? Finish::kGelu : Finish::kNothing;
  const convnext::Inputs in{x.data(), x.shape(3), more ? more->data() : nullptr, more_channels};
  const convnext::Kernels& version = convnext::kernels_named(kernels);
  const nb::gil_scoped_release release;
  convnext::convolve(version, {matrix, side, gelu_before, finish, patch_in, patch_out}, grid, in,
                     residual ? residual->data() : nullptr, out.data(), threads);
}

void run_block(Array<float, 2> taps, Array<float, 1> bias, Array<float, 2> shift, Array<float, 2> scale,
               const PackedMatrix& expand, const PackedMatrix& contract, size_t padding, Images x, Output<float, 4> out,
               size_t threads, const std::string& kernels) {
  const size_t channels = x.shape(3), images = x.shape(0);
  size_t side = 1;
  while (side * side < taps.shape(0)) side += 2;
  require(channels % convnext::kLanes == 0, "A ConvNeXt block must have a multiple of 16 channels.");
  require(padding < convnext::kLanes && padding <= channels, "The padding of a ConvNeXt block must be below 16 channels.");
  require(side * side == taps.shape(0) && taps.shape(1) == channels && bias.shape(0) == channels,
          "Depthwise weights must be (side * side, channels), with an odd side.");
  require((shift.shape(0) == 1 || shift.shape(0) == images) && shift.shape(1) == channels &&
              scale.shape(0) == shift.shape(0) && scale.shape(1) == channels,
          "Shift and scale must be (images or 1, channels).");
  require(expand.depth() == channels && expand.outputs() > 0 && contract.depth() == expand.outputs() && contract.outputs() == channels,
          "The two matrices of a block must fit its channels.");
  require(same_grid(x, out) && out.shape(3) == channels, "A block's output must have its input's shape.");
  const convnext::Kernels& version = convnext::kernels_named(kernels);
  const nb::gil_scoped_release release;
  convnext::run_block(version,
                      {taps.data(), bias.data(), side, shift.data(), scale.data(), shift.shape(0) == images && images > 1,
                       expand, contract, padding},
                      shape_of(x), x.data(), out.data(), threads);
}

}  // namespace

void register_convnext(nb::module_& m) {
  nb::class_<PackedMatrix>(m, "PackedMatrix")
      .def("__init__",
           [](PackedMatrix* self, Array<float, 2> weights, Array<float, 1> bias, bool fixed_point,
              const std::string& kernels) {
             require(bias.shape(0) == weights.shape(0), "A matrix must have as many biases as outputs.");
             const nb::gil_scoped_release release;
             if (fixed_point)
               new (self) PackedMatrix(weights.data(), bias.data(), weights.shape(0), weights.shape(1),
                                       fixed_point::kernels_named(kernels));
             else
               new (self) PackedMatrix(weights.data(), bias.data(), weights.shape(0), weights.shape(1));
           },
           nb::arg("weights"), nb::arg("bias"), nb::arg("fixed_point"), nb::arg("kernels"));
  m.def("fixed_point_kernels", [] { return fixed_point::kernels_named("").name; });
  m.def("convnext_convolve", &convolve, nb::arg("matrix"), nb::arg("side"), nb::arg("patch_in"), nb::arg("patch_out"),
        nb::arg("gelu_before"), nb::arg("gelu_after"), nb::arg("x"), nb::arg("more").none(), nb::arg("residual").none(),
        nb::arg("out").noconvert(), nb::arg("threads"), nb::arg("kernels"));
  m.def("convnext_block", &run_block, nb::arg("taps"), nb::arg("bias"), nb::arg("shift"), nb::arg("scale"),
        nb::arg("expand"), nb::arg("contract"), nb::arg("padding"), nb::arg("x"), nb::arg("out").noconvert(), nb::arg("threads"),
        nb::arg("kernels"));
}

}  // namespace latentpress
