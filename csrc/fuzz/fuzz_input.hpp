// How the fuzz target reads its bytes: a few tables, indexes, and the rest is the string.
//
//   u8 tables; each table: u8 kind, u8 slots, i8 offset, then
//     kind even: a byte of probability for each slot;  kind odd: four bytes for each entry of the table, as they are
//   u8 count; `count` indexes of one byte; the string.
// Bytes past the end read as 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "coding_tables.hpp"
#include "quantized_cdf.hpp"

namespace latentpress::fuzz {

struct Input {
  std::vector<std::vector<int32_t>> rows;
  std::vector<int32_t> offsets;
  std::vector<int8_t> indexes;
  std::vector<uint8_t> string;

  Input(const uint8_t* data, size_t size) : next_(data), end_(data + size) {
    const uint32_t count = take() % 8;
    for (uint32_t i = 0; i < count; ++i) take_table();
    indexes.resize(take());
    for (int8_t& index : indexes) index = static_cast<int8_t>(take());
    string.assign(next_, end_);
  }

  CodingTables tables() const {
    size_t longest = 0;
    for (const auto& row : rows) longest = std::max(longest, row.size());
    std::vector<int32_t> cdfs, lengths;
    for (const auto& row : rows) {
      cdfs.insert(cdfs.end(), row.begin(), row.end());
      cdfs.resize(cdfs.size() + longest - row.size());
      lengths.push_back(static_cast<int32_t>(row.size()));
    }
    return CodingTables(cdfs.data(), rows.size(), longest, lengths.data(), offsets.data());
  }

 private:
  uint8_t take() { return next_ == end_ ? uint8_t{0} : *next_++; }

  void take_table() {
    const bool as_it_is = take() % 2 == 1;
    const uint32_t slots = take() + 1u;
    offsets.push_back(static_cast<int8_t>(take()));
    std::vector<float> probabilities(slots);
    std::vector<int32_t> row(slots);
    for (uint32_t i = 0; i < slots; ++i) {
      if (!as_it_is) {
        probabilities[i] = take() / 256.0f;
        continue;
      }
      uint32_t entry = 0;
      for (int shift = 0; shift < 32; shift += 8) entry |= uint32_t{take()} << shift;
      row[i] = static_cast<int32_t>(entry);
    }
    rows.push_back(as_it_is ? row : quantized_cdf(probabilities.data(), slots, kPrecision));
  }

  const uint8_t* next_;
  const uint8_t* end_;
};

}  // namespace latentpress::fuzz
