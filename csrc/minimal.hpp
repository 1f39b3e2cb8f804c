// Chains of 5x5 convolutions, or transposed convolutions, of stride 2 with ReLU between them, in float32 by minimal
// filtering: for CPUs without matrix tiles. Every kind of CPU and number of threads gives the same bits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "convnext_kernels.hpp"
#include "minimal_kernels.hpp"
#include "strided.hpp"

namespace latentpress::minimal {

using strided::Direction;

/// The kernels of one kind of CPU: of products, and of what is around them.
struct Version {
  const convnext::Kernels& products;
  const Kernels& transforms;
};

/// By name ("" for the fastest that this CPU has); throws ConfigurationError for another name.
Version version_named(const std::string& name);

/// Shape of an image, its channels rounded up to what they are stored in. Only `used` of them are ever written to.
struct PlaneKey {
  std::size_t height, width, channels, used;

  bool operator==(const PlaneKey& other) const {
    return height == other.height && width == other.width && channels == other.channels && used == other.used;
  }
};

/// An image, channels last, with zeros around it for as far as tiles may reach.
class Plane {
 public:
  static constexpr std::size_t kBefore = 2, kAfter = 6;

  explicit Plane(const PlaneKey& key)
      : key_(key), values_((key.height + kBefore + kAfter) * row_stride(), 0.0f) {}
  const PlaneKey& key() const { return key_; }
  std::size_t bytes() const { return sizeof(float) * values_.size(); }
  std::size_t channels() const { return key_.channels; }
  std::size_t row_stride() const { return (key_.width + kBefore + kAfter) * key_.channels; }
  /// A pixel, counted from the first one of the zeros above and to the left.
  float* padded(std::size_t y, std::size_t x) { return values_.data() + y * row_stride() + x * key_.channels; }
  float* pixel(std::size_t y, std::size_t x) { return padded(y + kBefore, x + kBefore); }

 private:
  PlaneKey key_;
  Aligned<float> values_;
};

class Layer {
 public:
  /// `weights` is (outputs, inputs, 5, 5) downwards and (inputs, outputs, 5, 5) upwards.
  Layer(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs, bool last);
  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  bool up() const { return direction_ == Direction::kUp; }
  PlaneKey input(std::size_t height, std::size_t width) const { return {height, width, windows() ? inputs_ : depth_, inputs_}; }
  /// `in` to `out` (channels last) or, of the last layer, to `picture` (outputs, height, width).
  void run(const Version& version, Plane& in, Plane* out, float* picture, std::size_t threads) const;

 private:
  struct Task;
  void pack(const float* weights, const float* bias);
  bool windows() const { return scheme_ == Scheme::kWindows; }
  /// Products of inputs and one panel of outputs, for `count` tiles or pixels of each frequency.
  void multiply(const Task& task, std::size_t panel, std::size_t count, const float* in, float* out) const;
  void run_tiles(const Task& task, std::size_t first, std::size_t count) const;
  void run_windows(const Task& task, std::size_t first, std::size_t count) const;
  /// Puts the outputs of one panel, from a position of a tile, to where they belong.
  void put(const Task& task, std::size_t panel, std::size_t y, std::size_t x, const float* from) const;

  Direction direction_;
  Scheme scheme_;
  std::size_t inputs_, outputs_, depth_;  // depth: of the products, inputs as they are stored or windows
  std::size_t products_;                  // outputs of the products, four times as many where phases are channels
  std::size_t frequencies_;               // along both axes
  bool relu_;
  Aligned<float> weights_;  // (panels, frequencies, depth, kPanel)
  Aligned<float> bias_;     // (panels, kPanel)
};

/// The layers of a chain. Any number of calls may run at once.
class Network {
 public:
  void add(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
           bool last);
  const std::vector<Layer>& layers() const { return layers_; }
  /// Side of the output for one of the input; 0 if the layers cannot take it.
  std::size_t output_side(std::size_t side) const;
  /// `x` (inputs, height, width) to `out` (outputs, output_side(height), output_side(width)).
  void run(const Version& version, const float* x, std::size_t height, std::size_t width, float* out,
           std::size_t threads) const;

 private:
  std::vector<Layer> layers_;
};

}  // namespace latentpress::minimal
