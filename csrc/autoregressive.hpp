// Autoregressive coding of one latent: context prediction, entropy parameters, table index, quantisation about the
// mean.
//
// The engine says which table each symbol is coded with, and hands symbols over in coding order; it knows nothing of
// the entropy coder. Results depend neither on the number of threads nor on the kernel, and both orders give the same
// indexes and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "autoregressive_network.hpp"
#include "autoregressive_order.hpp"
#include "scale_indexes.hpp"

namespace latentpress::autoregressive {

enum class StreamOrder { kRaster, kWavefront };

/// What an entropy coder gets: symbols and their tables in coding order.
struct CodedSymbols {
  std::vector<std::int32_t> symbols;
  std::vector<std::int32_t> indexes;
};

/// Reads the next `count` symbols, coded with the tables `indexes`. May throw; the exception reaches the caller of
/// `decode`.
using SymbolReader = std::function<void(const std::int32_t* indexes, std::size_t count, std::int32_t* symbols)>;

class Engine {
 public:
  Engine(Network network, ScaleIndexer scales, const Kernel& kernel)
      : network_(std::move(network)), scales_(std::move(scales)), kernel_(kernel) {}

  const Network& network() const { return network_; }
  const Kernel& kernel() const { return kernel_; }

  /// Quantises `latent` (C, H, W) given the hyper-decoder's `parameters` (2C, H, W); writes `quantised` (C, H, W), the
  /// values that a decoder will get. Throws ConfigurationError for values that are not numbers or too large.
  CodedSymbols encode(const float* latent, const float* parameters, const LatentShape& shape, StreamOrder order,
                      std::size_t threads, float* quantised) const;

  /// Reads what `encode` wrote; writes `quantised` (C, H, W).
  void decode(const SymbolReader& reader, const float* parameters, const LatentShape& shape, StreamOrder order,
              std::size_t threads, float* quantised) const;

 private:
  Network network_;
  ScaleIndexer scales_;
  const Kernel& kernel_;
};

}  // namespace latentpress::autoregressive
