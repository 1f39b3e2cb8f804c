// Stands in for libFuzzer where the compiler has none: valid inputs, and deterministic random mutations of them.
// usage: decode_fuzz [MUTATIONS] [SEED], or decode_fuzz FILE... to run recorded inputs
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "array_coder.hpp"
#include "fuzz_input.hpp"

using namespace latentpress;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::mt19937;

// Tables and indexes by chance, and the string of symbols that go with them.
Bytes valid_input(Random& random) {
  Bytes bytes;
  const uint32_t tables = 1 + random() % 7;
  bytes.push_back(static_cast<uint8_t>(tables));
  for (uint32_t t = 0; t < tables; ++t) {
    const uint32_t slots = 1 + random() % (random() % 4 == 0 ? 256 : 20);
    bytes.insert(bytes.end(), {0, static_cast<uint8_t>(slots - 1), static_cast<uint8_t>(random())});
    for (uint32_t i = 0; i < slots; ++i) bytes.push_back(static_cast<uint8_t>(1 + random() % 255));
  }
  const uint32_t count = random() % 256;
  bytes.push_back(static_cast<uint8_t>(count));
  for (uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(random() % tables));

  const fuzz::Input input(bytes.data(), bytes.size());
  const CodingTables coding_tables = input.tables();
  std::vector<int32_t> symbols(count);
  for (int32_t& symbol : symbols) symbol = static_cast<int32_t>(random()) >> (random() % 4 == 0 ? random() % 32 : 27);
  RansEncoder encoder;
  encode_array(encoder, coding_tables, IndexArray<int8_t>{input.indexes.data()}, IntegerSymbols{symbols.data()}, count);
  const size_t head = bytes.size();
  bytes.resize(head + encoder.size());
  encoder.finish(bytes.data() + head);
  return bytes;
}

Bytes mutated(Bytes bytes, Random& random) {
  for (uint32_t edits = random() % 6; edits-- > 0 && !bytes.empty();) {
    const size_t at = random() % bytes.size();
    switch (random() % 5) {
      case 0: bytes[at] ^= static_cast<uint8_t>(1u << random() % 8); break;
      case 1: bytes[at] = static_cast<uint8_t>(random()); break;
      case 2: bytes[at] = random() % 2 == 0 ? 0x00 : 0xff; break;
      case 3: bytes.resize(at); break;
      default: {
        const size_t added = 1 + random() % 8;
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), added, static_cast<uint8_t>(random()));
      }
    }
  }
  return bytes;
}

void run_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  char* rest = nullptr;
  const unsigned long mutations = argc > 1 ? std::strtoul(argv[1], &rest, 10) : 20000;
  if (rest != nullptr && *rest != '\0') {
    for (int i = 1; i < argc; ++i) run_file(argv[i]);
    return 0;
  }
  Random random(argc > 2 ? static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10)) : 1);
  for (unsigned long done = 0; done < mutations;) {
    const Bytes valid = valid_input(random);
    LLVMFuzzerTestOneInput(valid.data(), valid.size());
    for (int i = 0; i < 50 && done < mutations; ++i, ++done) {
      const Bytes input = mutated(valid, random);
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
  }
  std::printf("%lu mutated inputs: no crash, no report\n", mutations);
}
