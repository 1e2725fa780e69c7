#include "promql/conformance/script.hpp"

#include <algorithm>
#include <map>

#include "base/json.hpp"
#include "promql/conformance/test_file.hpp"
#include "promql/engine.hpp"
#include "promql/native_histogram.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

void write_spans(JsonWriter& w, std::string_view name, const std::vector<BucketSpan>& spans) {
  w.key(name).begin_array();
  for (const BucketSpan& s : spans) w.begin_array().integer(s.offset).integer(s.length).end_array();
  w.end_array();
}

void write_numbers(JsonWriter& w, std::string_view name, const std::vector<double>& numbers) {
  w.key(name).begin_array();
  for (const double x : numbers) w.string(format_value(x));
  w.end_array();
}

void write_to_load(JsonWriter& w, const Histogram& h) {
  w.begin_object().field("schema", static_cast<std::int64_t>(h.schema)).field("count", format_value(h.count));
  w.field("sum", format_value(h.sum)).field("zero_threshold", format_value(h.zero_threshold));
  w.field("zero_count", format_value(h.zero_count)).field("reset_hint", static_cast<int>(h.reset_hint));
  write_spans(w, "positive_spans", h.positive_spans);
  write_spans(w, "negative_spans", h.negative_spans);
  write_numbers(w, "positive_counts", h.positive);
  write_numbers(w, "negative_counts", h.negative);
  write_numbers(w, "custom_values", h.custom_values);
  w.end_object();
}

/// As the HTTP API answers it.
void write_as_answer(JsonWriter& w, const Histogram& h) {
  w.begin_object().field("count", format_value(h.count)).field("sum", format_value(h.sum));
  w.key("buckets").begin_array();
  for (const HistogramBucket& b : buckets_in_order(h)) {
    if (b.count == 0) continue;
    const int bounds = b.lower_inclusive ? (b.upper_inclusive ? 3 : 1) : (b.upper_inclusive ? 0 : 2);
    w.begin_array().integer(bounds);
    for (const double v : {b.lower, b.upper, b.count}) w.string(format_value(v));
    w.end_array();
  }
  w.end_array().end_object();
}

std::string value_text(double v) { return is_stale_nan(v) ? "stale" : format_value(v); }

std::string load_line(const TestCommand& c, std::int64_t shift_ms) {
  std::map<Labels, std::vector<const Sample*>> by_series;
  for (const auto& [labels, sample] : c.loads) by_series[labels].push_back(&sample);
  std::map<std::pair<Labels, std::int64_t>, std::int64_t> starts;
  for (const TestStart& s : c.starts) starts[{s.labels, s.time_ms}] = s.start_ms;
  JsonWriter w;
  w.begin_object().key("load").begin_array();
  for (const auto& [labels, samples] : by_series) {
    w.begin_object().key("labels").begin_object();
    for (const Label& l : labels) w.field(l.name, l.value);
    w.end_object().key("samples").begin_array();
    for (const Sample* s : samples) {
      w.begin_array().integer(s->time.ms + shift_ms);
      if (s->histogram != nullptr && !is_stale_nan(s->value)) {
        write_to_load(w, *s->histogram);
      } else {
        w.string(value_text(s->value));
      }
      const auto start = starts.find({labels, s->time.ms});
      w.integer(start == starts.end() ? 0 : start->second + shift_ms).end_array();
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.take() + "\n";
}

bool uses(const Expr& e, const auto& test) {
  return test(e) || (e.param && uses(*e.param, test)) ||
         std::any_of(e.args.begin(), e.args.end(), [&](const ExprPtr& arg) { return uses(*arg, test); });
}

/// Whether the answer holds the time of asking itself, which is another one here.
bool tells_time(const Expr& e) {
  static constexpr std::string_view kTimes[] = {"time",
                                                "timestamp",
                                                "start_timestamp",
                                                "start",
                                                "end",
                                                "ts_of_first_over_time",
                                                "ts_of_last_over_time",
                                                "ts_of_min_over_time",
                                                "ts_of_max_over_time"};
  static constexpr std::string_view kFields[] = {
      "year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"};
  return uses(e, [](const Expr& x) {
    if (x.kind != ExprKind::call) return false;
    return std::find(std::begin(kTimes), std::end(kTimes), x.text) != std::end(kTimes) ||
           (x.args.empty() && std::find(std::begin(kFields), std::end(kFields), x.text) != std::end(kFields));
  });
}

bool move_times(Expr& e, std::int64_t shift_ms) {
  bool moved = e.at == AtKind::time;
  if (moved) e.at_ms += shift_ms;
  if (e.param) moved = move_times(*e.param, shift_ms) || moved;
  for (const ExprPtr& arg : e.args) moved = move_times(*arg, shift_ms) || moved;
  return moved;
}

std::string unsaid_over_http(const TestEval& e, const Expr* expr) {
  if (expr == nullptr) return "";
  if (tells_time(*expr)) return "the answer holds the time of asking, which is moved";
  if (uses(*expr, [](const Expr& x) { return x.at == AtKind::time; }) &&
      std::any_of(e.want.annotations.begin(), e.want.annotations.end(),
                  [](const auto& a) { return a.first == "warn" || a.first == "info"; }))
    return "positions in annotations move with the times behind @";
  return "";
}

void write_expected(JsonWriter& w, const TestEval& e, std::int64_t shift_ms) {
  w.key("series").begin_array();
  for (const auto& [labels, items] : e.want.series) {
    w.begin_object().key("labels").begin_object();
    for (const Label& l : labels) w.field(l.name, l.value);
    w.end_object().key("samples").begin_array();
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i]) continue;
      w.begin_array();
      if (e.want.range_vector) {
        w.null();
      } else {
        w.integer((e.instant ? e.start : e.start + static_cast<std::int64_t>(i) * e.step) + shift_ms);
      }
      if (items[i]->histogram != nullptr) {
        write_as_answer(w, *items[i]->histogram);
      } else {
        w.string(format_value(items[i]->value));
      }
      w.end_array();
    }
    w.end_array().end_object();
  }
  w.end_array();
  if (e.want.text) w.field("text", *e.want.text);
  if (e.want.scalar) w.field("scalar", format_value(*e.want.scalar));
  w.key("annotations").begin_array();
  for (const auto& [kind, rest] : e.want.annotations) {
    const auto [how, pattern] = expected_pattern(rest);
    w.begin_array().string(kind).string(how).string(pattern).end_array();
  }
  w.end_array();
}

std::string eval_line(const TestCommand& c, std::int64_t shift_ms) {
  const TestEval& e = c.eval;
  std::string query = e.expr;
  const auto expr = parse(query);
  const std::string skip = unsaid_over_http(e, expr ? expr->get() : nullptr);
  if (expr && move_times(**expr, shift_ms)) query = to_string(**expr);
  JsonWriter w;
  w.begin_object().key("eval").begin_object().field("line", static_cast<std::uint64_t>(c.line + 1));
  w.field("query", query).field("instant", e.instant).field("start", e.start + shift_ms);
  w.field("end", e.end + shift_ms).field("step", e.step).field("fail", e.want.fail);
  w.field("ordered", e.want.ordered).field("range_vector", e.want.range_vector).field("skip", skip);
  write_expected(w, e, shift_ms);
  w.end_object().end_object();
  return w.take() + "\n";
}

}  // namespace

std::string test_script(std::string_view text, std::int64_t shift_ms) {
  std::string out;
  for (const TestCommand& c : read_test_file(text)) {
    if (c.kind == TestCommand::Kind::clear) out += "{\"clear\": true}\n";
    if (c.kind == TestCommand::Kind::load) out += load_line(c, shift_ms);
    if (c.kind == TestCommand::Kind::eval) out += eval_line(c, shift_ms);
  }
  return out;
}

}  // namespace telltale::promql
