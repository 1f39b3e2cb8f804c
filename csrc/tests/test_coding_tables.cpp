// Tables: every position finds its slot, the division by reciprocals is exact, what is no table is refused.
#include "coding_tables.hpp"

#include <random>

#include "check.hpp"
#include "rans.hpp"
#include "table_samples.hpp"

using namespace latentpress;

namespace {

void every_position_finds_its_slot() {
  const TableSamples samples;
  const CodingTables tables = samples.tables();
  for (size_t t = 0; t < tables.size(); ++t) {
    uint32_t slot = 0;
    for (uint32_t position = 0; position < kTotal; ++position) {
      while (position >= static_cast<uint32_t>(samples.rows[t][slot + 1])) ++slot;
      CHECK(tables.at(t).find(position).slot == slot);
    }
  }
}

void reciprocals_divide_exactly() {
  std::mt19937_64 random(2);
  for (uint32_t width = 1; width <= kTotal; width = width < 300 ? width + 1 : width + 1 + random() % 97) {
    const EncoderSlot slot = EncoderSlot::of(0, width);
    CHECK(slot.width() == width);
    for (int i = 0; i < 50; ++i) {
      const uint64_t limit = uint64_t{width} << 47;  // where the encoder has shifted a word out
      const uint64_t multiple = random() % limit / width * width;
      for (const uint64_t x : {random() % limit, limit - 1, multiple, multiple - (multiple > 0), kLowerBound}) {
        if (x < kLowerBound) continue;
        uint32_t room[1] = {};
        EncoderCursor cursor{x, room + 1};  // words go in front of where it stands
        cursor.push(slot);
        CHECK(cursor.state == (x / width << kPrecision) + x % width);
      }
    }
  }
}

CodingTables one_table(std::vector<int32_t> cdf, int32_t length, int32_t offset) {
  return CodingTables(cdf.data(), 1, cdf.size(), &length, &offset);
}

void what_is_no_table_is_refused() {
  CHECK(one_table({0, 1, 65536}, 3, 0).size() == 1);
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65536}, 4, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65536}, 1, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65536}, -1, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65535}, 3, 0));
  CHECK_THROWS(ConfigurationError, one_table({1, 2, 65536}, 3, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 0, 65536}, 3, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 70000, 65536}, 3, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, INT32_MIN, 65536}, 3, 0));
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65536}, 3, kLargestOffset + 1));
  CHECK_THROWS(ConfigurationError, one_table({0, 1, 65536}, 3, INT32_MIN));
  CHECK_THROWS(ConfigurationError, CodingTables(nullptr, 0, 0, nullptr, nullptr));
}

void indexes_without_a_table_are_refused() {
  const CodingTables tables = one_table({0, 1, 65536}, 3, 0);
  CHECK(&tables.at(int8_t{0}) == &tables.at(uint8_t{0}));
  CHECK_THROWS(ConfigurationError, tables.at(1));
  CHECK_THROWS(ConfigurationError, tables.at(-1));
  CHECK_THROWS(ConfigurationError, tables.at(int8_t{-1}));
  CHECK_THROWS(ConfigurationError, tables.at(uint8_t{255}));
  CHECK_THROWS(ConfigurationError, tables.at(INT32_MIN));
}

}  // namespace

int main() {
  every_position_finds_its_slot();
  reciprocals_divide_exactly();
  what_is_no_table_is_refused();
  indexes_without_a_table_are_refused();
}
