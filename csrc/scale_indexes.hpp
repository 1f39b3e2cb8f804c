// From the scale of an element, or from a number that stands for it, to the index of its table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace latentpress {

// Counts, for a scale, the entries of an increasing table that are strictly below it, the last entry left out: that is
// the table with the nearest larger scale.
//
// The bits of a positive float increase with its value, so their upper part picks a cell, and a cell knows the count at
// its start and the entries within it.
class ScaleIndexer {
 public:
  // `table`: `size` positive, finite, increasing scales. Scales below `bound` count as `bound`.
  // Throws ConfigurationError for any other table or bound.
  ScaleIndexer(const float* table, size_t size, float bound);

  // indexes[i] for scales[i]. NaN counts as the bound.
  void index(const float* scales, int32_t* indexes, size_t count) const;

 private:
  struct Cell {
    int32_t below;       // entries below the cell
    float first_inside;  // the first entry inside it, or infinity
  };
  bool lay_out_cells(uint32_t shift);

  std::vector<float> entries_;  // without the last
  float bound_;
  std::vector<Cell> cells_;     // empty if the table is too dense for them: then a binary search counts
  uint32_t shift_ = 0;
  uint32_t first_cell_ = 0;
};

// Counts, for a value, the thresholds that are strictly below it: for scales that are never computed, because the numbers
// that they would be functions of can be compared as well.
//
// The range of the thresholds is cut into cells of equal width; a cell knows the count at its start and the threshold
// within it.
class ThresholdIndexer {
 public:
  // `thresholds`: increasing, the first ones perhaps minus infinity. Throws ConfigurationError for any others.
  ThresholdIndexer(const float* thresholds, size_t size);

  // indexes[i] for values[i]. NaN is above nothing.
  void index(const float* values, int32_t* indexes, size_t count) const;

 private:
  struct Cell {
    int32_t below;
    float inside;  // or infinity
  };
  size_t cell_of(float value) const;
  bool lay_out_cells(size_t count);

  std::vector<float> thresholds_;  // the finite ones
  int32_t infinite_;               // how many are minus infinity
  std::vector<Cell> cells_;        // empty if the thresholds are too close: then a binary search counts
  float first_ = 0.0f, cells_per_unit_ = 0.0f, last_cell_ = 0.0f;
};

}  // namespace latentpress
