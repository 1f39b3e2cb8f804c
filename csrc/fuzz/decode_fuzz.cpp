// Fuzz target: tables, indexes and a string from anyone, through the checks and the decoder.
//
// With clang: -fsanitize=fuzzer,address,undefined. Elsewhere standalone_main.cpp feeds it random mutations.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "array_coder.hpp"
#include "fuzz_input.hpp"
#include "quantized_cdf.hpp"

using namespace latentpress;

namespace {

// What decodes without an error must survive another round; it need not be the same string, as there is more than one
// way to write a raw value.
void check_round_trip(const CodingTables& tables, const std::vector<int8_t>& indexes,
                      const std::vector<int32_t>& symbols) {
  const IndexArray<int8_t> index{indexes.data()};
  RansEncoder encoder(1);
  encode_array(encoder, tables, index, IntegerSymbols{symbols.data()}, symbols.size());
  std::vector<uint8_t> string(encoder.size());
  encoder.finish(string.data());
  std::vector<int32_t> again(symbols.size());
  const RansDecoder end = decode_array(RansDecoder(string.data(), string.size()), tables, index,
                                       IntegerOutput{again.data()}, again.size());
  if (!end.at_end() || again != symbols) std::abort();
}

void decode(const fuzz::Input& input) {
  const CodingTables tables = input.tables();
  std::vector<int32_t> symbols(input.indexes.size());
  decode_array(RansDecoder(input.string.data(), input.string.size()), tables, IndexArray<int8_t>{input.indexes.data()},
               IntegerOutput{symbols.data()}, symbols.size());
  check_round_trip(tables, input.indexes, symbols);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    decode(fuzz::Input(data, size));
  } catch (const BitstreamError&) {
  } catch (const ConfigurationError&) {
  }
  return 0;
}
