// Integer probability tables, checked once and laid out for encoding and decoding.
//
// A table of length n holds cumulative frequencies c[0] = 0 < c[1] < ... < c[n-1] = 2^16: its slots are 0 .. n-2 and
// the last slot is the escape, which announces a value outside the table. Slot s stands for the symbol s + offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "errors.hpp"

namespace latentpress {

constexpr int kPrecision = 16;
constexpr uint32_t kTotal = 1u << kPrecision;

// Offsets beyond this are refused. It leaves room to tell every out-of-table float by its rounded bits alone
// (symbol_sources.hpp); tables themselves have at most 2^16 slots.
constexpr int32_t kLargestOffset = 1 << 20;

// What encoding one slot of width f and start c needs. x / f is computed as the high half of x * reciprocal, shifted;
// it is exact for every state x < 2^63 (Alverson, "Integer division using reciprocals", 1991).
struct EncoderSlot {
  uint64_t reciprocal;
  uint32_t bias;         // c, or what stands in for it where f = 1
  uint16_t complement;   // 2^16 - f, where f = 2^16 gives 0
  uint8_t shift;
  uint8_t is_nibble;     // set only in buffered_encoder.hpp, where raw nibbles queue among slots

  static EncoderSlot of(uint32_t start, uint32_t width);
  uint32_t width() const { return kTotal - complement; }
};
static_assert(sizeof(EncoderSlot) == 16, "four slots share a cache line");

// A slot as the decoder needs it.
struct DecoderSlot {
  uint32_t width;
  uint16_t start;
  uint16_t slot;
};
static_assert(sizeof(DecoderSlot) == 8, "eight slots share a cache line");

// One table. The decoder finds a slot through buckets: [0, 2^16) is cut into equal buckets, and each holds the slot
// that covers most of it, which is nearly always the one sought; otherwise a neighbour is.
struct CodingTable {
  const EncoderSlot* encoder_slots;
  const DecoderSlot* decoder_slots;
  const DecoderSlot* buckets;
  int32_t offset;
  uint32_t escape;  // the last slot; also the number of ordinary slots
  uint32_t bucket_shift;

  const DecoderSlot& find(uint32_t position) const {
    const DecoderSlot& likely = buckets[position >> bucket_shift];
    if (position - likely.start < likely.width) return likely;  // unsigned: also false below the start
    return search_from(likely.slot, position);
  }

 private:
  const DecoderSlot& search_from(uint32_t slot, uint32_t position) const;
};

class CodingTables {
 public:
  // cdfs: `count` rows of `stride` entries, of which row i uses the first lengths[i].
  // Throws ConfigurationError unless every row is a valid table.
  CodingTables(const int32_t* cdfs, size_t count, size_t stride, const int32_t* lengths, const int32_t* offsets);
  CodingTables(const CodingTables&) = delete;  // tables_ points into the other members
  CodingTables& operator=(const CodingTables&) = delete;
  CodingTables(CodingTables&&) = default;
  CodingTables& operator=(CodingTables&&) = default;

  size_t size() const { return tables_.size(); }

  // The table at `index`, which may come from anyone: throws ConfigurationError where there is none.
  template <class Index>
  const CodingTable& at(Index index) const {
    const auto wide = static_cast<uint32_t>(static_cast<int32_t>(index));
    if (wide >= tables_.size()) refuse_index(static_cast<int32_t>(index));
    return tables_[wide];
  }

  // Whether these were made from the same integers.
  bool matches(const int32_t* cdfs, size_t count, size_t stride, const int32_t* lengths, const int32_t* offsets) const;

 private:
  void add_slots(const int32_t* cdf, size_t slots);
  void add_buckets(size_t first_slot, size_t slots, uint32_t shift);
  [[noreturn]] void refuse_index(int32_t index) const;

  std::vector<CodingTable> tables_;
  std::vector<EncoderSlot> encoder_slots_;
  std::vector<DecoderSlot> decoder_slots_;
  std::vector<DecoderSlot> buckets_;
};

}  // namespace latentpress
