// Weights of an autoregressive entropy model, packed once for the kernels: the masked context convolution and the stack
// of 1x1 convolutions ("entropy parameters") behind it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "autoregressive_kernels.hpp"

namespace latentpress::autoregressive {

/// Zeroed floats that start on a cache line.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size);
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* values) const { ::operator delete[](values, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> values_;
  std::size_t size_ = 0;
};

/// A matrix (outputs, inputs) in panels of outputs and blocks of inputs. The inputs come in parts of given sizes; a
/// block never spans two parts, so the order of summation does not depend on how the parts are computed.
class PackedMatrix {
 public:
  struct Block {
    std::size_t first_input;  // within its part
    std::size_t depth;
    std::size_t offset;  // of its weights
  };

  /// Where a part's weights are read from: first[output * output_stride + input * input_stride].
  struct Part {
    const float* first;
    std::size_t inputs;
    std::size_t output_stride;
    std::size_t input_stride;
  };

  /// `bias` may be null.
  PackedMatrix(std::size_t outputs, const std::vector<Part>& parts, const float* bias);

  std::size_t outputs() const { return outputs_; }
  std::size_t panels() const { return (outputs_ + kPanel - 1) / kPanel; }
  /// Outputs with the padding up to whole panels.
  std::size_t width() const { return panels() * kPanel; }
  const float* bias() const { return bias_.data(); }
  const std::vector<Block>& part(std::size_t index) const { return parts_[index]; }
  WeightBlock weights(const Block& block, std::size_t first_panel, std::size_t panels) const {
    return {weights_.data() + block.offset + first_panel * block.depth * kPanel, panels, block.depth};
  }

 private:
  void pack(const Part& part, const Block& block, std::size_t panel);

  std::size_t outputs_;
  std::vector<std::vector<Block>> parts_;
  AlignedFloats weights_;
  AlignedFloats bias_;
};

/// Where a tap of the context convolution reads, relative to the position it predicts.
struct Tap {
  std::ptrdiff_t row;
  std::ptrdiff_t column;
};

/// Causal taps of a square type-A mask of this radius, in raster order.
std::vector<Tap> causal_taps(std::size_t radius);

/// One 1x1 convolution with the activation after it; plain pointers are row-major and only read while packing.
struct LayerWeights {
  const float* weight;  // (outputs, inputs)
  const float* bias;    // (outputs) or null
  std::size_t outputs;
  std::size_t inputs;
  float negative_slope;  // 1: no activation; 0: ReLU; between: LeakyReLU
};

struct ContextWeights {
  const float* weight;  // (2 channels, channels, size, size)
  const float* bias;    // (2 channels) or null
  std::size_t channels;
  std::size_t kernel_size;
};

/// The packed networks. Throws ConfigurationError where the shapes do not fit together.
class Network {
 public:
  Network(const ContextWeights& context, const std::vector<LayerWeights>& layers);

  /// A layer of the entropy-parameters stack. Inputs of the first come in two parts, hyper-decoder output and context.
  struct Layer {
    PackedMatrix matrix;
    float negative_slope;
  };

  std::size_t channels() const { return channels_; }
  std::size_t radius() const { return radius_; }
  const std::vector<Tap>& taps() const { return taps_; }
  /// The context convolution; part t of its inputs is tap t.
  const PackedMatrix& context() const { return context_; }
  const std::vector<Layer>& layers() const { return layers_; }

 private:
  std::size_t channels_;
  std::size_t radius_;
  std::vector<Tap> taps_;
  PackedMatrix context_;
  std::vector<Layer> layers_;
};

/// Kernels that this CPU runs, fastest first.
std::vector<const Kernel*> supported_kernels();

/// The named kernel, or the fastest for an empty name; throws ConfigurationError naming those that this CPU runs.
const Kernel& choose_kernel(const std::string& name);

}  // namespace latentpress::autoregressive
