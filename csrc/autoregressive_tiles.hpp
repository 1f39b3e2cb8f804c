// Register-blocked tiles over a vector type; included by one source file per instruction set, inside its anonymous
// namespace, after it has defined:
//   Vector, kVectorWidth, load, store, broadcast, multiply_add, add,
//   kAccumulators (registers to sum in) and kMostPositions (in one tile).

constexpr std::size_t kVectors = kPanel / kVectorWidth;
constexpr std::size_t kMostPanels = 8;

constexpr std::size_t panels_beside(std::size_t positions) {
  const std::size_t fit = kAccumulators / (positions * kVectors);
  return fit < 1 ? 1 : fit > kMostPanels ? kMostPanels : fit;
}

using Tile = void (*)(const float* weights, std::size_t depth, const float* inputs, std::size_t input_stride,
                      float* totals, std::size_t totals_stride);

template <std::size_t Panels, std::size_t Positions>
void tile(const float* weights, std::size_t depth, const float* inputs, std::size_t input_stride, float* totals,
          std::size_t totals_stride) {
  constexpr std::size_t kRows = Panels * kVectors;
  Vector sums[kRows][Positions];
#pragma GCC unroll 16
  for (std::size_t row = 0; row < kRows; ++row)
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Positions; ++i) sums[row][i] = broadcast(0.0f);

  for (std::size_t k = 0; k < depth; ++k, weights += kPanel, inputs += input_stride) {
    Vector column[kRows];
#pragma GCC unroll 16
    for (std::size_t row = 0; row < kRows; ++row)
      column[row] = load(weights + (row / kVectors) * depth * kPanel + (row % kVectors) * kVectorWidth);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Positions; ++i) {
      const Vector input = broadcast(inputs[i]);
#pragma GCC unroll 16
      for (std::size_t row = 0; row < kRows; ++row) sums[row][i] = multiply_add(column[row], input, sums[row][i]);
    }
  }

#pragma GCC unroll 16
  for (std::size_t i = 0; i < Positions; ++i)
#pragma GCC unroll 16
    for (std::size_t row = 0; row < kRows; ++row) {
      float* total = totals + i * totals_stride + row * kVectorWidth;
      store(total, add(load(total), sums[row][i]));
    }
}

struct TileTable {
  Tile tiles[kMostPanels + 1][kMostPositions + 1] = {};
};

template <std::size_t Panels, std::size_t Positions>
constexpr void fill_tiles(TileTable& table) {
  table.tiles[Panels][Positions] = tile<Panels, Positions>;
  if constexpr (Panels < panels_beside(Positions)) {
    fill_tiles<Panels + 1, Positions>(table);
  } else if constexpr (Positions < kMostPositions) {
    fill_tiles<1, Positions + 1>(table);
  }
}

constexpr TileTable make_tiles() {
  TileTable table;
  fill_tiles<1, 1>(table);
  return table;
}

constexpr TileTable kTiles = make_tiles();

/// Size of the next group when `left` things are split into nearly equal groups of at most `most`.
constexpr std::size_t next_group(std::size_t left, std::size_t most) {
  const std::size_t groups = (left + most - 1) / most;
  return (left + groups - 1) / groups;
}

void accumulate(const WeightBlock& block, const Inputs& inputs, const Totals& totals) {
  if (inputs.positions == 0) return;
  const std::size_t most_panels = panels_beside(next_group(inputs.positions, kMostPositions));
  for (std::size_t panel = 0, panels; panel < block.panels; panel += panels) {
    panels = next_group(block.panels - panel, most_panels);
    const float* weights = block.weights + panel * block.depth * kPanel;
    for (std::size_t i = 0, positions; i < inputs.positions; i += positions) {
      positions = next_group(inputs.positions - i, kMostPositions);
      kTiles.tiles[panels][positions](weights, block.depth, inputs.values + i, inputs.stride,
                                      totals.values + i * totals.stride + panel * kPanel, totals.stride);
    }
  }
}
