// Python bindings of the autoregressive engine: shapes are checked here; a batch is coded image beside image.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "array_coder.hpp"
#include "autoregressive.hpp"
#include "bind_rows.hpp"

namespace latentpress {
namespace {

using autoregressive::Engine;
using autoregressive::LatentShape;
using autoregressive::StreamOrder;

using OptionalBias = std::optional<Array<float, 1>>;
/// Weight (outputs, inputs), bias, and the slope of the activation for negative values.
using Layer = std::tuple<Array<float, 2>, OptionalBias, float>;

// Two threads share an image even where images abound: together their caches hold the weights that one's do not. Beyond
// eight, a share of a layer takes less time than the wait for the others.
constexpr size_t kFewestThreadsPerImage = 2;
constexpr size_t kMostThreadsPerImage = 8;

const float* bias_of(const OptionalBias& bias, size_t outputs) {
  if (!bias) return nullptr;
  if (bias->shape(0) != outputs) throw ConfigurationError("A convolution must have as many biases as outputs.");
  return bias->data();
}

autoregressive::Network make_network(const Array<float, 4>& weight, const OptionalBias& bias,
                                     const std::vector<Layer>& layers) {
  const size_t channels = weight.shape(1);
  if (weight.shape(0) != 2 * channels || weight.shape(2) != weight.shape(3))
    throw ConfigurationError("A context convolution must have a square kernel, and twice as many outputs as inputs.");
  std::vector<autoregressive::LayerWeights> stack;
  for (const auto& [matrix, layer_bias, slope] : layers)
    stack.push_back({matrix.data(), bias_of(layer_bias, matrix.shape(0)), matrix.shape(0), matrix.shape(1), slope});
  return {{weight.data(), bias_of(bias, 2 * channels), channels, weight.shape(2)}, stack};
}

/// A batch of latents and how it is coded.
struct Batch {
  size_t images;
  LatentShape shape;
  StreamOrder order;
  size_t threads;

  size_t latent_size() const { return shape.channels * shape.positions(); }
  size_t threads_per_image() const {
    const size_t even = std::clamp(threads / std::max<size_t>(images, 1), kFewestThreadsPerImage, kMostThreadsPerImage);
    return std::min(threads, even);
  }
  size_t images_at_once() const { return threads / threads_per_image(); }
};

Batch checked_batch(const Engine& engine, const Array<float, 4>& parameters, const Output<float, 4>& quantised,
                    bool wavefront, size_t threads) {
  const size_t channels = engine.network().channels();
  if (parameters.shape(1) != 2 * channels || quantised.shape(1) != channels ||
      parameters.shape(0) != quantised.shape(0) || parameters.shape(2) != quantised.shape(2) ||
      parameters.shape(3) != quantised.shape(3))
    throw ConfigurationError("Latents must have " + std::to_string(channels) + " channels and hyper-parameters " +
                             std::to_string(2 * channels) + ", and both the same batch size, height and width.");
  return {quantised.shape(0),
          {channels, quantised.shape(2), quantised.shape(3)},
          wavefront ? StreamOrder::kWavefront : StreamOrder::kRaster,
          std::max<size_t>(threads, 1)};
}

nb::list encode(const Engine& engine, Array<float, 4> latents, Array<float, 4> parameters, const CodingTables& tables,
                bool wavefront, size_t threads, Output<float, 4> quantised) {
  const Batch batch = checked_batch(engine, parameters, quantised, wavefront, threads);
  for (size_t axis = 0; axis < 4; ++axis)
    if (latents.shape(axis) != quantised.shape(axis))
      throw ConfigurationError("Both latents must have the same shape.");
  const size_t size = batch.latent_size();
  return encode_rows(batch.images, size, batch.images_at_once(), [&](RansEncoder& encoder, size_t image) {
    const autoregressive::CodedSymbols coded =
        engine.encode(latents.data() + image * size, parameters.data() + image * 2 * size, batch.shape, batch.order,
                      batch.threads_per_image(), quantised.data() + image * size);
    encode_array(encoder, tables, IndexArray<int32_t>{coded.indexes.data()}, IntegerSymbols{coded.symbols.data()},
                 size);
  });
}

void decode(const Engine& engine, nb::list strings, Array<float, 4> parameters, const CodingTables& tables,
            bool wavefront, size_t threads, Output<float, 4> quantised) {
  const Batch batch = checked_batch(engine, parameters, quantised, wavefront, threads);
  const size_t size = batch.latent_size();
  decode_rows(strings, batch.images, batch.images_at_once(), [&](RansDecoder decoder, size_t image) {
    const auto read = [&](const int32_t* indexes, size_t count, int32_t* symbols) {
      decoder = decode_array(decoder, tables, IndexArray<int32_t>{indexes}, IntegerOutput{symbols}, count);
    };
    engine.decode(read, parameters.data() + image * 2 * size, batch.shape, batch.order, batch.threads_per_image(),
                  quantised.data() + image * size);
    return decoder;
  });
}

}  // namespace

void register_autoregressive(nb::module_& m) {
  nb::class_<Engine>(m, "AutoregressiveEngine")
      .def(
          "__init__",
          [](Engine* self, Array<float, 4> context_weight, OptionalBias context_bias, const std::vector<Layer>& layers,
             Array<float, 1> scale_table, float scale_bound, const std::string& kernel) {
            new (self) Engine(make_network(context_weight, context_bias, layers),
                              ScaleIndexer(scale_table.data(), scale_table.shape(0), scale_bound),
                              autoregressive::choose_kernel(kernel));
          },
          nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg())
      .def_prop_ro("kernel", [](const Engine& self) { return self.kernel().name; })
      .def("encode", &encode, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert())
      .def("decode", &decode, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert());
  m.def("autoregressive_kernels", [] {
    std::vector<std::string> names;
    for (const autoregressive::Kernel* kernel : autoregressive::supported_kernels()) names.push_back(kernel->name);
    return names;
  });
}

}  // namespace latentpress
