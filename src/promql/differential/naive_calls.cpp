// Functions, at one time.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numbers>

#include <re2/re2.h>

#include "promql/differential/naive_impl.hpp"

namespace telltale::promql::naive {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// A field of the civil date of a Unix time in UTC, its fraction cut off; nullopt when `f` is none.
std::optional<double> date_field(std::string_view f, double unix_seconds) {
  using namespace std::chrono;
  // The calendar repeats every 400 years; <chrono> knows some 65,000. Further away than what an engine counts
  // in seconds without loss there are no dates.
  constexpr std::int64_t kCycle = 400 * 31'556'952LL;
  const bool is_date = std::abs(unix_seconds) < 6e16;
  const std::int64_t whole = is_date ? static_cast<std::int64_t>(unix_seconds) : 0;
  const sys_seconds t{seconds(whole % kCycle)};
  const sys_days day = floor<days>(t);
  const year_month_day date(day);
  static constexpr std::string_view kFields[] = {"hour",        "minute", "day_of_week", "day_of_month",
                                                 "day_of_year", "month",  "year",        "days_in_month"};
  if (std::find(std::begin(kFields), std::end(kFields), f) == std::end(kFields)) return std::nullopt;
  if (!is_date) return kNone;
  if (f == "hour") return static_cast<double>(floor<hours>(t - day).count());
  if (f == "minute") return static_cast<double>((t - floor<hours>(t)) / minutes(1));
  if (f == "day_of_week") return weekday(day).c_encoding();
  if (f == "day_of_month") return static_cast<unsigned>(date.day());
  if (f == "day_of_year") return static_cast<double>((day - sys_days(date.year() / 1 / 1)).count() + 1);
  if (f == "month") return static_cast<unsigned>(date.month());
  if (f == "year") return static_cast<double>(static_cast<int>(date.year()) + whole / kCycle * 400);
  return static_cast<unsigned>((date.year() / date.month() / last).day());
}

/// nullopt when `f` is no function of one number.
std::optional<Computed> of_number(std::string_view f, double x) {
  if (f == "abs") return Computed{std::abs(x)};
  if (f == "ceil") return Computed{std::ceil(x)};
  if (f == "floor") return Computed{std::floor(x)};
  if (f == "sgn") return Computed{x > 0 ? 1 : x < 0 ? -1 : x};
  if (f == "sqrt") return Computed{std::sqrt(x)};
  const std::pair<const char*, double (*)(double)> rounded[] = {
      {"exp", std::exp},   {"ln", std::log},      {"log2", std::log2},   {"log10", std::log10},
      {"sin", std::sin},   {"cos", std::cos},     {"tan", std::tan},     {"asin", std::asin},
      {"acos", std::acos}, {"atan", std::atan},   {"sinh", std::sinh},   {"cosh", std::cosh},
      {"tanh", std::tanh}, {"asinh", std::asinh}, {"acosh", std::acosh}, {"atanh", std::atanh}};
  for (const auto& [name, fn] : rounded) {
    if (f == name) return Computed{fn(x), false};
  }
  if (f == "deg") return Computed{x * 180 / std::numbers::pi, false};
  if (f == "rad") return Computed{x * std::numbers::pi / 180, false};
  return std::nullopt;
}

/// The larger and the smaller of two as IEEE 754-2008 orders them, NaN last but behind the deciding infinity.
double at_least(double x, double bound) {
  if (std::isinf(x) && x > 0) return x;
  if (std::isinf(bound) && bound > 0) return bound;
  return std::isnan(x) || std::isnan(bound) ? kNone : std::max(x, bound);
}
double at_most(double x, double bound) { return -at_least(-x, -bound); }

/// `$1` and `${1}` of a replacement; `$$` is a dollar.
std::string replaced(const std::string& with, const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (std::size_t i = 0; i < with.size(); ++i) {
    if (with[i] != '$' || i + 1 == with.size()) {
      out += with[i];
      continue;
    }
    const bool braces = with[++i] == '{';
    if (with[i] == '$') {
      out += '$';
      continue;
    }
    const auto group = static_cast<std::size_t>(with[braces ? i + 1 : i] - '0');
    if (group < groups.size()) out += std::string(groups[group].data() != nullptr ? groups[group] : "");
    if (braces) i += 2;
  }
  return out;
}

}  // namespace

Result<Value> Walk::call_over_range(const Expr& e, std::int64_t now_ms) {
  const bool param_first = e.text == "quantile_over_time";
  double param = 0;
  if (e.args.size() == 2) {
    TT_ASSIGN(param, number(*e.args[param_first ? 0 : 1], now_ms));
  }
  TT_ASSIGN(auto all, ranges(*e.args[param_first ? 1 : 0], now_ms));
  const bool named = e.text == "last_over_time" || e.text == "first_over_time";
  Value out;
  for (LabelledRange& r : all) {
    r.range.param = param;
    const auto computed = over_time(e.text, r.range, rules_);
    if (computed) out.vector.push_back({named ? r.labels : without_name(r.labels), settled(*computed)});
  }
  return distinct(std::move(out));
}

Result<Value> Walk::absent(const Expr& e, std::int64_t now_ms) {
  const Expr& arg = unwrap(*e.args[0]);
  Value out;
  if (e.text == "absent") {
    TT_ASSIGN(const Value v, eval(arg, now_ms));
    if (!v.vector.empty()) return out;
  } else {
    TT_ASSIGN(const auto all, ranges(arg, now_ms));
    if (!all.empty()) return out;
  }
  Labels labels;
  const Expr& selector = arg.kind == ExprKind::matrix_selector ? *arg.args[0] : arg;
  std::set<std::string> seen;
  for (const auto& m : selector.matchers) {
    if (m.name() == kMetricName) continue;
    if (m.op() == storage::MatchOp::eq && seen.insert(m.name()).second) {
      labels.set(m.name(), m.value());
    } else {
      labels.erase(m.name());
    }
  }
  if (selector.kind != ExprKind::vector_selector) labels = Labels();
  out.vector.push_back({labels, 1});
  return out;
}

Result<Value> Walk::histogram_quantile(const Expr& e, std::int64_t now_ms) {
  TT_ASSIGN(const double phi, number(*e.args[0], now_ms));
  TT_ASSIGN(const Value v, eval(*e.args[1], now_ms));
  std::map<Labels, std::vector<UpTo>> histograms;
  for (const Element& x : v.vector) {
    const std::string le(x.labels.get("le"));
    char* end = nullptr;
    const double upper = std::strtod(le.c_str(), &end);
    if (le.empty() || *end != '\0') continue;
    Labels key = x.labels;
    key.erase("le");
    histograms[key].push_back({upper, x.value});
  }
  Value out;
  for (const auto& [labels, buckets] : histograms)
    out.vector.push_back({without_name(labels), settled({quantile_of_buckets(phi, buckets), false})});
  return distinct(std::move(out));
}

Result<Value> Walk::change_labels(const Expr& e, std::int64_t now_ms) {
  TT_ASSIGN(Value v, eval(*e.args[0], now_ms));
  const auto text = [&](std::size_t i) { return unwrap(*e.args[i]).text; };
  if (e.text == "label_join") {
    for (Element& x : v.vector) {
      std::string joined;
      for (std::size_t i = 3; i < e.args.size(); ++i)
        joined += (i > 3 ? text(2) : "") + std::string(x.labels.get(text(i)));
      x.labels.set(text(1), joined);
    }
    return distinct(std::move(v));
  }
  const re2::RE2 re("(?s:" + text(4) + ")", re2::RE2::Quiet);
  if (!re.ok()) return fail(ErrorKind::execution, "invalid regular expression");
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(re.NumberOfCapturingGroups()) + 1);
  for (Element& x : v.vector) {
    const std::string source(x.labels.get(text(3)));
    if (re.Match(source, 0, source.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                 static_cast<int>(groups.size())))
      x.labels.set(text(1), replaced(text(2), groups));
  }
  return distinct(std::move(v));
}

/// Functions that make of each value another, or none.
Result<Value> Walk::map_values(const Expr& e, std::int64_t now_ms) {
  TT_ASSIGN(const Value v, eval(*e.args[0], now_ms));
  std::vector<double> params;
  for (std::size_t i = 1; i < e.args.size(); ++i) {
    TT_ASSIGN(const double x, number(*e.args[i], now_ms));
    params.push_back(x);
  }
  Value out;
  for (const Element& x : v.vector) {
    double y = 0;
    if (e.text == "clamp_min") {
      y = at_least(x.value, params[0]);
    } else if (e.text == "clamp_max") {
      y = at_most(x.value, params[0]);
    } else if (e.text == "clamp") {
      if (params[1] < params[0]) continue;
      y = at_least(at_most(x.value, params[1]), params[0]);
    } else if (e.text == "round") {
      const double inverse = 1 / (params.empty() ? 1 : params[0]);
      y = std::floor(x.value * inverse + 0.5) / inverse;
    } else if (e.text == "timestamp") {
      y = static_cast<double>(now_ms) / 1000;
    } else if (const auto computed = of_number(e.text, x.value)) {
      y = settled(*computed);
    } else if (const auto field = date_field(e.text, x.value)) {
      y = std::isfinite(x.value) ? *field : kNone;
    } else {
      return fail(ErrorKind::unsupported, "not in the naive evaluator");
    }
    out.vector.push_back({without_name(x.labels), y});
  }
  return distinct(std::move(out));
}

Result<Value> Walk::call(const Expr& e, std::int64_t now_ms) {
  const std::string& f = e.text;
  if (f.starts_with("absent")) return absent(e, now_ms);
  if (f == "histogram_quantile") return histogram_quantile(e, now_ms);
  if (f == "label_replace" || f == "label_join") return change_labels(e, now_ms);
  if (f == "sort" || f == "sort_desc") return eval(*e.args[0], now_ms);
  if (f == "timestamp" && unwrap(*e.args[0]).kind == ExprKind::vector_selector) {
    Value v = select(unwrap(*e.args[0]), now_ms, true);
    for (Element& x : v.vector) x.labels = without_name(x.labels);
    return distinct(std::move(v));
  }
  Value out;
  if (f == "time" || f == "pi") {
    out.type = ValueType::scalar;
    out.scalar = f == "pi" ? std::numbers::pi : static_cast<double>(now_ms) / 1000;
    return out;
  }
  if (e.args.empty()) {
    if (const auto field = date_field(f, static_cast<double>(now_ms) / 1000)) {
      out.vector.push_back({Labels(), *field});
      return out;
    }
    return fail(ErrorKind::unsupported, "not in the naive evaluator");
  }
  for (const ExprPtr& arg : e.args) {
    if (arg->type == ValueType::matrix) return call_over_range(e, now_ms);
  }
  if (f == "vector") {
    TT_ASSIGN(const double x, number(*e.args[0], now_ms));
    out.vector.push_back({Labels(), x});
    return out;
  }
  if (f == "scalar") {
    TT_ASSIGN(const Value v, eval(*e.args[0], now_ms));
    out.type = ValueType::scalar;
    out.scalar = v.vector.size() == 1 ? v.vector[0].value : kNone;
    return out;
  }
  return map_values(e, now_ms);
}

}  // namespace telltale::promql::naive
