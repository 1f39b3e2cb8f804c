// An encoder that takes symbols in the order in which they will be decoded, and codes them all at the end.
#pragma once

#include <vector>

#include "rans.hpp"

namespace latentpress {

class BufferedEncoder {
 public:
  // Queue a symbol; tables may differ from symbol to symbol and need not outlive the call.
  void push_symbol(const CodingTable& table, int32_t symbol) {
    const int64_t value = int64_t{symbol} - table.offset;
    if (value >= 0 && value < int64_t{table.escape}) {
      queue_.push_back(table.encoder_slots[value]);
    } else {
      queue_.push_back(table.encoder_slots[table.escape]);
      queue_raw(raw_from_value(value, table.escape));
    }
  }

  // Code everything queued, last first, into an encoder whose string is then complete; the queue is empty again.
  RansEncoder flush() {
    RansEncoder encoder(queue_.size() / 4);
    for (auto item = queue_.rbegin(); item != queue_.rend(); ++item) {
      encoder.reserve(1);
      EncoderCursor at = encoder.cursor();
      if (item->is_nibble) at.push_nibble(item->bias);
      else at.push(*item);
      encoder.resume(at);
    }
    queue_.clear();
    return encoder;
  }

 private:
  void queue_raw(uint64_t raw) {
    uint32_t nibbles = 0;
    while (raw >> (kNibbleBits * nibbles) != 0) ++nibbles;
    queue_nibble(nibbles);
    for (; raw != 0; raw >>= kNibbleBits) queue_nibble(raw & kNibbleEscape);
  }
  void queue_nibble(uint32_t nibble) {
    EncoderSlot item{};
    item.bias = nibble;
    item.is_nibble = 1;
    queue_.push_back(item);
  }

  std::vector<EncoderSlot> queue_;
};

}  // namespace latentpress
