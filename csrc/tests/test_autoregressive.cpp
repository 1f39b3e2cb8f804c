// The autoregressive engine: its kernels and results against the definition, the same on every kernel, order, number of
// threads and floating-point mode; and what strangers' streams, failing readers and numbers that are none do to it.
#include "autoregressive.hpp"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "array_coder.hpp"
#include "check.hpp"
#include "errors.hpp"
#include "table_samples.hpp"

using namespace latentpress;
using namespace latentpress::autoregressive;

namespace {

using Floats = std::vector<float>;

Floats normal(std::mt19937& random, size_t size, float scale) {
  std::normal_distribution<float> values(0, scale);
  Floats result(size);
  for (float& value : result) value = values(random);
  return result;
}

/// Random networks, with layers of odd widths so that panels and blocks are partly filled.
struct Model {
  struct Matrix {
    size_t outputs, inputs;
    Floats weight, bias;
    float slope;
  };
  size_t channels, radius;
  Floats context_weight, context_bias;
  std::vector<Matrix> layers;

  Model(size_t channels, size_t radius, std::vector<size_t> hidden, float slope) : channels(channels), radius(radius) {
    std::mt19937 random(static_cast<uint32_t>(channels * 10 + radius));
    const size_t size = 2 * radius + 1;
    context_weight = normal(random, 2 * channels * channels * size * size, 0.2f);
    context_bias = normal(random, 2 * channels, 0.2f);
    hidden.push_back(2 * channels);
    size_t inputs = 4 * channels;
    for (const size_t outputs : hidden) {
      const float scale = 1.5f / std::sqrt(static_cast<float>(inputs));
      layers.push_back(
          {outputs, inputs, normal(random, outputs * inputs, scale), normal(random, outputs, 0.2f), slope});
      inputs = outputs;
    }
    layers.back().slope = 1.0f;
  }

  Network network() const {
    std::vector<LayerWeights> stack;
    for (const Matrix& layer : layers)
      stack.push_back({layer.weight.data(), layer.bias.data(), layer.outputs, layer.inputs, layer.slope});
    return {{context_weight.data(), context_bias.data(), channels, 2 * radius + 1}, stack};
  }
};

const Floats kScales{0.2f, 0.4f, 0.8f, 1.6f, 3.2f};
constexpr float kBound = 0.2f;

Engine engine_of(const Model& model, const Kernel& kernel) {
  return {model.network(), ScaleIndexer(kScales.data(), kScales.size(), kBound), kernel};
}

struct Latent {
  LatentShape shape;
  Floats values, parameters;

  explicit Latent(const LatentShape& shape) : shape(shape) {
    std::mt19937 random(static_cast<uint32_t>(shape.height * 100 + shape.width));
    values = normal(random, shape.channels * shape.positions(), 3);
    parameters = normal(random, 2 * shape.channels * shape.positions(), 1);
  }
};

/// A reader that checks that each symbol is asked for with the table that it was coded with.
SymbolReader replay(const CodedSymbols& coded, size_t& next) {
  return [&coded, &next](const int32_t* indexes, size_t count, int32_t* symbols) {
    for (size_t i = 0; i < count; ++i, ++next) {
      CHECK(next < coded.symbols.size() && indexes[i] == coded.indexes[next]);
      symbols[i] = coded.symbols[next];
    }
  };
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Scales and means at one position, straight from the definition, in double precision.
std::vector<double> gaussians_by_the_book(const Model& model, const Latent& latent, const Floats& quantised, size_t row,
                                          size_t column) {
  const auto [channels, height, width] = latent.shape;
  const size_t size = 2 * model.radius + 1;
  std::vector<double> inputs;
  for (size_t k = 0; k < 2 * channels; ++k) inputs.push_back(latent.parameters[(k * height + row) * width + column]);
  for (size_t output = 0; output < 2 * channels; ++output) {
    double sum = model.context_bias[output];
    for (size_t k = 0; k < channels; ++k)
      for (size_t cell = 0; cell < size * size / 2; ++cell) {
        const size_t y = row + cell / size, x = column + cell % size;  // shifted by the radius
        if (y < model.radius || x < model.radius || x - model.radius >= width) continue;
        sum += double{model.context_weight[(output * channels + k) * size * size + cell]} *
               quantised[(k * height + y - model.radius) * width + x - model.radius];
      }
    inputs.push_back(sum);
  }
  for (const Model::Matrix& layer : model.layers) {
    std::vector<double> outputs;
    for (size_t output = 0; output < layer.outputs; ++output) {
      double sum = layer.bias[output];
      for (size_t k = 0; k < layer.inputs; ++k) sum += double{layer.weight[output * layer.inputs + k]} * inputs[k];
      outputs.push_back(sum > 0 ? sum : sum * layer.slope);
    }
    inputs = outputs;
  }
  return inputs;
}

void agrees_with_definition(const Model& model, const Latent& latent, const Floats& quantised) {
  const auto [channels, height, width] = latent.shape;
  for (size_t row = 0; row < height; ++row)
    for (size_t column = 0; column < width; ++column) {
      const std::vector<double> gaussians = gaussians_by_the_book(model, latent, quantised, row, column);
      for (size_t channel = 0; channel < channels; ++channel) {
        const size_t place = (channel * height + row) * width + column;
        const double mean = gaussians[channels + channel];
        const double residual = quantised[place] - mean;
        CHECK(std::fabs(residual - std::round(residual)) < 1e-3);
        CHECK(std::fabs(latent.values[place] - quantised[place]) < 0.5 + 1e-3);
      }
    }
}

struct Way {
  const Kernel* kernel;
  size_t threads;
};

/// Every kernel, and the fastest with several numbers of threads.
std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const Kernel* kernel : supported_kernels()) ways.push_back({kernel, 1});
  for (const size_t threads : {2, 3}) ways.push_back({supported_kernels().front(), threads});
  return ways;
}

/// Kernel, threads and, but for the order of symbols, the order of the stream must not matter.
void all_ways_agree(const Model& model, const Latent& latent) {
  Floats first;
  for (const StreamOrder order : {StreamOrder::kRaster, StreamOrder::kWavefront}) {
    CodedSymbols first_coded;
    for (const auto& [kernel, threads] : all_ways()) {
      const Engine engine = engine_of(model, *kernel);
      Floats quantised(latent.values.size()), decoded(latent.values.size());
      const CodedSymbols coded =
          engine.encode(latent.values.data(), latent.parameters.data(), latent.shape, order, threads, quantised.data());
      size_t next = 0;
      engine.decode(replay(coded, next), latent.parameters.data(), latent.shape, order, threads, decoded.data());
      CHECK(next == coded.symbols.size());
      CHECK(same_bits(decoded, quantised));
      if (first.empty()) first = quantised;
      if (first_coded.symbols.empty()) first_coded = coded;
      CHECK(same_bits(quantised, first));
      CHECK(coded.symbols == first_coded.symbols && coded.indexes == first_coded.indexes);
    }
  }
  agrees_with_definition(model, latent, first);
}

void results_follow_the_definition_however_they_are_computed() {
  for (const LatentShape& shape : {LatentShape{5, 1, 1}, {5, 1, 9}, {5, 8, 1}, {5, 3, 7}, {5, 9, 4}})
    all_ways_agree(Model(5, 2, {17, 3}, 0.01f), Latent(shape));
  all_ways_agree(Model(3, 1, {8}, 0.0f), Latent({3, 4, 5}));
  all_ways_agree(Model(2, 3, {}, 1.0f), Latent({2, 6, 7}));
  all_ways_agree(Model(33, 2, {70}, 0.2f), Latent({33, 5, 20}));
}

/// What a kernel promises to add to each total, to the bit.
Floats sums_by_the_book(const WeightBlock& block, const Inputs& inputs) {
  const size_t width = block.panels * kPanel;
  Floats sums(inputs.positions * width);
  for (size_t i = 0; i < inputs.positions; ++i)
    for (size_t output = 0; output < width; ++output)
      for (size_t k = 0; k < block.depth; ++k) {
        const float weight = block.weights[(output / kPanel * block.depth + k) * kPanel + output % kPanel];
        sums[i * width + output] = std::fma(weight, inputs.values[k * inputs.stride + i], sums[i * width + output]);
      }
  return sums;
}

void kernels_sum_in_the_promised_order() {
  std::mt19937 random(3);
  for (const size_t depth : {1, 9, 64})
    for (const size_t panels : {1, 2, 5, 9})
      for (const size_t positions : {1, 2, 3, 6, 7, 13, 15, 31}) {
        const size_t width = panels * kPanel, stride = positions + 2;
        const Floats weights = normal(random, depth * width, 1), values = normal(random, depth * stride, 1);
        const Floats before = normal(random, positions * width, 1);
        const WeightBlock block{weights.data(), panels, depth};
        const Inputs inputs{values.data(), stride, positions};
        const Floats sums = sums_by_the_book(block, inputs);
        for (const Kernel* kernel : supported_kernels()) {
          Floats totals = before;
          kernel->accumulate(block, inputs, {totals.data(), width});
          for (size_t i = 0; i < totals.size(); ++i) CHECK(totals[i] == before[i] + sums[i]);
        }
      }
}

void floating_point_mode_of_the_caller_does_not_matter() {
  const Model model(5, 2, {17}, 0.01f);
  const Latent latent({5, 4, 6});
  const Engine engine = engine_of(model, *supported_kernels().front());
  Floats expected(latent.values.size()), found(latent.values.size());
  for (const size_t threads : {1, 3}) {
    const auto encode = [&](Floats& quantised) {
      engine.encode(latent.values.data(), latent.parameters.data(), latent.shape, StreamOrder::kWavefront, threads,
                    quantised.data());
    };
    encode(expected);
    std::fesetround(FE_UPWARD);
    encode(found);
    CHECK(std::fegetround() == FE_UPWARD);
    std::fesetround(FE_TONEAREST);
    CHECK(same_bits(found, expected));
  }
}

void a_failing_reader_ends_decoding_on_all_threads() {
  const Model model(5, 2, {17}, 0.01f);
  const Latent latent({5, 6, 6});
  const Engine engine = engine_of(model, *supported_kernels().front());
  Floats quantised(latent.values.size());
  for (const size_t threads : {1, 2, 4})
    for (const size_t good_steps : {0, 1, 7}) {
      size_t steps = 0;
      const SymbolReader reader = [&](const int32_t*, size_t count, int32_t* symbols) {
        if (steps++ == good_steps) throw BitstreamError("truncated");
        std::fill_n(symbols, count, 1);
      };
      CHECK_THROWS(BitstreamError, (engine.decode(reader, latent.parameters.data(), latent.shape,
                                                  StreamOrder::kWavefront, threads, quantised.data()),
                                    0));
      CHECK(steps == good_steps + 1);
    }
}

void values_that_cannot_be_coded_are_refused() {
  const Model model(5, 2, {17}, 0.01f);
  const Engine engine = engine_of(model, *supported_kernels().front());
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e9f})
    for (const bool in_parameters : {false, true})
      for (const size_t threads : {1, 2}) {
        Latent latent({5, 3, 4});
        (in_parameters ? latent.parameters : latent.values)[7] = bad;
        if (in_parameters && std::isfinite(bad)) latent.parameters[7] = std::numeric_limits<float>::max();
        Floats quantised(latent.values.size());
        CHECK_THROWS(ConfigurationError, engine.encode(latent.values.data(), latent.parameters.data(), latent.shape,
                                                       StreamOrder::kRaster, threads, quantised.data()));
      }
}

void any_symbols_at_all_decode_to_something() {
  const Model model(5, 2, {17}, 0.01f);
  Latent latent({5, 6, 9});
  latent.parameters[3] = std::numeric_limits<float>::quiet_NaN();
  Floats quantised(latent.values.size());
  std::mt19937 random(5);
  size_t read = 0;
  const SymbolReader reader = [&](const int32_t* indexes, size_t count, int32_t* symbols) {
    for (size_t i = 0; i < count; ++i, ++read) {
      CHECK(indexes[i] >= 0 && static_cast<size_t>(indexes[i]) < kScales.size());
      symbols[i] = static_cast<int32_t>(random());
    }
  };
  for (const Kernel* kernel : supported_kernels())
    engine_of(model, *kernel)
        .decode(reader, latent.parameters.data(), latent.shape, StreamOrder::kWavefront, 2, quantised.data());
  CHECK(read == supported_kernels().size() * latent.values.size());
}

void strangers_strings_are_read_within_their_bounds() {
  const Model model(5, 2, {17}, 0.01f);
  const Latent latent({5, 6, 9});
  const Engine engine = engine_of(model, *supported_kernels().front());
  const TableSamples samples;
  const CodingTables tables = samples.tables();
  Floats quantised(latent.values.size());
  std::mt19937 random(6);
  size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> string(8 + random() % 400);
    for (uint8_t& byte : string) byte = static_cast<uint8_t>(random());
    try {
      RansDecoder decoder(string.data(), string.size());
      const SymbolReader reader = [&](const int32_t* indexes, size_t count, int32_t* symbols) {
        decoder = decode_array(decoder, tables, IndexArray<int32_t>{indexes}, IntegerOutput{symbols}, count);
      };
      engine.decode(reader, latent.parameters.data(), latent.shape, StreamOrder::kWavefront, 2, quantised.data());
    } catch (const BitstreamError&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
}

void networks_that_do_not_fit_together_are_refused() {
  Model model(5, 2, {17, 3}, 0.01f);
  model.layers[1].inputs = 16;
  CHECK_THROWS(ConfigurationError, model.network());
  model = Model(5, 2, {17}, 0.01f);
  model.layers.pop_back();
  CHECK_THROWS(ConfigurationError, model.network());
  model.layers.clear();
  CHECK_THROWS(ConfigurationError, model.network());
  CHECK_THROWS(ConfigurationError, choose_kernel("abacus"));
}

}  // namespace

int main() {
  kernels_sum_in_the_promised_order();
  results_follow_the_definition_however_they_are_computed();
  floating_point_mode_of_the_caller_does_not_matter();
  a_failing_reader_ends_decoding_on_all_threads();
  values_that_cannot_be_coded_are_refused();
  any_symbols_at_all_decode_to_something();
  strangers_strings_are_read_within_their_bounds();
  networks_that_do_not_fit_together_are_refused();
}
