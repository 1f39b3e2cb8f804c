#include "coding_tables.hpp"

#include <algorithm>

namespace latentpress {
namespace {

constexpr uint32_t kFewestBucketBits = 6;
constexpr uint32_t kMostBucketBits = 12;
// A bucket that guesses wrong costs a branch misprediction, but twice as many buckets take twice the cache. Measured on
// Gaussian tables at low and high rates, one wrong guess in 12 is near the best of both.
constexpr uint32_t kWrongGuessesAllowed = kTotal / 12;

[[noreturn]] void refuse_table(size_t row, const std::string& problem) {
  throw ConfigurationError("Coding table " + std::to_string(row) + " is not valid: " + problem + ".");
}

void check_table(size_t row, const int32_t* cdf, size_t stride, int32_t length, int32_t offset) {
  if (length < 2 || static_cast<size_t>(length) > stride || static_cast<uint32_t>(length) > kTotal + 1)
    refuse_table(row, "its length must be between 2 and " + std::to_string(std::min<size_t>(stride, kTotal + 1)) +
                          ", not " + std::to_string(length));
  if (offset < -kLargestOffset || offset > kLargestOffset)
    refuse_table(row, "its offset must be within +-2^20, not " + std::to_string(offset));
  if (cdf[0] != 0 || cdf[length - 1] != static_cast<int32_t>(kTotal))
    refuse_table(row, "it must run from 0 to 65536, not from " + std::to_string(cdf[0]) + " to " +
                          std::to_string(cdf[length - 1]));
  for (int32_t i = 1; i < length; ++i)
    if (cdf[i] <= cdf[i - 1])
      refuse_table(row, "its entries must increase, but entry " + std::to_string(i) + " is " + std::to_string(cdf[i]) +
                            " after " + std::to_string(cdf[i - 1]));
}

// The slot that covers most of [begin, end), starting the search at `slot`, which covers `begin`.
size_t widest_cover(const DecoderSlot* slots, size_t slot, uint32_t begin, uint32_t end, uint32_t* covered) {
  size_t best = slot;
  *covered = 0;
  for (; begin < end; ++slot) {
    const uint32_t until = std::min(end, slots[slot].start + slots[slot].width);
    if (until - begin > *covered) {
      *covered = until - begin;
      best = slot;
    }
    begin = until;
  }
  return best;
}

// How many of the 2^16 positions buckets of this size guess wrong.
uint32_t wrong_guesses(const DecoderSlot* slots, uint32_t shift) {
  uint32_t wrong = 0;
  size_t slot = 0;
  for (uint32_t begin = 0; begin < kTotal; begin += 1u << shift) {
    while (slots[slot].start + slots[slot].width <= begin) ++slot;
    uint32_t covered = 0;
    widest_cover(slots, slot, begin, begin + (1u << shift), &covered);
    wrong += (1u << shift) - covered;
  }
  return wrong;
}

uint32_t choose_bucket_shift(const DecoderSlot* slots) {
  uint32_t bits = kFewestBucketBits;
  while (bits < kMostBucketBits && wrong_guesses(slots, kPrecision - bits) > kWrongGuessesAllowed) ++bits;
  return kPrecision - bits;
}

}  // namespace

EncoderSlot EncoderSlot::of(uint32_t start, uint32_t width) {
  EncoderSlot slot{};
  slot.complement = static_cast<uint16_t>(kTotal - width);
  if (width == 1) {  // 1 / 1 does not fit: x * (2^64 - 1) >> 64 is x - 1, and the bias makes up for it
    slot.reciprocal = ~uint64_t{0};
    slot.bias = start + kTotal - 1;
    return slot;
  }
  uint32_t shift = 0;
  while ((1u << shift) < width) ++shift;
  // ceil(2^(shift + 63) / width), by long division in two 32-bit steps.
  const uint64_t high_part = uint64_t{1} << (shift + 31);
  const uint64_t high = high_part / width;
  const uint64_t low = (((high_part % width) << 32) + width - 1) / width;
  slot.reciprocal = (high << 32) + low;
  slot.shift = static_cast<uint8_t>(shift - 1);
  slot.bias = start;
  return slot;
}

const DecoderSlot& CodingTable::search_from(uint32_t slot, uint32_t position) const {
  while (position < decoder_slots[slot].start) --slot;
  while (position >= decoder_slots[slot].start + decoder_slots[slot].width) ++slot;
  return decoder_slots[slot];
}

CodingTables::CodingTables(const int32_t* cdfs, size_t count, size_t stride, const int32_t* lengths,
                           const int32_t* offsets) {
  if (count == 0) throw ConfigurationError("At least one coding table is needed, and there are none.");
  size_t slots = 0;
  for (size_t row = 0; row < count; ++row) {
    check_table(row, cdfs + row * stride, stride, lengths[row], offsets[row]);
    slots += static_cast<size_t>(lengths[row]) - 1;
  }
  encoder_slots_.reserve(slots);
  decoder_slots_.reserve(slots);
  tables_.resize(count);
  std::vector<size_t> first_bucket(count);
  for (size_t row = 0, first_slot = 0; row < count; ++row) {
    CodingTable& table = tables_[row];
    table.escape = static_cast<uint32_t>(lengths[row]) - 2;
    table.offset = offsets[row];
    add_slots(cdfs + row * stride, table.escape + 1);
    table.encoder_slots = encoder_slots_.data() + first_slot;  // reserved above: no later push moves them
    table.decoder_slots = decoder_slots_.data() + first_slot;
    table.bucket_shift = choose_bucket_shift(table.decoder_slots);
    first_bucket[row] = buckets_.size();
    add_buckets(first_slot, table.escape + 1, table.bucket_shift);
    first_slot += table.escape + 1;
  }
  for (size_t row = 0; row < count; ++row) tables_[row].buckets = buckets_.data() + first_bucket[row];
}

void CodingTables::add_slots(const int32_t* cdf, size_t slots) {
  for (size_t slot = 0; slot < slots; ++slot) {
    const auto start = static_cast<uint32_t>(cdf[slot]);
    const auto width = static_cast<uint32_t>(cdf[slot + 1]) - start;
    encoder_slots_.push_back(EncoderSlot::of(start, width));
    decoder_slots_.push_back({width, static_cast<uint16_t>(start), static_cast<uint16_t>(slot)});
  }
}

void CodingTables::add_buckets(size_t first_slot, size_t slots, uint32_t shift) {
  const DecoderSlot* table = decoder_slots_.data() + first_slot;
  size_t slot = 0;
  for (uint32_t begin = 0; begin < kTotal; begin += 1u << shift) {
    while (slot + 1 < slots && table[slot + 1].start <= begin) ++slot;
    uint32_t covered = 0;
    buckets_.push_back(table[widest_cover(table, slot, begin, begin + (1u << shift), &covered)]);
  }
}

bool CodingTables::matches(const int32_t* cdfs, size_t count, size_t stride, const int32_t* lengths,
                           const int32_t* offsets) const {
  if (count != tables_.size()) return false;
  for (size_t row = 0; row < count; ++row) {
    const CodingTable& table = tables_[row];
    if (lengths[row] < 2 || static_cast<size_t>(lengths[row]) > stride) return false;
    if (static_cast<uint32_t>(lengths[row]) - 2 != table.escape || offsets[row] != table.offset) return false;
    const int32_t* cdf = cdfs + row * stride;
    for (uint32_t slot = 0; slot <= table.escape; ++slot)
      if (cdf[slot] != table.decoder_slots[slot].start) return false;
    if (cdf[table.escape + 1] != static_cast<int32_t>(kTotal)) return false;
  }
  return true;
}

void CodingTables::refuse_index(int32_t index) const {
  throw ConfigurationError("A table index must be between 0 and " + std::to_string(tables_.size() - 1) + ", not " +
                           std::to_string(index) + " (there are " + std::to_string(tables_.size()) + " tables).");
}

}  // namespace latentpress
