// How promqltest files write the samples of a series: `1 2 _ stale 0+10x5 _x3 {{schema:0 count:1
// buckets:[1]}}x4`, and, for a line of start times, `_ -1m -30s-1mx3`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/sample.hpp"

namespace telltale::promql {

struct SeriesItem {
  double value = 0;
  std::shared_ptr<const Histogram> histogram;  // null: a float
  bool hint_written = false;                   // the text named the reset hint
};

/// A number or duration as the language writes them, with a sign.
std::optional<double> signed_number(std::string text);

/// One entry for each place; nothing where there is no sample. invalid_argument says what could not be read.
Result<std::vector<std::optional<SeriesItem>>> read_series_items(std::string_view text);

/// Milliseconds from the sample to its start. Zero is the sample's own time.
Result<std::vector<std::optional<std::int64_t>>> read_start_offsets(std::string_view text);

}  // namespace telltale::promql
