#include "logmetrics/definition.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "logql/parser.hpp"
#include "logql/units.hpp"
#include "model/labels.hpp"

namespace telltale::logmetrics {
namespace {

using simdjson::dom::element;

constexpr std::string_view kKindNames[] = {"counter", "histogram", "distinct"};
constexpr std::string_view kConversionNames[] = {"none", "duration", "duration_seconds", "bytes"};
constexpr double kDefaultBuckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
constexpr Nanos kDefaultWindow = std::chrono::hours(24);
constexpr Nanos kLeastWindow = std::chrono::minutes(1);
constexpr Nanos kLongestWindow = std::chrono::hours(24 * 31);
constexpr std::size_t kMaxDescriptionBytes = 1'000;
// Names that others write.
constexpr std::string_view kTakenNames[] = {"up", "ALERTS", "ALERTS_FOR_STATE"};

tl::unexpected<Error> wrong(std::string_view member, std::string_view what) {
  return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", member, what));
}

Result<std::string> text_of(std::string_view member, element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong(member, "not a string");
  return std::string(text);
}

template <class T, class Read>
Result<std::vector<T>> list_of(std::string_view member, element value, const Read& read) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return wrong(member, "not a list");
  std::vector<T> out;
  for (const element item : array) {
    TT_ASSIGN(T one, read(item));
    out.push_back(std::move(one));
  }
  return out;
}

template <std::size_t N>
Result<std::size_t> choice_of(std::string_view member, element value, const std::string_view (&names)[N]) {
  TT_ASSIGN(const std::string text, text_of(member, value));
  const auto* at = std::find(std::begin(names), std::end(names), text);
  if (at == std::end(names)) return wrong(member, fmt::format("one of {}", fmt::join(names, ", ")));
  return static_cast<std::size_t>(at - std::begin(names));
}

/// What was given, before it is known whether it belongs to the kind.
struct Given {
  bool conversion = false;
  bool buckets = false;
  bool window = false;
};

Result<> read_member(std::string_view key, element value, Definition& d, Given& given) {
  if (key == "name") {
    TT_ASSIGN(d.name, text_of(key, value));
  } else if (key == "kind") {
    TT_ASSIGN(const std::size_t kind, choice_of(key, value, kKindNames));
    d.kind = static_cast<MetricKind>(kind);
  } else if (key == "query") {
    TT_ASSIGN(d.query, text_of(key, value));
  } else if (key == "description") {
    TT_ASSIGN(d.description, text_of(key, value));
  } else if (key == "by") {
    TT_ASSIGN(d.by, list_of<std::string>(key, value, [&](element e) { return text_of(key, e); }));
  } else if (key == "field") {
    TT_ASSIGN(d.field, text_of(key, value));
  } else if (key == "conversion") {
    TT_ASSIGN(const std::size_t at, choice_of(key, value, kConversionNames));
    d.conversion = static_cast<logql::Conversion>(at);
    given.conversion = true;
  } else if (key == "buckets") {
    TT_ASSIGN(d.buckets, list_of<double>(key, value, [&](element e) -> Result<double> {
                double number = 0;
                if (e.get(number) != simdjson::SUCCESS) return wrong(key, "not a list of numbers");
                return number;
              }));
    given.buckets = true;
  } else if (key == "window") {
    TT_ASSIGN(const std::string text, text_of(key, value));
    auto window = parse_duration(text);
    if (!window) return wrong(key, window.error().message());
    d.window = *window;
    given.window = true;
  } else {
    return wrong(key, "unknown field");
  }
  return {};
}

bool is_metric_name(std::string_view name) { return logql::sanitise_label(name) == name && !name.empty(); }

Result<> check_name(const Definition& d) {
  if (!is_metric_name(d.name) || d.name.size() > limits::kMaxLogMetricNameBytes)
    return wrong("name",
                 fmt::format("a letter, `_` or `:`, then letters, digits, `_` or `:`; at most {} bytes",
                             limits::kMaxLogMetricNameBytes));
  if (std::find(std::begin(kTakenNames), std::end(kTakenNames), d.name) != std::end(kTakenNames))
    return wrong("name", d.name + " is written by others");
  if (d.description.size() > kMaxDescriptionBytes)
    return wrong("description", fmt::format("at most {} bytes", kMaxDescriptionBytes));
  return {};
}

Result<> check_query(const Definition& d) {
  auto parsed = logql::parse(d.query);
  if (!parsed) return wrong("query", parsed.error().message());
  if (!parsed->is_log()) return wrong("query", "a log query is wanted, without a range or an aggregation");
  if (parsed->log.unwrap) return wrong("query", "without unwrap; the label goes into `field`");
  return {};
}

Result<> check_by(Definition& d) {
  if (d.by.size() > limits::kMaxLogMetricLabels)
    return wrong("by", fmt::format("at most {} labels (kMaxLogMetricLabels)", limits::kMaxLogMetricLabels));
  std::set<std::string_view> seen;
  for (std::string& name : d.by) {
    name = logql::sanitise_label(name);
    if (!logql::is_label_name(name) || name.starts_with("__") || name == "le")
      return wrong("by", fmt::format("\"{}\" cannot be a series' label", name));
    if (!seen.insert(name).second) return wrong("by", name + " stands twice");
  }
  return {};
}

Result<> check_buckets(const Definition& d) {
  if (d.buckets.empty() || d.buckets.size() > limits::kMaxLogMetricBuckets)
    return wrong("buckets",
                 fmt::format("1 to {} upper bounds (kMaxLogMetricBuckets)", limits::kMaxLogMetricBuckets));
  for (std::size_t i = 0; i < d.buckets.size(); ++i) {
    if (!std::isfinite(d.buckets[i]) || (i > 0 && d.buckets[i] <= d.buckets[i - 1]))
      return wrong("buckets", "numbers that rise; +Inf is added");
  }
  return {};
}

Result<> check_of_kind(Definition& d, const Given& given) {
  const bool histogram = d.kind == MetricKind::histogram;
  const bool distinct = d.kind == MetricKind::distinct;
  if (d.kind == MetricKind::counter && !d.field.empty())
    return wrong("field", "of histograms and distinct counts only");
  if (given.conversion && !histogram) return wrong("conversion", "of histograms only");
  if (given.buckets && !histogram) return wrong("buckets", "of histograms only");
  if (given.window && !distinct) return wrong("window", "of distinct counts only");
  if (histogram || distinct) {
    d.field = logql::sanitise_label(d.field);
    if (!logql::is_label_name(d.field)) return wrong("field", "the name of a label is wanted");
  }
  if (histogram) {
    if (!given.buckets) d.buckets.assign(std::begin(kDefaultBuckets), std::end(kDefaultBuckets));
    TT_TRY(check_buckets(d));
  }
  if (distinct) {
    if (!given.window) d.window = kDefaultWindow;
    if (d.window < kLeastWindow || d.window > kLongestWindow) return wrong("window", "1m to 31d");
  }
  return {};
}

}  // namespace

std::string_view to_string(MetricKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

Result<Definition> parse_definition(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  Definition d;
  Given given;
  std::set<std::string_view> seen;
  for (const auto field : object) {
    TT_TRY(read_member(field.key, field.value, d, given));
    seen.insert(field.key);
  }
  for (const std::string_view member : {"name", "kind", "query"})
    if (!seen.contains(member)) return wrong(member, "missing");
  TT_TRY(check_name(d));
  TT_TRY(check_query(d));
  TT_TRY(check_by(d));
  TT_TRY(check_of_kind(d, given));
  TT_TRY(compile(d));
  return d;
}

void write_members(JsonWriter& w, const Definition& d) {
  w.field("name", d.name).field("kind", to_string(d.kind)).field("query", d.query);
  w.field("description", d.description).key("by").begin_array();
  for (const auto& name : d.by) w.string(name);
  w.end_array();
  if (d.kind != MetricKind::counter) w.field("field", d.field);
  if (d.kind == MetricKind::histogram) {
    w.field("conversion", kConversionNames[static_cast<std::size_t>(d.conversion)])
        .key("buckets")
        .begin_array();
    for (const double bound : d.buckets) w.number(bound);
    w.end_array();
  }
  if (d.kind == MetricKind::distinct) w.field("window", format_duration(d.window));
}

Result<logql::RowValues> compile(const Definition& d) {
  TT_ASSIGN(auto parsed, logql::parse(d.query));
  logql::LogQuery query = std::move(parsed.log);
  if (!d.field.empty()) query.unwrap = logql::Unwrap{d.field, d.conversion, {}};
  return logql::RowValues::compile(query, d.by, d.kind == MetricKind::histogram);
}

std::vector<std::string> series_names(const Definition& d) {
  if (d.kind == MetricKind::histogram) return {d.name + "_bucket", d.name + "_sum", d.name + "_count"};
  return {d.name};
}

std::string example_query(const Definition& d) {
  const auto by = fmt::format("{}", fmt::join(d.by, ", "));
  const auto sum_by = [&](const std::string& labels, const std::string& inner) {
    return labels.empty() ? "sum(" + inner + ")" : "sum by (" + labels + ") (" + inner + ")";
  };
  switch (d.kind) {
    case MetricKind::counter:
      return sum_by(by, "rate(" + d.name + "[5m])");
    case MetricKind::histogram:
      return "histogram_quantile(0.95, " +
             sum_by(by.empty() ? "le" : "le, " + by, "rate(" + d.name + "_bucket[5m])") + ")";
    case MetricKind::distinct:
      return d.name;
  }
  return d.name;
}

std::size_t series_per_group(const Definition& d) {
  return d.kind == MetricKind::histogram ? d.buckets.size() + 3 : 1;
}

std::size_t max_groups(const Definition& d) {
  if (d.kind == MetricKind::distinct) return limits::kMaxLogMetricDistinct;
  return limits::kMaxLogMetricSeries / series_per_group(d);
}

}  // namespace telltale::logmetrics
