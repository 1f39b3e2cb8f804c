// Indexes of scales: the count of entries strictly below, for tables of every kind.
#include "scale_indexes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "check.hpp"
#include "errors.hpp"

using namespace latentpress;

namespace {

void check_counts(std::vector<float> table, float bound) {
  std::sort(table.begin(), table.end());
  table.erase(std::unique(table.begin(), table.end()), table.end());
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> scales = {0.0f, -1.0f, -infinity, infinity, bound, 1e-45f, std::numeric_limits<float>::max()};
  for (const float entry : table)
    scales.insert(scales.end(), {std::nextafter(entry, 0.0f), entry, std::nextafter(entry, infinity)});
  std::mt19937 random(3);
  std::lognormal_distribution<float> any(0.0f, 3.0f);
  for (int i = 0; i < 2000; ++i) scales.push_back(any(random));
  std::vector<int32_t> indexes(scales.size());
  ScaleIndexer(table.data(), table.size(), bound).index(scales.data(), indexes.data(), scales.size());
  for (size_t i = 0; i < scales.size(); ++i) {
    const float scale = std::max(scales[i], bound);
    const auto below = std::count_if(table.begin(), table.end() - 1, [&](float entry) { return entry < scale; });
    CHECK(indexes[i] == below);
  }
}

void tables_of_every_kind() {
  std::vector<float> logarithmic(64), dense(5000), wide = {1e-44f, 1e-20f, 1.0f, 1e20f, 3e38f};
  for (size_t i = 0; i < 64; ++i) logarithmic[i] = 0.11f * std::pow(256 / 0.11f, static_cast<float>(i) / 63);
  for (size_t i = 0; i < dense.size(); ++i) dense[i] = 1.0f + 1e-5f * static_cast<float>(i);
  for (const float bound : {0.11f, 1e-30f, 1.0f, 1000.0f}) {
    check_counts(logarithmic, bound);
    check_counts(dense, bound);
    check_counts(wide, bound);
    check_counts({0.5f}, bound);
    check_counts({0.5f, 0.51f}, bound);
  }
}

void not_a_number_counts_as_the_bound() {
  const float table[] = {0.05f, 0.5f, 5.0f}, scale = std::nanf("");
  int32_t index = -1;
  ScaleIndexer(table, 3, 0.11f).index(&scale, &index, 1);
  CHECK(index == 1);
}

void check_thresholds(const std::vector<float>& thresholds) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0.0f, -0.0f, -infinity, infinity, std::nanf(""), 3e38f, -3e38f, 1e-45f};
  for (const float threshold : thresholds)
    values.insert(values.end(), {std::nextafter(threshold, -infinity), threshold, std::nextafter(threshold, infinity)});
  std::mt19937 random(3);
  std::normal_distribution<float> any(0.0f, 3.0f);
  for (int i = 0; i < 2000; ++i) values.push_back(any(random));
  std::vector<int32_t> indexes(values.size());
  ThresholdIndexer(thresholds.data(), thresholds.size()).index(values.data(), indexes.data(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    CHECK(indexes[i] == std::count_if(thresholds.begin(), thresholds.end(), [&](float t) { return t < values[i]; }));
}

void thresholds_of_every_kind() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> even, dense, uneven = {-infinity, -infinity};
  for (int i = 0; i < 63; ++i) even.push_back(-2.0f + 0.083f * static_cast<float>(i));
  for (int i = 0; i < 5000; ++i) dense.push_back(1.0f + 1e-5f * static_cast<float>(i));
  for (int i = 0; i < 60; ++i) uneven.push_back(std::log(std::expm1(0.01f + 0.07f * static_cast<float>(i))));
  for (const auto& thresholds : {even, dense, uneven, {-3e38f, 3e38f}, {1.0f, std::nextafter(1.0f, 2.0f)}, {0.5f}, {}})
    check_thresholds(thresholds);
  for (const auto& wrong : {std::vector<float>{1.0f, 1.0f}, {2.0f, 1.0f}, {1.0f, infinity}, {1.0f, -infinity}, {std::nanf("")}})
    CHECK_THROWS(ConfigurationError, ThresholdIndexer(wrong.data(), wrong.size()));
}

void what_is_no_scale_table_is_refused() {
  const float falling[] = {2.0f, 1.0f}, level[] = {1.0f, 1.0f}, zero[] = {0.0f, 1.0f};
  const float endless[] = {1.0f, std::numeric_limits<float>::infinity()}, nothing[] = {std::nanf(""), 1.0f};
  for (const float* table : {falling, level, zero, endless, nothing})
    CHECK_THROWS(ConfigurationError, ScaleIndexer(table, 2, 0.11f));
  CHECK_THROWS(ConfigurationError, ScaleIndexer(falling, 0, 0.11f));
  CHECK_THROWS(ConfigurationError, ScaleIndexer(falling, 1, 0.0f));
  CHECK_THROWS(ConfigurationError, ScaleIndexer(falling, 1, std::nanf("")));
}

}  // namespace

int main() {
  tables_of_every_kind();
  not_a_number_counts_as_the_bound();
  thresholds_of_every_kind();
  what_is_no_scale_table_is_refused();
}
