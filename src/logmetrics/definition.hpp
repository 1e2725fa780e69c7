// What a log metric is: a LogQL log query, and what is made of the lines that it shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "logql/row_values.hpp"

namespace telltale::logmetrics {

enum class MetricKind : unsigned char { counter, histogram, distinct };
std::string_view to_string(MetricKind kind);

struct Definition {
  std::string name;  // of the metric; a histogram's series add _bucket, _sum and _count
  MetricKind kind = MetricKind::counter;
  std::string query;
  std::string description;
  std::vector<std::string> by;  // labels of a line that become labels of the series
  std::string field;            // histogram: the label with the number; distinct: with the value
  logql::Conversion conversion = logql::Conversion::none;  // histogram
  std::vector<double> buckets;                             // histogram: upper bounds but +Inf, rising
  Nanos window{0};                                         // distinct
};

/// A JSON object with these members; defaults are filled in and everything is checked. invalid_argument names
/// the member.
Result<Definition> parse_definition(std::string_view json);
/// Its members, inside an object that the caller has begun; parse_definition() reads them back.
void write_members(JsonWriter& w, const Definition& d);

/// Reads the values of lines. What parses can be compiled.
Result<logql::RowValues> compile(const Definition& d);

/// `__name__` of every series it writes.
std::vector<std::string> series_names(const Definition& d);
/// PromQL that shows it.
std::string example_query(const Definition& d);
/// How many series one set of labels takes.
std::size_t series_per_group(const Definition& d);
/// How many sets of labels it may have.
std::size_t max_groups(const Definition& d);

}  // namespace telltale::logmetrics
