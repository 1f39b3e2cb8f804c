// What bindings that code a batch share: one string a row, rows on different threads, the interpreter free meanwhile.
#pragma once

#include <string>
#include <vector>

#include "bindings.hpp"
#include "parallel.hpp"
#include "rans.hpp"

namespace latentpress {

inline constexpr size_t kSymbolsPerWord = 8;  // a guess at how many symbols a word holds; buffers grow where it is wrong

inline nb::bytes finished_string(RansEncoder& encoder) {
  nb::object bytes = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(encoder.size())));
  if (!bytes.is_valid()) throw nb::python_error();
  encoder.finish(reinterpret_cast<uint8_t*>(PyBytes_AsString(bytes.ptr())));
  return nb::borrow<nb::bytes>(bytes);
}

// One string a row, each coded by encode_row(encoder, row); rows go to different threads.
template <class EncodeRow>
nb::list encode_rows(size_t rows, size_t row_size, size_t threads, EncodeRow encode_row) {
  std::vector<RansEncoder> encoders;
  {
    const nb::gil_scoped_release release;
    for (size_t row = 0; row < rows; ++row) encoders.emplace_back(row_size / kSymbolsPerWord);
    parallel_for(rows, threads, [&](size_t row) { encode_row(encoders[row], row); });
  }
  nb::list strings;
  for (RansEncoder& encoder : encoders) strings.append(finished_string(encoder));
  return strings;
}

struct Bytes {
  const uint8_t* data;
  size_t size;
};
inline Bytes bytes_of(const nb::bytes& string) { return {static_cast<const uint8_t*>(string.data()), string.size()}; }

// Throws BitstreamError unless the string is used up.
inline void check_end(const RansDecoder& decoder) {
  if (!decoder.at_end())
    throw BitstreamError("A coded string does not end where its symbols do: it is damaged, or belongs to other tables.");
}

// decode_row(decoder, row) returns the decoder after the row, which must have used up its string.
template <class DecodeRow>
void decode_rows(const nb::list& strings, size_t rows, size_t threads, DecodeRow decode_row) {
  if (strings.size() != rows)
    throw ConfigurationError("There must be one string for each of the " + std::to_string(rows) + " rows, not " +
                             std::to_string(strings.size()) + ".");
  std::vector<nb::bytes> owners;  // the strings stay alive even if the list is changed meanwhile
  std::vector<Bytes> bytes;
  for (const nb::handle string : strings) {
    if (!nb::isinstance<nb::bytes>(string)) throw ConfigurationError("A coded string must be a bytes object.");
    owners.push_back(nb::borrow<nb::bytes>(string));
    bytes.push_back(bytes_of(owners.back()));
  }
  const nb::gil_scoped_release release;
  parallel_for(rows, threads, [&](size_t row) {
    const RansDecoder end = decode_row(RansDecoder(bytes[row].data, bytes[row].size), row);
    check_end(end);
  });
}

}  // namespace latentpress
