// A run is one series' samples as two columns, times strictly rising: the currency between head, parts and
// cursors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "storage/metric_store.hpp"

namespace telltale::tsdb {

struct SampleRun {
  std::vector<std::int64_t> times;
  std::vector<double> values;

  bool empty() const { return times.empty(); }
  std::size_t size() const { return times.size(); }
  void clear() {
    times.clear();
    values.clear();
  }
  void push(std::int64_t t, double v) {
    times.push_back(t);
    values.push_back(v);
  }
};

/// Merges newer samples into `run`; at equal times the newer one wins. Both have strictly rising times. Cheap
/// when the newer ones begin after the end.
void merge_newer(SampleRun& run, std::span<const std::int64_t> times, std::span<const double> values);

/// Index range [first, last) of the times inside `range`.
std::pair<std::size_t, std::size_t> clip(std::span<const std::int64_t> times,
                                         const storage::MillisRange& range);

/// The bytes of a chunk; lossless to the bit. See docs/formats/tsdb.md.
void encode_chunk(std::span<const std::int64_t> times, std::span<const double> values, std::string& out);
/// Appends to `out`; corruption unless `bytes` is exactly one chunk of `count` samples with rising times.
Result<> decode_chunk(std::string_view bytes, std::uint64_t count, SampleRun& out);

}  // namespace telltale::tsdb
