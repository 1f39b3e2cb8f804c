// Python bindings of the coder: whole batches of rows, and the two stream-wise classes.
#include <nanobind/stl/optional.h>

#include <optional>
#include <vector>

#include "array_coder.hpp"
#include "bind_rows.hpp"
#include "buffered_encoder.hpp"

namespace latentpress {
namespace {

template <class A, class B>
void check_same_shape(const A& a, const B& b, const char* what) {
  bool same = a.ndim() == b.ndim();
  for (size_t i = 0; same && i < a.ndim(); ++i) same = a.shape(i) == b.shape(i);
  if (!same) throw ConfigurationError(std::string(what) + " must have the same shape.");
}

template <class Index>
nb::list encode_symbols(const CodingTables& tables, Array<int32_t, 2> symbols, Array<Index, 2> indexes,
                        size_t threads) {
  check_same_shape(symbols, indexes, "Symbols and indexes");
  const size_t size = symbols.shape(1);
  return encode_rows(symbols.shape(0), size, threads, [&](RansEncoder& encoder, size_t row) {
    encode_array(encoder, tables, IndexArray<Index>{indexes.data() + row * size},
                 IntegerSymbols{symbols.data() + row * size}, size);
  });
}

template <class Index>
void decode_symbols(const CodingTables& tables, nb::list strings, Array<Index, 2> indexes, Output<int32_t, 2> symbols,
                    size_t threads) {
  check_same_shape(symbols, indexes, "Symbols and indexes");
  const size_t size = symbols.shape(1);
  decode_rows(strings, symbols.shape(0), threads, [&](RansDecoder decoder, size_t row) {
    return decode_array(decoder, tables, IndexArray<Index>{indexes.data() + row * size},
                        IntegerOutput{symbols.data() + row * size}, size);
  });
}

using OptionalMeans = std::optional<Array<float, 2>>;

template <class Index>
nb::list encode_floats(const CodingTables& tables, Array<float, 2> values, Array<Index, 2> indexes, OptionalMeans means,
                       size_t threads) {
  check_same_shape(values, indexes, "Values and indexes");
  if (means) check_same_shape(values, *means, "Values and means");
  const size_t size = values.shape(1);
  return encode_rows(values.shape(0), size, threads, [&](RansEncoder& encoder, size_t row) {
    const size_t at = row * size;
    const IndexArray<Index> index{indexes.data() + at};
    const float* from = values.data() + at;
    if (means) encode_array(encoder, tables, index, RoundedFloats<MeanArray>{from, {means->data() + at}}, size);
    else encode_array(encoder, tables, index, RoundedFloats<NoMean>{from, {}}, size);
  });
}

template <class Index>
void decode_floats(const CodingTables& tables, nb::list strings, Array<Index, 2> indexes, OptionalMeans means,
                   Output<float, 2> values, size_t threads) {
  check_same_shape(values, indexes, "Values and indexes");
  if (means) check_same_shape(values, *means, "Values and means");
  const size_t size = values.shape(1);
  decode_rows(strings, values.shape(0), threads, [&](RansDecoder decoder, size_t row) {
    const size_t at = row * size;
    const IndexArray<Index> index{indexes.data() + at};
    float* to = values.data() + at;
    if (means) return decode_array(decoder, tables, index, FloatOutput<MeanArray>{to, {means->data() + at}}, size);
    return decode_array(decoder, tables, index, FloatOutput<NoMean>{to, {}}, size);
  });
}

// values are (rows, channels, positions); channel c has table c and one mean.
template <class Values>
void check_channels(const CodingTables& tables, const Values& values, const Array<float, 1>& means) {
  if (values.shape(1) != tables.size() || means.shape(0) != tables.size())
    throw ConfigurationError("There must be one table and one mean for each of the " + std::to_string(values.shape(1)) +
                             " channels, not " + std::to_string(tables.size()) + " and " + std::to_string(means.shape(0)) +
                             ".");
}

nb::list encode_channels(const CodingTables& tables, Array<float, 3> values, Array<float, 1> means, size_t threads) {
  check_channels(tables, values, means);
  const size_t channels = values.shape(1), positions = values.shape(2);
  return encode_rows(values.shape(0), channels * positions, threads, [&](RansEncoder& encoder, size_t row) {
    for (size_t c = channels; c-- > 0;) {
      const float* from = values.data() + (row * channels + c) * positions;
      const OneMean mean{means.data()[c]};
      encode_array(encoder, tables, OneTable{&tables.at(c)}, RoundedFloats<OneMean>{from, mean}, positions);
    }
  });
}

void decode_channels(const CodingTables& tables, nb::list strings, Array<float, 1> means, Output<float, 3> values,
                     size_t threads) {
  check_channels(tables, values, means);
  const size_t channels = values.shape(1), positions = values.shape(2);
  decode_rows(strings, values.shape(0), threads, [&](RansDecoder decoder, size_t row) {
    for (size_t c = 0; c < channels; ++c) {
      float* to = values.data() + (row * channels + c) * positions;
      const OneMean mean{means.data()[c]};
      decoder = decode_array(decoder, tables, OneTable{&tables.at(c)}, FloatOutput<OneMean>{to, mean}, positions);
    }
    return decoder;
  });
}

// A decoder together with the string that it reads.
struct StreamDecoder {
  nb::bytes owner;
  RansDecoder decoder;
  explicit StreamDecoder(nb::bytes string) : owner(string), decoder(bytes_of(owner).data, bytes_of(owner).size) {}
};

template <class Index>
void register_for_index(nb::module_& m) {
  m.def("encode_symbols", &encode_symbols<Index>);
  m.def("decode_symbols", &decode_symbols<Index>, nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg());
  m.def("encode_floats", &encode_floats<Index>, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  m.def("decode_floats", &decode_floats<Index>, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
        nb::arg().noconvert(), nb::arg());
}

}  // namespace

void register_rans(nb::module_& m) {
  register_for_index<int32_t>(m);
  register_for_index<uint8_t>(m);
  register_for_index<int8_t>(m);
  m.def("encode_channels", &encode_channels);
  m.def("decode_channels", &decode_channels, nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg());

  nb::class_<BufferedEncoder>(m, "BufferedEncoder")
      .def(nb::init<>())
      .def("push",
           [](BufferedEncoder& self, const CodingTables& tables, Array<int32_t, 1> symbols, Array<int32_t, 1> indexes) {
             check_same_shape(symbols, indexes, "Symbols and indexes");
             for (size_t i = 0; i < indexes.shape(0); ++i) tables.at(indexes.data()[i]);  // all or nothing
             for (size_t i = 0; i < symbols.shape(0); ++i)
               self.push_symbol(tables.at(indexes.data()[i]), symbols.data()[i]);
           })
      .def("flush", [](BufferedEncoder& self) {
        RansEncoder encoder = self.flush();
        return finished_string(encoder);
      });

  nb::class_<StreamDecoder>(m, "StreamDecoder")
      .def(nb::init<nb::bytes>())
      .def(
          "decode",
          [](StreamDecoder& self, const CodingTables& tables, Array<int32_t, 1> indexes, Output<int32_t, 1> symbols) {
            check_same_shape(symbols, indexes, "Symbols and indexes");
            const IndexArray<int32_t> index{indexes.data()};
            const nb::gil_scoped_release release;
            self.decoder = decode_array(self.decoder, tables, index, IntegerOutput{symbols.data()}, symbols.shape(0));
          },
          nb::arg(), nb::arg(), nb::arg().noconvert())
      .def("check_end", [](const StreamDecoder& self) { check_end(self.decoder); });
}

}  // namespace latentpress
