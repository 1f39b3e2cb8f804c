// Python bindings of strided networks: shapes are checked here.
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "strided.hpp"

namespace latentpress {
namespace {

using strided::Direction;
using strided::Network;

void require(bool condition, const char* message) {
  if (!condition) throw ConfigurationError(message);
}

void add_layer(Network& network, bool up, Array<float, 4> weights, Array<float, 1> bias, bool last) {
  const size_t inputs = weights.shape(up ? 0 : 1), outputs = weights.shape(up ? 1 : 0);
  require(weights.shape(2) == strided::kSide && weights.shape(3) == strided::kSide && inputs > 0 && outputs > 0,
          "The weights of a strided layer must be (channels, channels, 5, 5).");
  require(bias.shape(0) == outputs, "A layer must have as many biases as outputs.");
  network.add(up ? Direction::kUp : Direction::kDown, weights.data(), bias.data(), inputs, outputs, last);
}

void run(Network& network, Array<float, 3> x, Output<float, 3> out, size_t threads, const std::string& kernels) {
  require(!network.layers().empty() && x.shape(0) == network.layers().front().inputs(),
          "A strided network must have layers, and an input of the first one's channels.");
  const size_t height = network.output_side(x.shape(1)), width = network.output_side(x.shape(2));
  require(height > 0 && width > 0 && out.shape(0) == network.layers().back().outputs() && out.shape(1) == height &&
              out.shape(2) == width,
          "The output of a strided network must fit its input and layers.");
  const strided::Kernels& version = strided::kernels_named(kernels);
  const nb::gil_scoped_release release;
  network.run(version, x.data(), x.shape(1), x.shape(2), out.data(), threads);
}

}  // namespace

void register_strided(nb::module_& m) {
  nb::class_<Network>(m, "StridedNetwork")
      .def(nb::init<>())
      .def("add", &add_layer, nb::arg("up"), nb::arg("weights"), nb::arg("bias"), nb::arg("last"))
      .def("run", &run, nb::arg("x"), nb::arg("out").noconvert(), nb::arg("threads"), nb::arg("kernels"));
  m.def("strided_kernels", [] { return std::string(strided::kernels_named("").name); });
}

}  // namespace latentpress
