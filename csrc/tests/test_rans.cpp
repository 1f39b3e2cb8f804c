// The coder: round trips of everything, strings against the definition, truncation and damage.
#include "rans.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "array_coder.hpp"
#include "buffered_encoder.hpp"
#include "check.hpp"
#include "table_samples.hpp"

using namespace latentpress;

namespace {

using Strings = std::vector<uint8_t>;
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

struct Message {
  std::vector<int32_t> symbols, indexes;

  Message(size_t size, const CodingTables& tables) : symbols(size), indexes(size) {
    std::mt19937 random(static_cast<uint32_t>(size));
    for (size_t i = 0; i < size; ++i) {
      indexes[i] = static_cast<int32_t>(random() % tables.size());
      const CodingTable& table = tables.at(indexes[i]);
      const bool inside = random() % 16 != 0;
      symbols[i] = inside ? table.offset + static_cast<int32_t>(random() % (table.escape + 1))
                          : static_cast<int32_t>(random()) >> random() % 32;
    }
    if (size > 2) symbols[0] = kLeast, symbols[1] = kMost;
  }
};

Strings finished(RansEncoder encoder) {
  Strings bytes(encoder.size());
  encoder.finish(bytes.data());
  return bytes;
}

// The definition, with divisions and a list of words.
Strings encoded_by_the_book(const Message& message, const CodingTables& tables) {
  uint64_t x = uint64_t{1} << 31;
  std::vector<uint32_t> words;
  const auto push = [&](uint64_t start, uint64_t width, int bits) {
    if (x >= ((((uint64_t{1} << 31) >> bits) << 32) * width)) {
      words.push_back(static_cast<uint32_t>(x));
      x >>= 32;
    }
    x = ((x / width) << bits) + x % width + start;
  };
  for (size_t i = message.symbols.size(); i-- > 0;) {
    const CodingTable& table = tables.at(message.indexes[i]);
    int64_t slot = int64_t{message.symbols[i]} - table.offset;
    const auto max = static_cast<int64_t>(table.escape);
    if (slot < 0 || slot >= max) {
      uint64_t raw = slot < 0 ? static_cast<uint64_t>(-2 * slot - 1) : static_cast<uint64_t>(2 * (slot - max));
      std::vector<uint64_t> nibbles;
      for (; raw != 0; raw >>= 4) nibbles.push_back(raw & 15);
      for (size_t n = nibbles.size(); n-- > 0;) push(nibbles[n], 1, 4);
      push(nibbles.size(), 1, 4);
      slot = max;
    }
    const DecoderSlot& place = table.decoder_slots[slot];
    push(place.start, place.width, kPrecision);
  }
  words.push_back(static_cast<uint32_t>(x >> 32));
  words.push_back(static_cast<uint32_t>(x));
  Strings bytes;
  for (size_t i = words.size(); i-- > 0;)
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(words[i] >> shift));
  return bytes;
}

Strings encoded(const Message& message, const CodingTables& tables) {
  RansEncoder encoder(1);
  encode_array(encoder, tables, IndexArray<int32_t>{message.indexes.data()}, IntegerSymbols{message.symbols.data()},
               message.symbols.size());
  return finished(std::move(encoder));
}

void every_way_of_encoding_follows_the_definition() {
  const CodingTables tables = TableSamples().tables();
  for (const size_t size : {0, 1, 2, 3, 50, 4095, 4096, 4097, 20000}) {
    const Message message(size, tables);
    const Strings expected = encoded_by_the_book(message, tables);
    CHECK(encoded(message, tables) == expected);
    RansEncoder one_by_one(1);
    for (size_t i = size; i-- > 0;) one_by_one.push_symbol(tables.at(message.indexes[i]), message.symbols[i]);
    CHECK(finished(std::move(one_by_one)) == expected);
    BufferedEncoder buffered;
    for (size_t i = 0; i < size; ++i) buffered.push_symbol(tables.at(message.indexes[i]), message.symbols[i]);
    CHECK(finished(buffered.flush()) == expected);
  }
}

void decoding_undoes_encoding_and_ends_at_the_end() {
  const CodingTables tables = TableSamples().tables();
  for (const size_t size : {0, 1, 2, 50, 20000}) {
    const Message message(size, tables);
    const Strings string = encoded(message, tables);
    std::vector<int32_t> symbols(size);
    RansDecoder decoder(string.data(), string.size());
    const IndexArray<int32_t> index{message.indexes.data()};
    CHECK(decode_array(decoder, tables, index, IntegerOutput{symbols.data()}, size).at_end());
    CHECK(symbols == message.symbols);
    for (size_t i = 0; i < size; ++i) CHECK(decoder.pop_symbol(tables.at(message.indexes[i])) == symbols[i]);
    CHECK(decoder.at_end());
  }
}

void floats_are_rounded_half_to_even() {
  const CodingTables tables = TableSamples().tables();
  std::vector<float> values;
  for (float x = -300.5f; x < 300.0f; x += 0.25f) values.push_back(x);
  for (int e = 10; e < 31; ++e)
    for (const float sign : {1.0f, -1.0f})
      for (const float step : {-0.5f, 0.0f, 0.5f}) values.push_back(sign * (std::ldexp(1.0f, e) + step));
  for (size_t t = 0; t < tables.size(); ++t) {
    const OneTable table{&tables.at(t)};
    RansEncoder encoder;
    encode_array(encoder, tables, table, RoundedFloats<OneMean>{values.data(), {0.125f}}, values.size());
    const Strings string = finished(std::move(encoder));
    std::vector<float> decoded(values.size());
    const FloatOutput<OneMean> output{decoded.data(), {0.125f}};
    decode_array(RansDecoder(string.data(), string.size()), tables, table, output, decoded.size());
    for (size_t i = 0; i < values.size(); ++i) CHECK(decoded[i] == std::nearbyint(values[i] - 0.125f) + 0.125f);
  }
}

void floats_without_a_symbol_are_refused() {
  const CodingTables tables = TableSamples().tables();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::nanf(""), -std::nanf(""), 2147483648.0f, -2147483648.0f, 1e30f}) {
    for (size_t t = 0; t < tables.size(); ++t) {
      RansEncoder encoder;
      const RoundedFloats<NoMean> values{&bad, {}};
      CHECK_THROWS(ConfigurationError, (encode_array(encoder, tables, OneTable{&tables.at(t)}, values, 1), 0));
    }
  }
}

void every_truncation_is_noticed() {
  const CodingTables tables = TableSamples().tables();
  const Message message(300, tables);
  const Strings string = encoded(message, tables);
  for (size_t size = 0; size < string.size(); ++size) {
    const Strings cut(string.begin(), string.begin() + static_cast<std::ptrdiff_t>(size));
    std::vector<int32_t> symbols(message.symbols.size());
    CHECK_THROWS(BitstreamError,
                 decode_array(RansDecoder(cut.data(), cut.size()), tables, IndexArray<int32_t>{message.indexes.data()},
                              IntegerOutput{symbols.data()}, symbols.size()));
  }
}

void raw_values_that_no_encoder_writes_are_refused() {
  const int32_t cdf[] = {0, 65536}, length = 2, offset = 0;
  const CodingTables tables(cdf, 1, 2, &length, &offset);
  for (const uint32_t nibbles : {10u, 14u, 15u}) {
    RansEncoder encoder;
    encoder.reserve(64);
    EncoderCursor at = encoder.cursor();
    for (int i = 0; i < 20; ++i) at.push_nibble(15);
    at.push_nibble(nibbles);
    encoder.resume(at);
    const Strings string = finished(std::move(encoder));
    CHECK_THROWS(BitstreamError, RansDecoder(string.data(), string.size()).pop_symbol(tables.at(0)));
  }
  RansEncoder encoder;
  encoder.push_raw((uint64_t{1} << 36) - 1);
  const Strings string = finished(std::move(encoder));
  CHECK_THROWS(BitstreamError, RansDecoder(string.data(), string.size()).pop_symbol(tables.at(0)));
}

}  // namespace

int main() {
  every_way_of_encoding_follows_the_definition();
  decoding_undoes_encoding_and_ends_at_the_end();
  floats_are_rounded_half_to_even();
  floats_without_a_symbol_are_refused();
  every_truncation_is_noticed();
  raw_values_that_no_encoder_writes_are_refused();
}
