// The two orders in which an autoregressive stream visits a latent's positions, and for each the past values laid out
// as the context convolution wants to read them.
//
// A *step* is a set of positions that do not depend on one another; the stream holds the steps one after the other, in
// a step the positions from top to bottom, and at a position the channels. A *block* is a run of steps: the first
// `early_taps()` taps of each of its positions read only what was coded before the block, so they are computed for the
// whole block at once, with one pass over their weights.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "autoregressive_network.hpp"

namespace latentpress::autoregressive {

struct LatentShape {
  std::size_t channels;
  std::size_t height;
  std::size_t width;
  std::size_t positions() const { return height * width; }
};

/// `count` positions: i steps down from (row, column) by (1, -slant).
struct Step {
  std::size_t row;
  std::size_t column;
  std::size_t count;
  std::size_t slant;
  std::size_t position(std::size_t i, std::size_t width) const { return (row + i) * width + column - i * slant; }
};

/// Inputs of an early tap for some of a block's positions, counted from `first` in coding order.
struct EarlyInputs {
  std::size_t first;
  Inputs inputs;
};

class Order {
 public:
  virtual ~Order() = default;

  std::size_t early_taps() const { return early_taps_; }
  /// Most positions in a step and in a block.
  std::size_t most_in_step() const { return most_in_step_; }
  std::size_t most_in_block() const { return most_in_block_; }
  std::size_t steps() const { return steps_; }
  std::size_t steps_in_block() const { return steps_in_block_; }

  virtual Step step(std::size_t index) const = 0;
  /// Appends the inputs of `tap` for all positions of the block that starts at step `first`.
  virtual void append_early(std::size_t first, std::size_t tap, std::vector<EarlyInputs>& inputs) const = 0;
  /// Inputs of `tap` for the positions of a step.
  virtual Inputs inputs(std::size_t step, std::size_t tap) const = 0;
  /// Makes room for a step's values; before the first `put` and not beside any other call.
  virtual void open(std::size_t step) = 0;
  /// Records a channel's values at the positions of a step; calls for different channels may run beside each other.
  virtual void put(std::size_t step, std::size_t channel, const float* values) = 0;

 protected:
  std::size_t early_taps_ = 0;
  std::size_t most_in_step_ = 1;
  std::size_t most_in_block_ = 1;
  std::size_t steps_ = 0;
  std::size_t steps_in_block_ = 1;
};

/// Row by row, left to right, one position a step; a block is a row, and all taps in the rows above are early.
std::unique_ptr<Order> raster_order(const LatentShape& shape, const Network& network);

/// Anti-diagonals `column + (radius + 1) * row`, the steepest that a causal mask of the radius allows.
std::unique_ptr<Order> wavefront_order(const LatentShape& shape, const Network& network);

}  // namespace latentpress::autoregressive
