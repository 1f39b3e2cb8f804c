#include "autoregressive_order.hpp"

#include <algorithm>

namespace latentpress::autoregressive {
namespace {

/// Odd multiples of a cache line, so that consecutive channels do not fall into the same few cache sets.
std::size_t spread_stride(std::size_t size) {
  const std::size_t lines = (size + kPanel - 1) / kPanel;
  return (lines | 1) * kPanel;
}

class RasterOrder final : public Order {
 public:
  RasterOrder(const LatentShape& shape, const Network& network)
      : shape_(shape),
        radius_(network.radius()),
        taps_(network.taps()),
        stride_(spread_stride(shape.width + 2 * radius_)),
        rows_((radius_ + 1) * shape.channels * stride_),
        left_((radius_ + 1) * shape.channels),
        nothing_(shape.channels) {
    early_taps_ = taps_.size() - radius_;
    most_in_block_ = steps_in_block_ = shape.width;
    steps_ = shape.positions();
  }

  Step step(std::size_t index) const override { return {index / shape_.width, index % shape_.width, 1, 0}; }

  void append_early(std::size_t first, std::size_t tap, std::vector<EarlyInputs>& inputs) const override {
    const std::size_t row = first / shape_.width + rows_held() - static_cast<std::size_t>(-taps_[tap].row);
    const float* values = row_values(row) + static_cast<std::ptrdiff_t>(radius_) + taps_[tap].column;
    inputs.push_back({0, {values, stride_, shape_.width}});
  }

  Inputs inputs(std::size_t step, std::size_t tap) const override {
    const auto back = static_cast<std::size_t>(-taps_[tap].column);
    const std::size_t column = step % shape_.width;
    return {column < back ? nothing_.data() : left_values(column - back), 1, 1};
  }

  void open(std::size_t) override {}

  void put(std::size_t step, std::size_t channel, const float* values) override {
    const std::size_t column = step % shape_.width;
    row_values(step / shape_.width)[channel * stride_ + radius_ + column] = *values;
    left_values(column)[channel] = *values;
  }

 private:
  std::size_t rows_held() const { return radius_ + 1; }
  /// The row laid out (channel, column), with `radius` zeros on both sides.
  const float* row_values(std::size_t row) const {
    return rows_.data() + row % rows_held() * shape_.channels * stride_;
  }
  float* row_values(std::size_t row) { return rows_.data() + row % rows_held() * shape_.channels * stride_; }
  /// The last positions of the current row once more, channels side by side.
  const float* left_values(std::size_t column) const { return left_.data() + column % rows_held() * shape_.channels; }
  float* left_values(std::size_t column) { return left_.data() + column % rows_held() * shape_.channels; }

  LatentShape shape_;
  std::size_t radius_;
  std::vector<Tap> taps_;
  std::size_t stride_;
  AlignedFloats rows_;
  AlignedFloats left_;
  AlignedFloats nothing_;
};

class WavefrontOrder final : public Order {
 public:
  WavefrontOrder(const LatentShape& shape, const Network& network)
      : shape_(shape),
        radius_(network.radius()),
        slant_(radius_ + 1),
        taps_(network.taps()),
        stride_(spread_stride(shape.height + radius_)),
        steps_held_(lag(0) + steps_in_block(radius_)),
        values_(steps_held_ * shape.channels * stride_) {
    steps_in_block_ = steps_in_block(radius_);
    while (early_taps_ < taps_.size() && lag(early_taps_) >= steps_in_block_) ++early_taps_;
    steps_ = shape.width + slant_ * (shape.height - 1);
    most_in_step_ = std::min(shape.height, (shape.width + slant_ - 1) / slant_);
    most_in_block_ = steps_in_block_ * most_in_step_;
  }

  Step step(std::size_t index) const override {
    const std::size_t past_edge = index < shape_.width ? 0 : index - shape_.width + 1;
    const std::size_t first = (past_edge + slant_ - 1) / slant_;
    const std::size_t last = std::min(shape_.height - 1, index / slant_);
    return {first, index - slant_ * first, last + 1 - first, slant_};
  }

  void append_early(std::size_t first, std::size_t tap, std::vector<EarlyInputs>& inputs) const override {
    std::size_t position = 0;
    for (std::size_t index = first; index < std::min(first + steps_in_block_, steps_); ++index) {
      inputs.push_back({position, this->inputs(index, tap)});
      position += step(index).count;
    }
  }

  Inputs inputs(std::size_t step, std::size_t tap) const override {
    const Step now = this->step(step);
    const float* past = step_values(step + steps_held_ - lag(tap));
    return {past + static_cast<std::ptrdiff_t>(radius_ + now.row) + taps_[tap].row, stride_, now.count};
  }

  void open(std::size_t step) override {
    if (step < steps_held_) return;
    const Step gone = this->step(step - steps_held_);  // whose place it takes
    for (std::size_t channel = 0; channel < shape_.channels; ++channel)
      std::fill_n(step_values(step) + channel * stride_ + radius_ + gone.row, gone.count, 0.0f);
  }

  void put(std::size_t step, std::size_t channel, const float* values) override {
    const Step now = this->step(step);
    std::copy_n(values, now.count, step_values(step) + channel * stride_ + radius_ + now.row);
  }

 private:
  /// With this many steps a block, most taps are early and few steps wait for the ones that are not.
  static std::size_t steps_in_block(std::size_t radius) { return radius + 2; }
  /// How many steps before a position the one lies that the tap reads.
  std::size_t lag(std::size_t tap) const {
    return static_cast<std::size_t>(-taps_[tap].column - static_cast<std::ptrdiff_t>(slant_) * taps_[tap].row);
  }
  /// A step's values laid out (channel, row), with `radius` zeros before the first row, zero where it has no position.
  const float* step_values(std::size_t step) const {
    return values_.data() + step % steps_held_ * shape_.channels * stride_;
  }
  float* step_values(std::size_t step) { return values_.data() + step % steps_held_ * shape_.channels * stride_; }

  LatentShape shape_;
  std::size_t radius_;
  std::size_t slant_;
  std::vector<Tap> taps_;
  std::size_t stride_;
  std::size_t steps_held_;
  AlignedFloats values_;
};

}  // namespace

std::unique_ptr<Order> raster_order(const LatentShape& shape, const Network& network) {
  return std::make_unique<RasterOrder>(shape, network);
}

std::unique_ptr<Order> wavefront_order(const LatentShape& shape, const Network& network) {
  return std::make_unique<WavefrontOrder>(shape, network);
}

}  // namespace latentpress::autoregressive
