#include "autoregressive.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <memory>
#include <string>

#include "autoregressive_team.hpp"
#include "errors.hpp"

namespace latentpress::autoregressive {

namespace {

/// Scales and means of a step's positions, and where the step lies in the stream.
struct Gaussians {
  std::size_t step;
  Step positions;
  std::size_t rank;  // positions coded before
  Totals values;     // per position: scales, then means
};

/// What becomes of the Gaussians: symbols (encoder) or values (decoder).
class Coding {
 public:
  Coding(const ScaleIndexer& scales, const LatentShape& shape, Order& order, float* quantised)
      : scales_(scales), shape_(shape), order_(order), quantised_(quantised) {}
  virtual ~Coding() = default;

  /// Called by each member with the run of outputs (scales, then means) that it computed.
  virtual void finish_share(const Gaussians& gaussians, Member::Range outputs) = 0;
  /// Whether one member must call `finish_step`, once all shares of a step are finished, while the others wait.
  virtual bool has_serial_part() const = 0;
  virtual void finish_step(const Gaussians& gaussians) = 0;
  /// Whether coding cannot go on; asked between steps.
  virtual bool failed() const = 0;

 protected:
  void index_scales(const Gaussians& gaussians, Member::Range outputs, std::int32_t* indexes) const {
    const std::size_t end = std::min(outputs.first + outputs.count, shape_.channels);
    if (outputs.first >= end) return;
    for (std::size_t i = 0; i < gaussians.positions.count; ++i)
      scales_.index(gaussians.values.values + i * gaussians.values.stride + outputs.first,
                    indexes + i * shape_.channels + outputs.first, end - outputs.first);
  }
  float mean(const Gaussians& gaussians, std::size_t i, std::size_t channel) const {
    return gaussians.values.values[i * gaussians.values.stride + shape_.channels + channel];
  }
  std::size_t place(const Gaussians& gaussians, std::size_t i, std::size_t channel) const {
    return channel * shape_.positions() + gaussians.positions.position(i, shape_.width);
  }
  /// Hands on the quantised values of a channel at the step's positions.
  void record(const Gaussians& gaussians, std::size_t channel, const float* values) {
    order_.put(gaussians.step, channel, values);
    for (std::size_t i = 0; i < gaussians.positions.count; ++i) quantised_[place(gaussians, i, channel)] = values[i];
  }

  const ScaleIndexer& scales_;
  const LatentShape shape_;

 private:
  Order& order_;
  float* quantised_;
};

class Encoding final : public Coding {
 public:
  Encoding(const ScaleIndexer& scales, const LatentShape& shape, Order& order, float* quantised, const float* latent)
      : Coding(scales, shape, order, quantised), latent_(latent) {
    coded_.symbols.resize(shape.channels * shape.positions());
    coded_.indexes.resize(shape.channels * shape.positions());
  }

  void finish_share(const Gaussians& gaussians, Member::Range outputs) override {
    index_scales(gaussians, outputs, coded_.indexes.data() + gaussians.rank * shape_.channels);
    std::vector<float> values(gaussians.positions.count);
    const std::size_t end = outputs.first + outputs.count;
    for (std::size_t output = std::max(outputs.first, shape_.channels); output < end; ++output) {
      const std::size_t channel = output - shape_.channels;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = quantise(gaussians, i, channel);
      record(gaussians, channel, values.data());
    }
  }
  bool has_serial_part() const override { return false; }
  void finish_step(const Gaussians&) override {}
  bool failed() const override { return failed_.load(std::memory_order_relaxed); }

  CodedSymbols take() {
    if (failed_)
      throw ConfigurationError("A latent holds a value that is not a number or beyond 30 bits: it cannot be coded.");
    return std::move(coded_);
  }

 private:
  float quantise(const Gaussians& gaussians, std::size_t i, std::size_t channel) {
    const float centre = mean(gaussians, i, channel);
    const float rounded = std::nearbyint(latent_[place(gaussians, i, channel)] - centre);
    const bool codable = std::fabs(rounded) <= 1073741824.0f;
    if (!codable) failed_.store(true, std::memory_order_relaxed);
    coded_.symbols[(gaussians.rank + i) * shape_.channels + channel] = codable ? static_cast<std::int32_t>(rounded) : 0;
    return rounded + centre;
  }

  const float* latent_;
  CodedSymbols coded_;
  std::atomic<bool> failed_{false};
};

class Decoding final : public Coding {
 public:
  Decoding(const ScaleIndexer& scales, const LatentShape& shape, Order& order, float* quantised,
           const SymbolReader& reader)
      : Coding(scales, shape, order, quantised),
        reader_(reader),
        indexes_(order.most_in_step() * shape.channels),
        symbols_(order.most_in_step() * shape.channels) {}

  void finish_share(const Gaussians& gaussians, Member::Range outputs) override {
    index_scales(gaussians, outputs, indexes_.data());
  }
  bool has_serial_part() const override { return true; }
  void finish_step(const Gaussians& gaussians) override {
    try {
      reader_(indexes_.data(), gaussians.positions.count * shape_.channels, symbols_.data());
    } catch (...) {
      error_ = std::current_exception();
      return;
    }
    std::vector<float> values(gaussians.positions.count);
    for (std::size_t channel = 0; channel < shape_.channels; ++channel) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = dequantise(gaussians, i, channel);
      record(gaussians, channel, values.data());
    }
  }
  bool failed() const override { return error_ != nullptr; }

  void finish() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  float dequantise(const Gaussians& gaussians, std::size_t i, std::size_t channel) const {
    const auto rounded = static_cast<float>(symbols_[i * shape_.channels + channel]);
    return rounded + mean(gaussians, i, channel);
  }

  const SymbolReader& reader_;
  std::vector<std::int32_t> indexes_;
  std::vector<std::int32_t> symbols_;
  std::exception_ptr error_;
};

/// Computes the Gaussians of one latent step by step. Each output is computed by one member, and its inputs are
/// complete when it starts; barriers stand between the layers.
class Prediction {
 public:
  Prediction(const Network& network, const Kernel& kernel, const float* parameters, const LatentShape& shape,
             Order& order)
      : network_(network),
        kernel_(kernel),
        parameters_(parameters),
        shape_(shape),
        order_(order),
        first_layer_base_(shape.positions() * network.layers().front().matrix.width()),
        context_totals_(order.most_in_block() * network.context().width()),
        context_(order.most_in_step() * network.context().outputs()) {
    for (const Network::Layer& layer : network.layers()) {
      totals_.emplace_back(order.most_in_step() * layer.matrix.width());
      activations_.emplace_back(order.most_in_step() * layer.matrix.outputs());
    }
  }

  void run(const Member& member, Coding& coding) {
    add_hyper_parameters(member);
    std::size_t rank = 0;
    for (std::size_t first = 0; first < order_.steps(); first += order_.steps_in_block()) {
      add_early_taps(member, first);
      const std::size_t end = std::min(first + order_.steps_in_block(), order_.steps());
      for (std::size_t step = first, done = 0; step < end; ++step) {
        const Step positions = order_.step(step);
        if (member.index == 0) order_.open(step);
        if (positions.count == 0) {  // later steps read its zeros
          member.wait();
          continue;
        }
        add_late_taps(member, step, positions, done);
        predict(member, {step, positions, rank, {totals_.back().data(), network_.layers().back().matrix.width()}},
                coding);
        if (coding.failed()) return;
        done += positions.count;
        rank += positions.count;
      }
    }
  }

 private:
  static constexpr std::size_t kPositionsAtOnce = 96;

  /// This member's outputs of a matrix, in panels.
  static Member::Range panels_of(const Member& member, const PackedMatrix& matrix) {
    return member.share(matrix.panels());
  }
  static Member::Range outputs_of(const Member& member, const PackedMatrix& matrix) {
    const Member::Range panels = panels_of(member, matrix);
    const std::size_t first = panels.first * kPanel;
    return {first,
            std::min((panels.first + panels.count) * kPanel, matrix.outputs()) - std::min(first, matrix.outputs())};
  }

  void accumulate(const Member& member, const PackedMatrix& matrix, const PackedMatrix::Block& block,
                  const Inputs& inputs, float* totals) const {
    const Member::Range panels = panels_of(member, matrix);
    if (panels.count == 0) return;
    kernel_.accumulate(matrix.weights(block, panels.first, panels.count), inputs,
                       {totals + panels.first * kPanel, matrix.width()});
  }

  /// All blocks of a part of the inputs; `inputs` points to its first input.
  void accumulate_part(const Member& member, const PackedMatrix& matrix, std::size_t part, const Inputs& inputs,
                       float* totals) const {
    for (const PackedMatrix::Block& block : matrix.part(part)) {
      const float* values = inputs.values + block.first_input * inputs.stride;
      accumulate(member, matrix, block, {values, inputs.stride, inputs.positions}, totals);
    }
  }

  void set_to_bias(const Member& member, const PackedMatrix& matrix, std::size_t positions, float* totals) const {
    const Member::Range panels = panels_of(member, matrix);
    for (std::size_t i = 0; i < positions; ++i)
      std::copy_n(matrix.bias() + panels.first * kPanel, panels.count * kPanel,
                  totals + i * matrix.width() + panels.first * kPanel);
  }

  /// The part of the first layer that does not wait for any symbol: bias and hyper-decoder output, for the whole
  /// latent.
  void add_hyper_parameters(const Member& member) {
    const PackedMatrix& matrix = network_.layers().front().matrix;
    set_to_bias(member, matrix, shape_.positions(), first_layer_base_.data());
    AlignedFloats packed(kDepth * kPositionsAtOnce);
    for (std::size_t first = 0; first < shape_.positions(); first += kPositionsAtOnce) {
      const std::size_t positions = std::min(kPositionsAtOnce, shape_.positions() - first);
      for (const PackedMatrix::Block& block : matrix.part(0)) {
        for (std::size_t k = 0; k < block.depth; ++k)
          std::copy_n(parameters_ + (block.first_input + k) * shape_.positions() + first, positions,
                      packed.data() + k * kPositionsAtOnce);
        accumulate(member, matrix, block, {packed.data(), kPositionsAtOnce, positions},
                   first_layer_base_.data() + first * matrix.width());
      }
    }
  }

  void add_early_taps(const Member& member, std::size_t first_step) {
    const PackedMatrix& matrix = network_.context();
    set_to_bias(member, matrix, order_.most_in_block(), context_totals_.data());
    std::vector<EarlyInputs> sources;
    for (std::size_t tap = 0; tap < order_.early_taps(); ++tap) {
      sources.clear();
      order_.append_early(first_step, tap, sources);
      for (const PackedMatrix::Block& block : matrix.part(tap))
        for (const EarlyInputs& source : sources) {
          Inputs inputs = source.inputs;
          inputs.values += block.first_input * inputs.stride;
          accumulate(member, matrix, block, inputs, context_totals_.data() + source.first * matrix.width());
        }
    }
  }

  /// The rest of the context; `done` positions of the block came before.
  void add_late_taps(const Member& member, std::size_t step, const Step& positions, std::size_t done) {
    const PackedMatrix& matrix = network_.context();
    float* totals = context_totals_.data() + done * matrix.width();
    for (std::size_t tap = order_.early_taps(); tap < network_.taps().size(); ++tap)
      accumulate_part(member, matrix, tap, order_.inputs(step, tap), totals);
    activate(member, matrix, totals, positions.count, 1.0f, context_.data());
    member.wait();
  }

  /// Entropy parameters of a step, and what the coding makes of them.
  void predict(const Member& member, const Gaussians& gaussians, Coding& coding) {
    const std::size_t count = gaussians.positions.count;
    const float* inputs = context_.data();
    for (std::size_t index = 0; index < network_.layers().size(); ++index) {
      const Network::Layer& layer = network_.layers()[index];
      float* totals = totals_[index].data();
      if (index == 0)
        copy_base(member, gaussians.positions, totals);
      else
        set_to_bias(member, layer.matrix, count, totals);
      accumulate_part(member, layer.matrix, index == 0 ? 1 : 0, {inputs, count, count}, totals);
      if (index + 1 < network_.layers().size()) {
        activate(member, layer.matrix, totals, count, layer.negative_slope, activations_[index].data());
        inputs = activations_[index].data();
      } else {
        activate_in_place(member, layer.matrix, totals, count, layer.negative_slope);
        coding.finish_share(gaussians, outputs_of(member, layer.matrix));
      }
      member.wait();
    }
    if (!coding.has_serial_part()) return;
    if (member.index == 0) coding.finish_step(gaussians);
    member.wait();
  }

  void copy_base(const Member& member, const Step& positions, float* totals) const {
    const PackedMatrix& matrix = network_.layers().front().matrix;
    const Member::Range panels = panels_of(member, matrix);
    for (std::size_t i = 0; i < positions.count; ++i)
      std::copy_n(
          first_layer_base_.data() + positions.position(i, shape_.width) * matrix.width() + panels.first * kPanel,
          panels.count * kPanel, totals + i * matrix.width() + panels.first * kPanel);
  }

  /// LeakyReLU without a branch, so that loops over it compile to vector instructions.
  static float rectified(float total, float negative_slope) {
    return std::max(total, 0.0f) + negative_slope * std::min(total, 0.0f);
  }

  /// Applies the activation and turns (position, output) into (output, position), which the next layer reads.
  static void activate(const Member& member, const PackedMatrix& matrix, const float* totals, std::size_t positions,
                       float negative_slope, float* activations) {
    const Member::Range panels = panels_of(member, matrix);
    for (std::size_t first = panels.first * kPanel; first < (panels.first + panels.count) * kPanel; first += kPanel) {
      const std::size_t outputs = std::min(kPanel, matrix.outputs() - first);
      for (std::size_t i = 0; i < positions; ++i) {
        float active[kPanel];
        for (std::size_t lane = 0; lane < kPanel; ++lane)
          active[lane] = rectified(totals[i * matrix.width() + first + lane], negative_slope);
        for (std::size_t lane = 0; lane < outputs; ++lane) activations[(first + lane) * positions + i] = active[lane];
      }
    }
  }
  static void activate_in_place(const Member& member, const PackedMatrix& matrix, float* totals, std::size_t positions,
                                float negative_slope) {
    if (negative_slope == 1.0f) return;
    const Member::Range outputs = outputs_of(member, matrix);
    for (std::size_t i = 0; i < positions; ++i)
      for (std::size_t output = outputs.first; output < outputs.first + outputs.count; ++output)
        totals[i * matrix.width() + output] = rectified(totals[i * matrix.width() + output], negative_slope);
  }

  const Network& network_;
  const Kernel& kernel_;
  const float* parameters_;
  const LatentShape shape_;
  Order& order_;
  AlignedFloats first_layer_base_;
  AlignedFloats context_totals_;
  AlignedFloats context_;
  std::vector<AlignedFloats> totals_;
  std::vector<AlignedFloats> activations_;
};

std::unique_ptr<Order> make_order(StreamOrder order, const LatentShape& shape, const Network& network) {
  return order == StreamOrder::kRaster ? raster_order(shape, network) : wavefront_order(shape, network);
}

}  // namespace

CodedSymbols Engine::encode(const float* latent, const float* parameters, const LatentShape& shape, StreamOrder order,
                            std::size_t threads, float* quantised) const {
  if (shape.positions() == 0) return {};
  const auto visited = make_order(order, shape, network_);
  Encoding coding(scales_, shape, *visited, quantised, latent);
  Prediction prediction(network_, kernel_, parameters, shape, *visited);
  run_team(threads, [&](const Member& member) { prediction.run(member, coding); });
  return coding.take();
}

void Engine::decode(const SymbolReader& reader, const float* parameters, const LatentShape& shape, StreamOrder order,
                    std::size_t threads, float* quantised) const {
  if (shape.positions() == 0) return;
  const auto visited = make_order(order, shape, network_);
  Decoding coding(scales_, shape, *visited, quantised, reader);
  Prediction prediction(network_, kernel_, parameters, shape, *visited);
  run_team(threads, [&](const Member& member) { prediction.run(member, coding); });
  coding.finish();
}

}  // namespace latentpress::autoregressive
