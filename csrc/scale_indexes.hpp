// From the scale of an element to the index of its table.
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

}  // namespace latentpress
