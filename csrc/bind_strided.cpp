// Python bindings of strided networks: shapes are checked here.
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "minimal.hpp"
#include "strided.hpp"

namespace latentpress {
namespace {

using strided::Direction;

void require(bool condition, const char* message) {
  if (!condition) throw ConfigurationError(message);
}

template <class Network>
void add_layer(Network& network, bool up, Array<float, 4> weights, Array<float, 1> bias, bool last) {
  const size_t inputs = weights.shape(up ? 0 : 1), outputs = weights.shape(up ? 1 : 0);
  require(weights.shape(2) == strided::kSide && weights.shape(3) == strided::kSide && inputs > 0 && outputs > 0,
          "The weights of a strided layer must be (channels, channels, 5, 5).");
  require(bias.shape(0) == outputs, "A layer must have as many biases as outputs.");
  network.add(up ? Direction::kUp : Direction::kDown, weights.data(), bias.data(), inputs, outputs, last);
}

template <class Network, class Version>
void run(const Network& network, Array<float, 3> x, Output<float, 3> out, size_t threads, const Version& version) {
  require(!network.layers().empty() && x.shape(0) == network.layers().front().inputs(),
          "A strided network must have layers, and an input of the first one's channels.");
  const size_t height = network.output_side(x.shape(1)), width = network.output_side(x.shape(2));
  require(height > 0 && width > 0 && out.shape(0) == network.layers().back().outputs() && out.shape(1) == height &&
              out.shape(2) == width,
          "The output of a strided network must fit its input and layers.");
  const nb::gil_scoped_release release;
  network.run(version, x.data(), x.shape(1), x.shape(2), out.data(), threads);
}

template <class Network, class Named>
void register_network(nb::module_& m, const char* name, Named named) {
  nb::class_<Network>(m, name)
      .def(nb::init<>())
      .def("add", &add_layer<Network>, nb::arg("up"), nb::arg("weights"), nb::arg("bias"), nb::arg("last"))
      .def(
          "run",
          [named](const Network& network, Array<float, 3> x, Output<float, 3> out, size_t threads,
                  const std::string& kernels) { run(network, x, out, threads, named(kernels)); },
          nb::arg("x"), nb::arg("out").noconvert(), nb::arg("threads"), nb::arg("kernels"));
}

}  // namespace

void register_strided(nb::module_& m) {
  register_network<strided::Network>(m, "StridedNetwork", strided::kernels_named);
  register_network<minimal::Network>(m, "MinimalNetwork", minimal::version_named);
  m.def("strided_kernels", [] { return std::string(strided::kernels_named("").name); });
  m.def("minimal_kernels", [] { return std::string(minimal::version_named("").products.name); });
}

}  // namespace latentpress
