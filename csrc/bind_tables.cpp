// Python bindings of integer tables: checking them, making them from probabilities, and finding the one for a scale.
#include <algorithm>

#include "bindings.hpp"
#include "coding_tables.hpp"
#include "quantized_cdf.hpp"
#include "scale_indexes.hpp"

namespace latentpress {
namespace {

void check_same_count(const Array<int32_t, 2>& cdfs, const Array<int32_t, 1>& lengths,
                      const Array<int32_t, 1>& offsets) {
  if (lengths.shape(0) != cdfs.shape(0) || offsets.shape(0) != cdfs.shape(0))
    throw ConfigurationError("Coding tables need one length and one offset for each of their " +
                             std::to_string(cdfs.shape(0)) + " rows, not " + std::to_string(lengths.shape(0)) +
                             " and " + std::to_string(offsets.shape(0)) + ".");
}

// Rows of `probabilities`, of which row i uses the first lengths[i], each closed by escapes[i].
void fill_quantized_cdfs(Array<float, 2> probabilities, Array<float, 1> escapes, Array<int32_t, 1> lengths,
                         Output<int32_t, 2> cdfs) {
  const size_t rows = probabilities.shape(0), stride = probabilities.shape(1);
  if (escapes.shape(0) != rows || lengths.shape(0) != rows || cdfs.shape(0) != rows || cdfs.shape(1) != stride + 2)
    throw ConfigurationError("Probabilities, escape masses, lengths and tables must agree in their number of rows.");
  const nb::gil_scoped_release release;
  std::vector<float> row(stride + 1);
  for (size_t i = 0; i < rows; ++i) {
    const auto length = static_cast<size_t>(lengths.data()[i]);
    if (lengths.data()[i] < 0 || length > stride)
      throw ConfigurationError("A row of probabilities is shorter than its length.");
    std::copy_n(probabilities.data() + i * stride, length, row.begin());
    row[length] = escapes.data()[i];
    const std::vector<int32_t> cdf = quantized_cdf(row.data(), length + 1, kPrecision);
    int32_t* out = cdfs.data() + i * (stride + 2);
    std::fill(std::copy(cdf.begin(), cdf.end(), out), out + stride + 2, 0);
  }
}

void fill_scale_indexes(Array<float, 1> scales, Array<float, 1> table, float bound, Output<int32_t, 1> indexes) {
  if (indexes.shape(0) != scales.shape(0)) throw ConfigurationError("There must be one index for each scale.");
  const nb::gil_scoped_release release;
  ScaleIndexer(table.data(), table.shape(0), bound).index(scales.data(), indexes.data(), scales.shape(0));
}

void fill_threshold_indexes(Array<float, 1> values, Array<float, 1> thresholds, Output<int32_t, 1> indexes) {
  if (indexes.shape(0) != values.shape(0)) throw ConfigurationError("There must be one index for each value.");
  const nb::gil_scoped_release release;
  ThresholdIndexer(thresholds.data(), thresholds.shape(0)).index(values.data(), indexes.data(), values.shape(0));
}

}  // namespace

void register_tables(nb::module_& m) {
  nb::class_<CodingTables>(m, "CodingTables")
      .def("__init__",
           [](CodingTables* self, Array<int32_t, 2> cdfs, Array<int32_t, 1> lengths, Array<int32_t, 1> offsets) {
             check_same_count(cdfs, lengths, offsets);
             new (self) CodingTables(cdfs.data(), cdfs.shape(0), cdfs.shape(1), lengths.data(), offsets.data());
           })
      .def("__len__", &CodingTables::size)
      .def("matches",
           [](const CodingTables& self, Array<int32_t, 2> cdfs, Array<int32_t, 1> lengths, Array<int32_t, 1> offsets) {
             check_same_count(cdfs, lengths, offsets);
             return self.matches(cdfs.data(), cdfs.shape(0), cdfs.shape(1), lengths.data(), offsets.data());
           });

  m.def("quantized_cdf", [](Array<float, 1> probabilities, int precision) {
    const std::vector<int32_t> cdf = quantized_cdf(probabilities.data(), probabilities.shape(0), precision);
    nb::list entries;
    for (const int32_t entry : cdf) entries.append(entry);
    return entries;
  });
  m.def("fill_quantized_cdfs", &fill_quantized_cdfs, nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert());
  m.def("fill_scale_indexes", &fill_scale_indexes, nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert());
  m.def("fill_threshold_indexes", &fill_threshold_indexes, nb::arg(), nb::arg(), nb::arg().noconvert());
}

}  // namespace latentpress
