// Coding of whole arrays: one string for a run of symbols, each with the index of its table.
//
// What is coded (integers, or floats quantised on the way) and where indexes come from (an array, or one table for a
// whole run) are small types, so that each combination compiles to one loop without intermediate arrays.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "rans.hpp"

namespace latentpress {

// Where the table index of element i comes from.
template <class Index>
struct IndexArray {
  const Index* indexes;
  const CodingTable& table(const CodingTables& tables, size_t i) const { return tables.at(indexes[i]); }
};
struct OneTable {
  const CodingTable* one;
  const CodingTable& table(const CodingTables&, size_t) const { return *one; }
};

// Where the mean of element i comes from.
struct MeanArray {
  const float* means;
  float operator()(size_t i) const { return means[i]; }
};
struct OneMean {
  float mean;
  float operator()(size_t) const { return mean; }
};
struct NoMean {};

inline float centred(float value, MeanArray means, size_t i) { return value - means(i); }
inline float centred(float value, OneMean mean, size_t i) { return value - mean(i); }
inline float centred(float value, NoMean, size_t) { return value; }

// Integers as they are. `quick` may be any number outside every table where the symbol is outside its own; `exact` is
// the symbol. With offsets within +-2^20 the difference of 32-bit integers wraps around into no table.
struct IntegerSymbols {
  const int32_t* symbols;
  uint32_t quick(size_t i) const { return static_cast<uint32_t>(symbols[i]); }
  int64_t exact(size_t i) const { return symbols[i]; }
};

// Floats, rounded (half to even) about their means.
template <class Means>
struct RoundedFloats {
  const float* values;
  Means means;

  // Adding 1.5 * 2^23 leaves a number of magnitude up to 2^22 rounded in the low bits of the sum. Every other float,
  // NaN and infinity included, gives a number of magnitude over 2^22, which is outside every table.
  uint32_t quick(size_t i) const {
    const float shifted = centred(values[i], means, i) + 12582912.0f;
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4b400000u;
  }
  int64_t exact(size_t i) const {
    const float difference = centred(values[i], means, i);
    if (!(std::fabs(difference) < 2147483648.0f))
      throw ConfigurationError("A latent holds a value that is not a number or beyond 32 bits: it cannot be coded.");
    return std::llrint(difference);
  }
};

// Where decoded symbols go.
struct IntegerOutput {
  int32_t* symbols;
  void put(size_t i, int32_t symbol) const { symbols[i] = symbol; }
};
template <class Means>
struct FloatOutput {
  float* values;
  Means means;
  void put(size_t i, int32_t symbol) const { values[i] = static_cast<float>(symbol) + means(i); }
};
template <>
struct FloatOutput<NoMean> {
  float* values;
  NoMean means;
  void put(size_t i, int32_t symbol) const { values[i] = static_cast<float>(symbol); }
};

constexpr size_t kBlock = 4096;  // room in the output is made a block at a time

// Push elements count-1 .. 0.
template <class Indexes, class Symbols>
void encode_array(RansEncoder& encoder, const CodingTables& tables, Indexes indexes, Symbols symbols, size_t count) {
  while (count != 0) {
    const size_t begin = count - std::min(count, kBlock);
    encoder.reserve(count - begin);
    EncoderCursor at = encoder.cursor();
    for (; count != begin; --count) {
      const size_t i = count - 1;
      const CodingTable& table = indexes.table(tables, i);
      uint32_t slot = symbols.quick(i) - static_cast<uint32_t>(table.offset);
      if (slot >= table.escape) {
        encoder.resume(at);
        const int64_t value = symbols.exact(i) - table.offset;
        encoder.push_raw(raw_from_value(value, table.escape));
        encoder.reserve(count - begin);
        at = encoder.cursor();
        slot = table.escape;
      }
      at.push(table.encoder_slots[slot]);
    }
    encoder.resume(at);
  }
}

// Pop elements 0 .. count-1. The decoder is taken and returned by value: a local one stays in registers.
template <class Indexes, class Output>
RansDecoder decode_array(RansDecoder decoder, const CodingTables& tables, Indexes indexes, Output output,
                         size_t count) {
  for (size_t i = 0; i < count; ++i) output.put(i, decoder.pop_symbol(indexes.table(tables, i)));
  return decoder;
}

}  // namespace latentpress
