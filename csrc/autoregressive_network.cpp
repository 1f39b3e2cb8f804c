#include "autoregressive_network.hpp"

#include <algorithm>

#include "errors.hpp"

namespace latentpress::autoregressive {

AlignedFloats::AlignedFloats(std::size_t size)
    : values_(
          static_cast<float*>(::operator new[](std::max<std::size_t>(size, 1) * sizeof(float), std::align_val_t{64}))),
      size_(size) {
  std::fill_n(values_.get(), size, 0.0f);
}

PackedMatrix::PackedMatrix(std::size_t outputs, const std::vector<Part>& parts, const float* bias)
    : outputs_(outputs), bias_(width()) {
  std::size_t inputs = 0;
  for (const Part& part : parts) {
    std::vector<Block> blocks;
    for (std::size_t first = 0; first < part.inputs; first += kDepth)
      blocks.push_back({first, std::min(kDepth, part.inputs - first), (inputs + first) * width()});
    parts_.push_back(std::move(blocks));
    inputs += part.inputs;
  }
  weights_ = AlignedFloats(inputs * width());
  // Panel by panel: the parts may interleave in memory, and a panel's worth of it fits into the cache.
  for (std::size_t panel = 0; panel < panels(); ++panel)
    for (std::size_t part = 0; part < parts.size(); ++part)
      for (const Block& block : parts_[part]) pack(parts[part], block, panel);
  if (bias != nullptr) std::copy_n(bias, outputs, bias_.data());
}

void PackedMatrix::pack(const Part& part, const Block& block, std::size_t panel) {
  float* to = weights_.data() + block.offset + panel * block.depth * kPanel;
  const float* from = part.first + panel * kPanel * part.output_stride + block.first_input * part.input_stride;
  const std::size_t outputs = std::min(kPanel, outputs_ - panel * kPanel);
  for (std::size_t k = 0; k < block.depth; ++k)
    for (std::size_t output = 0; output < outputs; ++output)
      to[k * kPanel + output] = from[output * part.output_stride + k * part.input_stride];
}

std::vector<Tap> causal_taps(std::size_t radius) {
  const auto reach = static_cast<std::ptrdiff_t>(radius);
  std::vector<Tap> taps;
  for (std::ptrdiff_t row = -reach; row <= 0; ++row)
    for (std::ptrdiff_t column = -reach; column <= reach && (row < 0 || column < 0); ++column)
      taps.push_back({row, column});
  return taps;
}

namespace {

PackedMatrix pack_context(const ContextWeights& context, const std::vector<Tap>& taps) {
  const std::size_t size = context.kernel_size;
  const auto radius = static_cast<std::ptrdiff_t>(size / 2);
  std::vector<PackedMatrix::Part> parts;
  for (const Tap& tap : taps) {
    const auto cell = static_cast<std::size_t>(tap.row + radius) * size + static_cast<std::size_t>(tap.column + radius);
    parts.push_back({context.weight + cell, context.channels, context.channels * size * size, size * size});
  }
  return {2 * context.channels, parts, context.bias};
}

/// `sizes` are those of the parts that the layer's inputs come in.
PackedMatrix pack_layer(const LayerWeights& layer, const std::vector<std::size_t>& sizes) {
  std::vector<PackedMatrix::Part> parts;
  const float* first = layer.weight;
  for (std::size_t size : sizes) {
    parts.push_back({first, size, layer.inputs, 1});
    first += size;
  }
  return {layer.outputs, parts, layer.bias};
}

void check(const ContextWeights& context, const std::vector<LayerWeights>& layers) {
  if (context.channels == 0 || context.kernel_size % 2 == 0 || context.kernel_size < 3)
    throw ConfigurationError("A context convolution needs one channel or more and an odd kernel size of 3 or more.");
  if (layers.empty()) throw ConfigurationError("Entropy parameters need at least one 1x1 convolution.");
  std::size_t inputs = 4 * context.channels;
  for (const LayerWeights& layer : layers) {
    if (layer.inputs != inputs || layer.outputs == 0)
      throw ConfigurationError("A 1x1 convolution of the entropy parameters takes " + std::to_string(layer.inputs) +
                               " channels where it is given " + std::to_string(inputs) + ".");
    inputs = layer.outputs;
  }
  if (inputs != 2 * context.channels)
    throw ConfigurationError("Entropy parameters give " + std::to_string(inputs) +
                             " channels where scales and means need " + std::to_string(2 * context.channels) + ".");
}

}  // namespace

Network::Network(const ContextWeights& context, const std::vector<LayerWeights>& layers)
    : channels_((check(context, layers), context.channels)),
      radius_(context.kernel_size / 2),
      taps_(causal_taps(radius_)),
      context_(pack_context(context, taps_)) {
  for (const LayerWeights& layer : layers) {
    const bool takes_context = layers_.empty();
    const std::size_t parts = takes_context ? 2 : 1;
    const std::vector<std::size_t> sizes(parts, layer.inputs / parts);
    layers_.push_back({pack_layer(layer, sizes), layer.negative_slope});
  }
}

std::vector<const Kernel*> supported_kernels() {
  std::vector<const Kernel*> kernels;
#ifdef LATENTPRESS_X86_KERNELS
  for (const Kernel* kernel : {&kAvx512Kernel, &kAvx2Kernel})
    if (kernel->supported()) kernels.push_back(kernel);
#endif
#ifdef LATENTPRESS_NEON_KERNELS
  kernels.push_back(&kNeonKernel);
#endif
  kernels.push_back(&kPortableKernel);
  return kernels;
}

const Kernel& choose_kernel(const std::string& name) {
  std::string names;
  for (const Kernel* kernel : supported_kernels()) {
    if (name.empty() || name == kernel->name) return *kernel;
    names += names.empty() ? kernel->name : std::string(", ") + kernel->name;
  }
  throw ConfigurationError("There is no kernel '" + name + "' for this CPU, which runs " + names + ".");
}

}  // namespace latentpress::autoregressive
