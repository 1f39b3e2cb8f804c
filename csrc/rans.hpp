// The range asymmetric numeral system (Duda, 2013) in the form that learned codecs have settled on: a 64-bit state,
// 32-bit little-endian words, 16-bit probabilities. One symbol at a time; whole arrays are in array_coder.hpp.
//
// Encoder and decoder mirror each other: `push` undoes `pop`. A stack is last in, first out, so symbols are pushed from
// the last to the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "coding_tables.hpp"

namespace latentpress {

constexpr uint64_t kLowerBound = uint64_t{1} << 31;  // the state stays in [2^31, 2^63)
constexpr int kNibbleBits = 4;
constexpr uint32_t kNibbleEscape = (1u << kNibbleBits) - 1;
constexpr uint32_t kMostNibbles = 9;  // a raw value is below 2^34, for 32-bit symbols and allowed offsets

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 Wide;
inline uint64_t high_product(uint64_t a, uint64_t b) { return static_cast<uint64_t>((Wide{a} * b) >> 64); }
#else
inline uint64_t high_product(uint64_t a, uint64_t b) {
  const uint64_t a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
  const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffff)) >> 32);
}
#endif

// A symbol outside its table, as the raw non-negative number that follows the escape slot, and back.
inline uint64_t raw_from_value(int64_t value, uint32_t escape) {
  return value < 0 ? static_cast<uint64_t>(-2 * value - 1) : static_cast<uint64_t>(2 * (value - int64_t{escape}));
}
inline int64_t value_from_raw(uint64_t raw, uint32_t escape) {
  const auto half = static_cast<int64_t>(raw >> 1);
  return (raw & 1) != 0 ? -half - 1 : half + int64_t{escape};
}

// The encoder's state and the place of its next word, in registers: loops copy it out of a RansEncoder and back.
// The caller has reserved a word for each push.
struct EncoderCursor {
  uint64_t state;
  uint32_t* next;  // words are written from the end of the buffer to its front

  void push(const EncoderSlot& slot) {
    if ((state >> (63 - kPrecision)) >= slot.width()) emit_word();
    const uint64_t quotient = high_product(state, slot.reciprocal) >> slot.shift;
    state += slot.bias + quotient * slot.complement;
  }

  void push_nibble(uint32_t nibble) {
    if ((state >> (63 - kNibbleBits)) != 0) emit_word();
    state = (state << kNibbleBits) | nibble;
  }

 private:
  void emit_word() {
    *--next = static_cast<uint32_t>(state);
    state >>= 32;
  }
};

// An encoder of one string. Words are kept in the host's byte order until `finish`.
class RansEncoder {
 public:
  explicit RansEncoder(size_t expected_words = 64);

  // Push a symbol of 32 bits; one outside the table goes through the escape slot.
  void push_symbol(const CodingTable& table, int32_t symbol) {
    const int64_t value = int64_t{symbol} - table.offset;
    reserve(1);
    uint32_t slot = table.escape;
    if (value >= 0 && value < int64_t{table.escape}) slot = static_cast<uint32_t>(value);
    else push_raw(raw_from_value(value, table.escape));
    EncoderCursor at = cursor();
    at.push(table.encoder_slots[slot]);
    resume(at);
  }

  // Push what follows an escape slot: the number of nibbles, and the nibbles. Leaves one word reserved.
  void push_raw(uint64_t raw);

  // Make room for this many more pushes.
  void reserve(size_t pushes) {
    if (static_cast<size_t>(next_ - words_.get()) < pushes) grow(pushes);
  }
  EncoderCursor cursor() const { return {state_, next_}; }
  void resume(const EncoderCursor& cursor) {
    state_ = cursor.state;
    next_ = cursor.next;
  }

  // Bytes of the string, if it ended here: a multiple of 4, at least 8.
  size_t size() const { return 4 * (2 + words()); }

  // Close the string and write its size() bytes. The encoder can start another string.
  void finish(uint8_t* bytes);

 private:
  size_t words() const { return static_cast<size_t>(words_.get() + capacity_ - next_); }
  void grow(size_t pushes);

  uint64_t state_ = kLowerBound;
  size_t capacity_;
  std::unique_ptr<uint32_t[]> words_;
  uint32_t* next_;
};

// A decoder of one string, which must outlive it. It reads no byte outside the string.
class RansDecoder {
 public:
  // Throws BitstreamError for fewer than 8 bytes or an impossible state.
  RansDecoder(const uint8_t* bytes, size_t size);

  // The next symbol. Throws BitstreamError at the end of the string, or for a raw value that no encoder writes.
  int32_t pop_symbol(const CodingTable& table) {
    const DecoderSlot& slot = pop_slot(table);
    if (slot.slot == table.escape) return pop_escaped(table);
    return static_cast<int32_t>(slot.slot) + table.offset;
  }

  const DecoderSlot& pop_slot(const CodingTable& table) {
    const auto position = static_cast<uint32_t>(state_ & (kTotal - 1));
    const DecoderSlot& slot = table.find(position);
    state_ = slot.width * (state_ >> kPrecision) + (position - slot.start);
    refill();
    return slot;
  }

  // The symbol that follows an escape slot already taken.
  int32_t pop_escaped(const CodingTable& table);

  // Whether everything has been read and the encoder's initial state is back: true after the last symbol of a whole,
  // undamaged string.
  bool at_end() const { return next_ == end_ && state_ == kLowerBound; }

 private:
  void refill() {
    if (state_ >= kLowerBound) return;
    if (end_ - next_ < 4) refuse_truncated();
    state_ = (state_ << 32) | take_word();
  }
  uint32_t take_word() {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word |= uint32_t{next_[i]} << (8 * i);
    next_ += 4;
    return word;
  }
  uint32_t pop_nibble();
  [[noreturn]] static void refuse_truncated();

  uint64_t state_;
  const uint8_t* next_;
  const uint8_t* end_;
};

}  // namespace latentpress
