// Functions over instant vectors and scalars.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <map>
#include <numbers>
#include <set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/promql_limits.hpp"
#include "base/text.hpp"
#include "promql/eval.hpp"
#include "promql/functions.hpp"

namespace telltale::promql {
namespace {

using MathFunction = double (*)(double);

MathFunction find_math(std::string_view name) {
  static const std::map<std::string_view, MathFunction> table = {
      {"abs", [](double x) { return std::fabs(x); }},
      {"acos", [](double x) { return std::acos(x); }},
      {"acosh", [](double x) { return std::acosh(x); }},
      {"asin", [](double x) { return std::asin(x); }},
      {"asinh", [](double x) { return std::asinh(x); }},
      {"atan", [](double x) { return std::atan(x); }},
      {"atanh", [](double x) { return std::atanh(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"cos", [](double x) { return std::cos(x); }},
      {"cosh", [](double x) { return std::cosh(x); }},
      {"deg", [](double x) { return x * 180 / std::numbers::pi; }},
      {"exp", [](double x) { return std::exp(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"ln", [](double x) { return std::log(x); }},
      {"log10", [](double x) { return std::log10(x); }},
      {"log2", [](double x) { return std::log2(x); }},
      {"rad", [](double x) { return x * std::numbers::pi / 180; }},
      {"sgn", [](double x) { return x < 0 ? -1.0 : (x > 0 ? 1.0 : x); }},
      {"sin", [](double x) { return std::sin(x); }},
      {"sinh", [](double x) { return std::sinh(x); }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"tan", [](double x) { return std::tan(x); }},
      {"tanh", [](double x) { return std::tanh(x); }}};
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

/// The calendar field of a Unix time, UTC.
double calendar(std::string_view field, double seconds) {
  if (!(std::abs(seconds) < 6e16)) return std::nan("");
  const auto t = static_cast<std::time_t>(seconds);
  std::tm tm{};
  if (gmtime_r(&t, &tm) == nullptr) return std::nan("");
  if (field == "year") return tm.tm_year + 1900;
  if (field == "month") return tm.tm_mon + 1;
  if (field == "day_of_month") return tm.tm_mday;
  if (field == "day_of_week") return tm.tm_wday;
  if (field == "day_of_year") return tm.tm_yday + 1;
  if (field == "hour") return tm.tm_hour;
  if (field == "minute") return tm.tm_min;
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int y = tm.tm_year + 1900;
  const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return kDays[tm.tm_mon] + (tm.tm_mon == 1 && leap ? 1 : 0);
}

bool is_calendar(std::string_view name) {
  static constexpr std::string_view kNames[] = {"days_in_month", "day_of_month", "day_of_week", "day_of_year",
                                                "hour",          "minute",       "month",       "year"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

StepVector constant(const Steps& steps, ValueType type) {
  StepVector out;
  out.type = type;
  if (type == ValueType::scalar) out.scalars.assign(steps.count, 0);
  if (type == ValueType::vector)
    out.series.push_back({Labels(), std::vector<double>(steps.count, 0), false, {}});
  return out;
}

/// Of histograms nothing is left, unless `any` says that the function asks nothing of the value.
template <class Fn>
void map_values(StepVector& v, Fn fn, bool any = false) {
  for (StepSeries& s : v.series) {
    s.drop_name = true;
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      if (is_absent(s.values[i])) continue;
      s.values[i] = !any && s.histogram(i) != nullptr ? absent_value() : fn(s.values[i], i);
    }
    s.histograms.clear();
  }
}

/// Go's Regexp.Expand: $1, ${1}, $name, ${name}, $$; unknown groups are empty. Ends soon after
/// limits::kMaxMadeLabelBytes.
std::string expand(const std::string& tmpl, const re2::RE2& re, const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (std::size_t i = 0; i < tmpl.size() && out.size() <= limits::kMaxMadeLabelBytes;) {
    if (tmpl[i] != '$' || i + 1 >= tmpl.size()) {
      out += tmpl[i++];
      continue;
    }
    if (tmpl[i + 1] == '$') {
      out += '$';
      i += 2;
      continue;
    }
    const bool braced = tmpl[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < tmpl.size() &&
           (std::isalnum(static_cast<unsigned char>(tmpl[end])) != 0 || tmpl[end] == '_'))
      ++end;
    if (end == begin || (braced && (end >= tmpl.size() || tmpl[end] != '}'))) {
      out += tmpl[i++];
      continue;
    }
    const std::string name = tmpl.substr(begin, end - begin);
    std::size_t group = groups.size();
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      group = name.size() > 4 ? groups.size() : static_cast<std::size_t>(std::stoi(name));
    } else if (const auto it = re.NamedCapturingGroups().find(name); it != re.NamedCapturingGroups().end()) {
      group = static_cast<std::size_t>(it->second);
    }
    if (group < groups.size() && groups[group].data() != nullptr) {
      out.append(groups[group].data(), groups[group].size());
    }
    i = end + (braced ? 1 : 0);
  }
  return out;
}

}  // namespace

Result<> Evaluator::set_label(StepSeries& s, const std::string& name, const std::string& value) {
  if (value.size() > limits::kMaxMadeLabelBytes) {
    return fail(ErrorKind::execution, fmt::format("label \"{}\" would be longer than {} bytes",
                                                  name.substr(0, 100), limits::kMaxMadeLabelBytes));
  }
  TT_TRY(context_.check());
  TT_TRY(context_.charge(sizeof(Label) + name.size() + value.size()));
  s.labels.set(name, value);
  if (name == kMetricName) s.drop_name = false;
  return {};
}

Result<StepVector> Evaluator::call(const Expr& e, const Steps& steps) {
  const std::string& f = e.text;
  if (f == "absent" || f == "absent_over_time") return absent(e, steps);
  if (f == "histogram_quantile" || f == "histogram_quantiles" || f == "histogram_fraction")
    return histogram(e, steps);
  if (f.starts_with("histogram_")) return histogram_statistic(e, steps);
  if (f == "info") return info(e, steps);
  if (f == "label_replace" || f == "label_join") return label_function(e, steps);
  if (f == "sort" || f == "sort_desc") return sorted(e, steps);
  if (f == "sort_by_label" || f == "sort_by_label_desc") return sorted_by_label(e, steps);
  if (f == "round" || f.starts_with("clamp")) return clamp_or_round(e, steps);
  if (find_function(f)->result == ValueType::scalar && f != "scalar" && f != "time" && f != "pi") {
    return query_function(e, steps);
  }
  if (f == "time" || f == "pi" || f == "timestamp" || f == "start_timestamp" || is_calendar(f))
    return time_function(e, steps);
  if (const WindowFunction fn = find_window_function(f)) {
    if (e.args.size() > 1) return over_range_with_params(e, steps, fn);
    return over_range(e, steps, unwrap(*e.args[0]), fn, nullptr);
  }
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  if (f == "vector") {
    StepVector out = constant(steps, ValueType::vector);
    out.series[0].values = std::move(v.scalars);
    return out;
  }
  if (f == "scalar") {
    StepVector out = constant(steps, ValueType::scalar);
    for (std::size_t i = 0; i < steps.count; ++i) {
      double found = std::nan("");
      int n = 0;
      for (const StepSeries& s : v.series) {
        if (is_absent(s.values[i]) || s.histogram(i) != nullptr) continue;
        found = s.values[i];
        ++n;
      }
      out.scalars[i] = n == 1 ? found : std::nan("");
    }
    return out;
  }
  const MathFunction math = find_math(f);
  if (math == nullptr) return fail(ErrorKind::internal, "function without code: " + f);
  map_values(v, [&](double x, std::size_t) { return math(x); });
  TT_TRY(finish(v.series, false));
  return v;
}

Result<StepVector> Evaluator::over_range_with_params(const Expr& e, const Steps& steps, WindowFunction fn) {
  const bool quantile = e.text == "quantile_over_time";
  TT_ASSIGN(const StepVector param, eval(*e.args[quantile ? 0 : 1], steps));
  StepVector second;
  if (e.text == "double_exponential_smoothing") {
    TT_ASSIGN(second, eval(*e.args[2], steps));
    for (const auto& [values, what] : {std::pair{&param.scalars, "smoothing"}, {&second.scalars, "trend"}}) {
      for (double x : *values) {
        if (x > 0 && x < 1) continue;
        return fail(ErrorKind::execution, std::string("invalid ") + what +
                                              " factor: expected a number between 0 and 1, got " +
                                              format_value(x));
      }
    }
  }
  TT_ASSIGN(StepVector out, over_range(e, steps, unwrap(*e.args[quantile ? 1 : 0]), fn, &param.scalars,
                                       second.scalars.empty() ? nullptr : &second.scalars));
  if (quantile && !out.series.empty()) {
    for (double phi : param.scalars) check_quantile(phi, *e.args[0]);
  }
  return out;
}

Result<StepVector> Evaluator::query_function(const Expr& e, const Steps& steps) {
  StepVector out = constant(steps, ValueType::scalar);
  if (e.args.empty()) {
    std::int64_t ms = outer_.step;
    if (e.text == "start") ms = outer_.start;
    if (e.text == "end") ms = outer_.end;
    if (e.text == "range") ms = outer_.end - outer_.start;
    out.scalars.assign(steps.count, static_cast<double>(ms) / 1000);
    return out;
  }
  TT_ASSIGN(const StepVector a, eval(*e.args[0], steps));
  TT_ASSIGN(const StepVector b, eval(*e.args[1], steps));
  for (std::size_t i = 0; i < steps.count; ++i) {
    const double x = a.scalars[i];
    const double y = b.scalars[i];
    out.scalars[i] = std::isnan(x) || std::isnan(y) ? std::nan("")
                                                    : (e.text == "min_of" ? std::min(x, y) : std::max(x, y));
  }
  return out;
}

Result<StepVector> Evaluator::time_function(const Expr& e, const Steps& steps) {
  if (e.text == "pi" || e.text == "time") {
    StepVector out = constant(steps, ValueType::scalar);
    for (std::size_t i = 0; i < steps.count; ++i) {
      out.scalars[i] = e.text == "pi" ? std::numbers::pi : static_cast<double>(steps.at(i)) / 1000;
    }
    return out;
  }
  const bool starts = e.text == "start_timestamp";
  StepVector v;
  if (e.args.empty()) {
    v = constant(steps, ValueType::vector);
    for (std::size_t i = 0; i < steps.count; ++i)
      v.series[0].values[i] = static_cast<double>(steps.at(i)) / 1000;
  } else if ((e.text == "timestamp" || starts) && unwrap(*e.args[0]).kind == ExprKind::vector_selector &&
             unwrap(*e.args[0]).extension == Extension::none) {
    TT_ASSIGN(v, selector(unwrap(*e.args[0]), steps, starts ? Read::start_times : Read::timestamps));
    map_values(v, [](double x, std::size_t) { return x; });
    TT_TRY(finish(v.series, false));
    return v;
  } else {
    TT_ASSIGN(v, eval(*e.args[0], steps));
    if (starts) return StepVector();  // of a computed value nobody knows when it began
  }
  const bool timestamp = e.text == "timestamp";
  map_values(
      v,
      [&](double x, std::size_t i) {
        return timestamp ? static_cast<double>(steps.at(i)) / 1000 : calendar(e.text, x);
      },
      timestamp);
  TT_TRY(finish(v.series, false));
  return v;
}

Result<StepVector> Evaluator::clamp_or_round(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  std::vector<std::vector<double>> p;
  for (std::size_t i = 1; i < e.args.size(); ++i) {
    TT_ASSIGN(StepVector arg, eval(*e.args[i], steps));
    p.push_back(std::move(arg.scalars));
  }
  // As Go's math.Max and math.Min: an infinity that decides wins over NaN.
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const auto low = [](double x, double min) {
    if (x == kInf || min == kInf) return kInf;
    return std::isnan(x) || std::isnan(min) ? std::nan("") : std::max(x, min);
  };
  const auto high = [](double x, double max) {
    if (x == -kInf || max == -kInf) return -kInf;
    return std::isnan(x) || std::isnan(max) ? std::nan("") : std::min(x, max);
  };
  map_values(v, [&](double x, std::size_t i) {
    if (e.text == "clamp_min") return low(x, p[0][i]);
    if (e.text == "clamp_max") return high(x, p[0][i]);
    if (e.text == "clamp") return p[1][i] < p[0][i] ? absent_value() : low(high(x, p[1][i]), p[0][i]);
    // Ties go up; multiplying by the inverse keeps 0.1 exact where dividing does not.
    const double inverse = 1 / (p.empty() ? 1 : p[0][i]);
    return std::floor(x * inverse + 0.5) / inverse;
  });
  TT_TRY(finish(v.series, false));
  return v;
}

Result<StepVector> Evaluator::absent(const Expr& e, const Steps& steps) {
  const Expr& arg = unwrap(*e.args[0]);
  StepVector v;
  if (e.text == "absent") {
    TT_ASSIGN(v, eval(arg, steps));
  } else {
    TT_ASSIGN(v, over_range(e, steps, arg, find_window_function("present_over_time"), nullptr));
  }
  StepVector out;
  StepSeries s;
  s.values.assign(steps.count, 1);
  for (const StepSeries& x : v.series) {
    for (std::size_t i = 0; i < steps.count; ++i) {
      if (!is_absent(x.values[i])) s.values[i] = absent_value();
    }
  }
  // The labels that the selector fixes by equality; one that another matcher names behind it, or that is
  // fixed twice, is not told.
  const Expr* selector = arg.kind == ExprKind::matrix_selector ? arg.args[0].get() : &arg;
  if (selector->kind == ExprKind::vector_selector) {
    std::set<std::string> fixed;
    for (const auto& m : selector->matchers) {
      if (m.name() == kMetricName) continue;
      const bool first = m.op() == storage::MatchOp::eq && fixed.insert(m.name()).second;
      s.labels.set(m.name(), first ? m.value() : "");
    }
  }
  out.series.push_back(std::move(s));
  TT_TRY(finish(out.series, false));
  return out;
}

Result<StepVector> Evaluator::label_function(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  std::vector<std::string> text;
  for (std::size_t i = 1; i < e.args.size(); ++i) text.push_back(unwrap(*e.args[i]).text);
  if (text[0].empty() || !is_utf8(text[0])) {
    return fail(ErrorKind::execution, "invalid destination label name in " + e.text + "(): " + text[0]);
  }
  if (e.text == "label_join") {
    for (StepSeries& s : v.series) {
      std::string joined;
      for (std::size_t i = 2; i < text.size() && joined.size() <= limits::kMaxMadeLabelBytes; ++i)
        joined += (i > 2 ? text[1] : "") + std::string(s.labels.get(text[i]));
      TT_TRY(set_label(s, text[0], joined));
    }
    TT_TRY(finish(v.series, false));
    return v;
  }
  const re2::RE2 re("^(?s:" + text[3] + ")$", re2::RE2::Quiet);
  if (!re.ok()) {
    return fail(ErrorKind::execution, "invalid regular expression in label_replace(): " + text[3]);
  }
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(re.NumberOfCapturingGroups()) + 1);
  for (StepSeries& s : v.series) {
    const std::string value(s.labels.get(text[2]));
    if (!re.Match(value, 0, value.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                  static_cast<int>(groups.size())))
      continue;
    TT_TRY(set_label(s, text[0], expand(text[1], re, groups)));
  }
  TT_TRY(finish(v.series, false));
  return v;
}

}  // namespace telltale::promql
