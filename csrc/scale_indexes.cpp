#include "scale_indexes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "errors.hpp"

namespace latentpress {
namespace {

constexpr uint32_t kMantissaBits = 23;
constexpr uint32_t kCoarsest = 3;  // cells an eighth of an octave wide
constexpr uint32_t kFinest = 9;
constexpr size_t kMostCells = 1 << 14;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

ScaleIndexer::ScaleIndexer(const float* table, size_t size, float bound)
    : entries_(table, table + size), bound_(bound) {
  bool valid = size > 0 && bound > 0 && std::isfinite(bound) && table[0] > 0 && std::isfinite(table[size - 1]);
  for (size_t i = 1; valid && i < size; ++i) valid = table[i - 1] < table[i];
  if (!valid)
    throw ConfigurationError(
        "A scale table and its bound must be positive, finite and increasing: set it with update_scale_table().");
  entries_.pop_back();
  for (uint32_t bits = kCoarsest; bits <= kFinest; ++bits)
    if (lay_out_cells(kMantissaBits - bits)) return;
  cells_.clear();
}

// Cells from the bound to the last entry and one beyond; false if two entries share one.
bool ScaleIndexer::lay_out_cells(uint32_t shift) {
  shift_ = shift;
  first_cell_ = bits_of(bound_) >> shift;
  const float top = entries_.empty() ? bound_ : std::max(bound_, entries_.back());
  const size_t count = (bits_of(top) >> shift) - first_cell_ + 2;
  if (count > kMostCells) return false;
  cells_.assign(count, {0, kInfinity});
  for (const float entry : entries_) {
    const uint32_t key = bits_of(entry) >> shift;
    const size_t cell = key < first_cell_ ? 0 : key - first_cell_;
    // An entry below the first cell, or below the bound within it, is below every bounded scale.
    if (key >= first_cell_ && entry >= bound_) {
      if (std::isfinite(cells_[cell].first_inside)) return false;
      cells_[cell].first_inside = entry;
      for (size_t after = cell + 1; after < count; ++after) ++cells_[after].below;
    } else {
      for (Cell& any : cells_) ++any.below;
    }
  }
  return true;
}

void ScaleIndexer::index(const float* scales, int32_t* indexes, size_t count) const {
  if (cells_.empty()) {
    for (size_t i = 0; i < count; ++i) {
      const float scale = scales[i] > bound_ ? scales[i] : bound_;
      indexes[i] = static_cast<int32_t>(std::lower_bound(entries_.begin(), entries_.end(), scale) - entries_.begin());
    }
    return;
  }
  const auto last = static_cast<uint32_t>(cells_.size() - 1);
  for (size_t i = 0; i < count; ++i) {
    const float scale = scales[i] > bound_ ? scales[i] : bound_;
    const Cell& cell = cells_[std::min((bits_of(scale) >> shift_) - first_cell_, last)];
    indexes[i] = cell.below + (scale > cell.first_inside ? 1 : 0);
  }
}

ThresholdIndexer::ThresholdIndexer(const float* thresholds, size_t size) {
  const float* finite = std::find_if(thresholds, thresholds + size, [](float t) { return t != -kInfinity; });
  infinite_ = static_cast<int32_t>(finite - thresholds);
  thresholds_.assign(finite, thresholds + size);
  for (size_t i = 0; i < thresholds_.size(); ++i)
    if (!std::isfinite(thresholds_[i]) || (i > 0 && thresholds_[i] <= thresholds_[i - 1]))
      throw ConfigurationError("Thresholds must be increasing, and finite or minus infinity.");
  if (thresholds_.empty()) return;
  for (size_t count = 64; count <= kMostCells; count *= 2)
    if (lay_out_cells(count)) return;
  cells_.clear();
}

// Rises with the value, whatever is rounded: so what is in a lower cell is below, and what is in a higher one above.
size_t ThresholdIndexer::cell_of(float value) const {
  const float cell = (value - first_) * cells_per_unit_;
  return static_cast<size_t>(cell > 0 ? (cell < last_cell_ ? cell : last_cell_) : 0.0f);
}

bool ThresholdIndexer::lay_out_cells(size_t count) {
  first_ = thresholds_.front();
  const float span = thresholds_.back() - first_;
  last_cell_ = static_cast<float>(count - 1);
  cells_per_unit_ = span > 0 ? last_cell_ / span : 0.0f;
  if (!std::isfinite(cells_per_unit_)) return false;
  cells_.assign(count, {infinite_, kInfinity});
  for (const float threshold : thresholds_) {
    const size_t cell = cell_of(threshold);
    if (cells_[cell].inside != kInfinity) return false;
    cells_[cell].inside = threshold;
    for (size_t after = cell + 1; after < count; ++after) ++cells_[after].below;
  }
  return true;
}

void ThresholdIndexer::index(const float* values, int32_t* indexes, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    const float value = values[i];
    if (cells_.empty()) {
      const auto above = std::lower_bound(thresholds_.begin(), thresholds_.end(), value);
      indexes[i] = infinite_ + static_cast<int32_t>(above - thresholds_.begin());
    } else {
      const Cell& cell = cells_[cell_of(value)];
      indexes[i] = cell.below + (value > cell.inside ? 1 : 0);
    }
    if (!(value > -kInfinity)) indexes[i] = 0;
  }
}

}  // namespace latentpress
