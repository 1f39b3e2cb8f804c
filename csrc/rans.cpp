#include "rans.hpp"

#include <algorithm>
#include <limits>

namespace latentpress {
namespace {

constexpr size_t kWordsOfState = 2;
constexpr size_t kPushesOfRaw = 2 + kMostNibbles;  // the count takes one nibble as it is below 15; and one spare

void store_word(uint8_t* bytes, uint32_t word) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(word >> (8 * i));
}

}  // namespace

RansEncoder::RansEncoder(size_t expected_words)
    : capacity_(std::max<size_t>(expected_words, 16)),
      words_(new uint32_t[capacity_]),
      next_(words_.get() + capacity_) {}

void RansEncoder::grow(size_t pushes) {
  const size_t used = words();
  const size_t capacity = used + std::max(pushes, capacity_);
  std::unique_ptr<uint32_t[]> larger(new uint32_t[capacity]);
  std::copy(next_, next_ + used, larger.get() + capacity - used);
  words_ = std::move(larger);
  capacity_ = capacity;
  next_ = words_.get() + capacity_ - used;
}

void RansEncoder::push_raw(uint64_t raw) {
  reserve(kPushesOfRaw);
  EncoderCursor at = cursor();
  uint32_t nibbles = 0;
  while (raw >> (kNibbleBits * nibbles) != 0) ++nibbles;
  for (uint32_t i = nibbles; i-- > 0;) at.push_nibble((raw >> (kNibbleBits * i)) & kNibbleEscape);
  at.push_nibble(nibbles);
  resume(at);
}

void RansEncoder::finish(uint8_t* bytes) {
  store_word(bytes, static_cast<uint32_t>(state_));
  store_word(bytes + 4, static_cast<uint32_t>(state_ >> 32));
  for (size_t i = 0; i < words(); ++i) store_word(bytes + 4 * (kWordsOfState + i), next_[i]);
  state_ = kLowerBound;
  next_ = words_.get() + capacity_;
}

RansDecoder::RansDecoder(const uint8_t* bytes, size_t size) : next_(bytes), end_(bytes + size) {
  if (size < 4 * kWordsOfState)
    throw BitstreamError("A coded string has at least 8 bytes, and this one has " + std::to_string(size) +
                         ": it is truncated.");
  const uint64_t low = take_word();
  state_ = low | uint64_t{take_word()} << 32;
  if (state_ < kLowerBound || state_ >> 63 != 0)
    throw BitstreamError("A coded string starts with a state that no encoder leaves: it is damaged.");
}

uint32_t RansDecoder::pop_nibble() {
  const auto nibble = static_cast<uint32_t>(state_ & kNibbleEscape);
  state_ >>= kNibbleBits;
  refill();
  return nibble;
}

int32_t RansDecoder::pop_escaped(const CodingTable& table) {
  const uint32_t nibbles = pop_nibble();  // a count of 15 or more would go on, but no 32-bit symbol has one
  if (nibbles > kMostNibbles)
    throw BitstreamError("A coded string holds a number that no encoder writes: it is damaged.");
  uint64_t raw = 0;
  for (uint32_t i = 0; i < nibbles; ++i) raw |= uint64_t{pop_nibble()} << (kNibbleBits * i);
  const int64_t symbol = value_from_raw(raw, table.escape) + table.offset;
  if (symbol < std::numeric_limits<int32_t>::min() || symbol > std::numeric_limits<int32_t>::max())
    throw BitstreamError("A coded string holds a number beyond 32 bits: it is damaged.");
  return static_cast<int32_t>(symbol);
}

void RansDecoder::refuse_truncated() {
  throw BitstreamError("A coded string ends before its last symbol: it is truncated or damaged.");
}

}  // namespace latentpress
