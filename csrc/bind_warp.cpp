// Python binding of scale-space warping: shapes are checked here.
#include "bindings.hpp"
#include "warp.hpp"

namespace latentpress {
namespace {

void require(bool condition, const char* message) {
  if (!condition) throw ConfigurationError(message);
}

void warp_frame(Array<float, 3> frame, Array<float, 3> motion, Array<float, 1> taps, size_t levels, Output<float, 3> out,
                size_t threads) {
  const warp::Size size{frame.shape(1), frame.shape(2)};
  for (size_t axis = 0; axis < 3; ++axis)
    require(motion.shape(axis) == frame.shape(axis) && out.shape(axis) == frame.shape(axis),
            "Motion and output must have the shape of the frame.");
  require(frame.shape(0) == warp::kChannels, "A frame to be warped must have three channels.");
  require(taps.shape(0) % 2 == 1 && levels >= 1 && levels < 32, "A scale space needs an odd kernel, and 1 to 31 levels.");
  const size_t factor = size_t{1} << (levels - 1);
  require(size.height > 0 && size.width > 0 && size.height % factor == 0 && size.width % factor == 0,
          "The sides of a frame must be multiples of two to the power of its levels less one.");
  const warp::Blurs blurs{{taps.data(), taps.data() + taps.shape(0)}, levels};
  const nb::gil_scoped_release release;
  warp::warp(frame.data(), motion.data(), size, blurs, out.data(), threads);
}

}  // namespace

void register_warp(nb::module_& m) {
  m.attr("WARP_CHANNELS") = warp::kChannels;
  m.def("warp_frame", &warp_frame, nb::arg("frame"), nb::arg("motion"), nb::arg("taps"), nb::arg("levels"),
        nb::arg("out").noconvert(), nb::arg("threads"));
}

}  // namespace latentpress
