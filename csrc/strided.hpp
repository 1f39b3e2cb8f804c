// Chains of 5x5 convolutions, or transposed convolutions, of stride 2 with ReLU between them, image by image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "strided_kernels.hpp"

namespace latentpress::strided {

/// Version of the kernels by name ("" for the fastest that this CPU has); throws ConfigurationError for another name.
const Kernels& kernels_named(const std::string& name);

inline constexpr std::size_t kSide = 5;  // of every kernel; padding 2, and output padding 1 where transposed

enum class Direction { kDown, kUp };

/// Shape of an image of pairs, and the number of channels that were gathered into it: in such images (it is 0 in others)
/// there are places inside that are never written to, and stay zero.
struct PlanesKey {
  std::size_t height, width, channels, gathered;

  bool operator==(const PlanesKey& other) const {
    return height == other.height && width == other.width && channels == other.channels && gathered == other.gathered;
  }
};

/// An image of pairs, channels last, with a border of zeros as wide as a kernel reaches.
class Planes {
 public:
  static constexpr std::size_t kBorder = kSide / 2;

  explicit Planes(const PlanesKey& key);
  const PlanesKey& key() const { return key_; }
  std::size_t bytes() const { return 2 * sizeof(std::uint16_t) * high_.size(); }
  std::size_t channels() const { return key_.channels; }
  std::size_t row_stride() const { return (key_.width + 2 * kBorder) * key_.channels; }
  /// Where a pixel begins, which may be one of the border.
  std::size_t at(std::ptrdiff_t y, std::ptrdiff_t x) const;
  std::uint16_t* high() { return high_.data(); }
  std::uint16_t* low() { return low_.data(); }
  const std::uint16_t* high() const { return high_.data(); }
  const std::uint16_t* low() const { return low_.data(); }

 private:
  PlanesKey key_;
  Aligned<std::uint16_t> high_, low_;
};

/// A part of a layer that is one convolution: all of a strided one, or one phase (or all four) of a transposed one.
struct Pass {
  std::ptrdiff_t first_row, first_column;  // of the window, from the pixel's own place in the input
  std::size_t rows, columns;
  std::size_t phase_row, phase_column;  // of the output, where its grid is finer
  bool all_phases;                      // outputs are those of the four phases, one after the other
  std::size_t outputs, run;             // run: inputs of a row of the window in units of kDepth
  Aligned<std::uint16_t> weights;       // of each block of outputs, as the kernels take them
  Aligned<float> bias;                  // padded with zeros to whole blocks

  std::size_t weights_per_block() const { return rows * run * 2 * kDepth * kBlock; }
};

class Layer {
 public:
  /// `weights` is (outputs, inputs, 5, 5) downwards and (inputs, outputs, 5, 5) upwards.
  Layer(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
        bool first, bool last);
  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  bool up() const { return direction_ == Direction::kUp; }
  /// Whether this is a first layer of so few inputs that a row of a window fits one tile depth. Such rows are laid out as
  /// the channels of an image with a pixel for each output column, because they would hardly ever be aligned otherwise.
  bool gathered() const { return gathered_; }
  /// The image that the passes read, for an input image of these sides.
  PlanesKey input(std::size_t height, std::size_t width) const;
  /// The grid that the passes compute on, of the output downwards and of the input upwards.
  std::size_t grid_side(std::size_t side) const { return up() ? side : side / 2; }
  const std::vector<Pass>& passes() const { return passes_; }

 private:
  float weight(const float* weights, const Pass& pass, std::size_t output, std::size_t row, std::size_t column,
               std::size_t input) const;
  void pack(Pass pass, const float* weights, const float* bias);

  Direction direction_;
  std::size_t inputs_, outputs_;
  bool gathered_;
  std::vector<Pass> passes_;
};

/// The layers of a chain. Any number of calls may run at once.
class Network {
 public:
  void add(Direction direction, const float* weights, const float* bias, std::size_t inputs, std::size_t outputs,
           bool last);
  const std::vector<Layer>& layers() const { return layers_; }
  /// Side of the output for one of the input; 0 if the layers cannot take it.
  std::size_t output_side(std::size_t side) const;
  /// `x` (inputs, height, width) to `out` (outputs, output_side(height), output_side(width)). The result does not depend
  /// on the number of threads.
  void run(const Kernels& kernels, const float* x, std::size_t height, std::size_t width, float* out,
           std::size_t threads) const;

 private:
  std::vector<Layer> layers_;
};

}  // namespace latentpress::strided
