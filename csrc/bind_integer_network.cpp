// Python bindings of networks of integers: shapes are checked here.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "bindings.hpp"
#include "fixed_point.hpp"
#include "integer_network.hpp"

namespace latentpress {
namespace {

using fixed_point::IntegerNetwork;

void add_layer(IntegerNetwork& network, size_t in, size_t out, Array<int16_t, 3> weights, Array<float, 1> scale,
               Array<float, 1> bias, float slope, float limit, std::optional<size_t> residual) {
  if (scale.shape(0) != weights.shape(1) || bias.shape(0) != weights.shape(1))
    throw ConfigurationError("A layer must have as many scales and biases as outputs.");
  network.add_layer(in, out,
                    {weights.data(), weights.shape(0), weights.shape(1), weights.shape(2), scale.data(), bias.data()},
                    {slope, limit, residual.value_or(IntegerNetwork::kNone)});
}

void run(const IntegerNetwork& network, Array<int16_t, 3> x, size_t coarse, size_t fine, Output<int16_t, 3> pixels,
         size_t threads, const std::string& kernels) {
  const size_t height = x.shape(0), width = x.shape(1);
  if (network.slots() == 0 || x.shape(2) != network.channels(0) || height == 0 || width == 0 ||
      height > size_t{1} << 20 || width > size_t{1} << 20)
    throw ConfigurationError("The input of a network of integers must have the channels of its first slot.");
  if (pixels.shape(2) != 3 || pixels.shape(0) % height != 0 || pixels.shape(1) % width != 0 ||
      pixels.shape(0) / height != pixels.shape(1) / width || coarse >= network.slots() ||
      3 * (pixels.shape(0) / height) * (pixels.shape(0) / height) != network.channels(coarse))
    throw ConfigurationError("The pixels of a network of integers must fit its input.");
  const nb::gil_scoped_release release;
  network.run(fixed_point::kernels_named(kernels), x.data(), height, width, coarse, fine, pixels.data(), threads);
}

}  // namespace

void register_integer_network(nb::module_& m) {
  nb::class_<IntegerNetwork>(m, "IntegerNetwork")
      .def(nb::init<>())
      .def("add_slot", &IntegerNetwork::add_slot, nb::arg("channels"), nb::arg("factor"))
      .def("add_layer", &add_layer, nb::arg("input"), nb::arg("output"), nb::arg("weights"), nb::arg("scale"),
           nb::arg("bias"), nb::arg("slope") = 1.0f, nb::arg("limit") = static_cast<float>(fixed_point::kMostInput),
           nb::arg("residual") = nb::none())
      .def("run", &run, nb::arg("x"), nb::arg("coarse"), nb::arg("fine"), nb::arg("pixels").noconvert(),
           nb::arg("threads"), nb::arg("kernels"));
}

}  // namespace latentpress
