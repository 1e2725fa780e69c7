#include "promql/conformance/runner.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <re2/re2.h>

#include "model/histogram_math.hpp"
#include "promql/conformance/pinned.hpp"
#include "promql/conformance/test_file.hpp"
#include "promql/conformance/test_store.hpp"
#include "promql/engine.hpp"
#include "promql/native_histogram.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

bool nearly(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b)) || std::abs(a - b) < 1e-300;
}

bool nearly(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return nearly(x, y); });
}

/// Layouts without empty buckets are the same, counts nearly so. A hint counts where the file names it.
bool nearly(const SeriesItem& want, const Histogram& got) {
  Histogram a = *want.histogram;
  Histogram b = got;
  compact(a);
  compact(b);
  return (!want.hint_written || a.reset_hint == b.reset_hint) && a.schema == b.schema &&
         nearly(a.zero_threshold, b.zero_threshold) && nearly(a.count, b.count) && nearly(a.sum, b.sum) &&
         nearly(a.zero_count, b.zero_count) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans && nearly(a.positive, b.positive) &&
         nearly(a.negative, b.negative) && nearly(a.custom_values, b.custom_values);
}

bool nearly(const SeriesItem& want, double value, const Histogram* histogram) {
  if ((want.histogram == nullptr) != (histogram == nullptr)) return false;
  return histogram != nullptr ? nearly(want, *histogram) : nearly(want.value, value);
}

std::string shown(double v, const Histogram* h) {
  if (h == nullptr) return format_value(v);
  static constexpr std::string_view kHints[] = {"unknown", "reset", "not_reset", "gauge"};
  return to_text(*h) + " schema " + std::to_string(h->schema) + " zero " + format_value(h->zero_threshold) +
         " " + std::string(kHints[static_cast<int>(h->reset_hint)]);
}

class Run {
 public:
  Run(std::string name, const Clock& clock)
      : name_(std::move(name)), clock_(clock), engine_(store_, engine_options()) {}

  ConformanceReport run(const std::vector<TestCommand>& commands) {
    for (const TestCommand& c : commands) {
      switch (c.kind) {
        case TestCommand::Kind::clear:
          store_.clear();
          break;
        case TestCommand::Kind::load:
          for (const auto& [labels, sample] : c.loads) store_.add(labels, sample);
          for (const TestStart& s : c.starts) store_.add_start(s.labels, s.time_ms, s.start_ms);
          break;
        case TestCommand::Kind::eval:
          eval(c);
          break;
        case TestCommand::Kind::broken:
          report(c.line, c.problem);
          break;
      }
    }
    return std::move(report_);
  }

 private:
  /// All that the upstream files assume. Counters are told by their name there.
  static EngineOptions engine_options() {
    EngineOptions options;
    for (const Feature f :
         {Feature::experimental_functions, Feature::extended_range_selectors, Feature::binop_fill_modifiers,
          Feature::delayed_name_removal, Feature::start_timestamps})
      options.features.add(f);
    return options;
  }

  void report(std::size_t line, const std::string& what) {
    ++report_.failed;
    report_.failures.push_back(name_ + ":" + std::to_string(line + 1) + ": " + what);
  }

  void eval(const TestCommand& c) {
    const TestEval& e = c.eval;
    const std::string why = check(e.expr, e.instant, e.start, e.end, e.step, e.want);
    if (why.empty()) {
      ++report_.passed;
      return;
    }
    report(c.line, e.expr + ": " + why);
  }

  std::string check(const std::string& expr, bool instant, std::int64_t start, std::int64_t end,
                    std::int64_t step, const Expectations& want) {
    WorkContext context(clock_, {});
    auto got = instant ? engine_.instant(expr, {}, {start}, context)
                       : engine_.range(expr, {}, {start}, {end}, Millis(step), context);
    if (!got) {
      if (!want.fail) return "failed: " + got.error().message();
      return check_message(want, got.error().message());
    }
    if (want.fail) return "expected to fail";
    if (want.unread) return "cannot read expected line: " + *want.unread;
    if (std::string why = check_annotations(want, *got); !why.empty()) return why;
    std::string why = compare(want, *got, instant, start, step);
    if (!why.empty() || !instant || want.ordered || got->type == ValueType::matrix ||
        got->type == ValueType::string) {
      return why;
    }
    for (std::string_view word : {"start()", "end()", "range()", "step()"}) {
      if (expr.find(word) != std::string::npos) return "";
    }
    auto ranged = engine_.range(expr, {}, {start - 60000}, {start + 60000}, Millis(60000), context);
    if (!ranged) return "as a range: " + ranged.error().message();
    why = compare_middle(*got, *ranged, start);
    return why.empty() ? check_pinned(expr, *got, start) : "as a range: " + why;
  }

  /// With `@` at each selector the answer is the same at any other time.
  std::string check_pinned(const std::string& expr, const QueryResult& got, std::int64_t start) {
    const auto text = pinned_text(expr, start);
    if (!text) return "";
    for (const std::int64_t shift : {-25 * 3600000LL, 90001LL}) {
      WorkContext context(clock_, {});
      const auto other = engine_.instant(*text, {}, {start + shift}, context);
      if (!other) return "as " + *text + ": " + other.error().message();
      if (std::string why = compare_middle(got, *other, start + shift); !why.empty()) {
        return "as " + *text + ": " + why;
      }
    }
    return "";
  }

  static std::string check_message(const Expectations& want, const std::string& message) {
    for (const auto& [kind, rest] : want.annotations) {
      if (kind != "fail") continue;
      const auto [how, pattern] = expected_pattern(rest);
      if (how == "msg" && message.find(pattern) == std::string::npos) return "wrong error: " + message;
      if (how == "regex" && !re2::RE2::PartialMatch(message, pattern)) return "wrong error: " + message;
    }
    return "";
  }

  static std::string check_annotations(const Expectations& want, const QueryResult& got) {
    for (const auto& [kind, rest] : want.annotations) {
      const bool warn = kind == "warn" || kind == "no_warn";
      if (!warn && kind != "info" && kind != "no_info") continue;
      const auto& list = warn ? got.warnings : got.infos;
      if (kind.starts_with("no_")) {
        if (!list.empty()) return "unexpected annotation: " + list[0];
        continue;
      }
      const bool found = std::any_of(list.begin(), list.end(), [&, &pattern = rest](const std::string& a) {
        const auto [how, wanted] = expected_pattern(pattern);
        if (how == "msg") return a == wanted;
        if (how == "regex") return re2::RE2::PartialMatch(a, wanted);
        return true;
      });
      if (!found) return "missing " + kind + " " + rest + (list.empty() ? "" : ", got " + list[0]);
    }
    return "";
  }

  static std::string compare(const Expectations& want, const QueryResult& got, bool instant,
                             std::int64_t start, std::int64_t step) {
    if (want.text) return got.text == *want.text ? "" : "got string " + got.text;
    if (got.type == ValueType::scalar) {
      if (want.scalar && nearly(*want.scalar, got.scalar.value)) return "";
      return "got scalar " + format_value(got.scalar.value);
    }
    if (want.range_vector) return compare_raw(want, got);
    if (want.series.size() != got.series.size()) {
      std::string seen = "got " + std::to_string(got.series.size()) + " series, expected " +
                         std::to_string(want.series.size());
      for (const auto& s : got.series)
        seen += " | " + s.labels.to_string() + " " + shown(s.samples[0].value, s.histogram(0).get());
      return seen;
    }
    for (std::size_t i = 0; i < want.series.size(); ++i) {
      const auto& [labels, values] = want.series[i];
      const auto it = std::find_if(got.series.begin(), got.series.end(),
                                   [&, &l = labels](const auto& s) { return s.labels == l; });
      if (it == got.series.end())
        return "missing series " + labels.to_string() + ", got " + got.series[0].labels.to_string();
      if (want.ordered && static_cast<std::size_t>(it - got.series.begin()) != i)
        return "wrong order at " + labels.to_string();
      std::map<std::int64_t, SeriesItem> expected;
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k]) expected[instant ? start : start + static_cast<std::int64_t>(k) * step] = *values[k];
      }
      if (expected.size() != it->samples.size()) return "wrong number of points in " + labels.to_string();
      for (std::size_t k = 0; k < it->samples.size(); ++k) {
        const ResultPoint& s = it->samples[k];
        const Histogram* h = it->histogram(k).get();
        const auto e = expected.find(s.time.ms);
        if (e == expected.end()) return "unexpected point in " + labels.to_string();
        if (!nearly(e->second, s.value, h)) {
          return labels.to_string() + ": got " + shown(s.value, h) + ", expected " +
                 shown(e->second.value, e->second.histogram.get());
        }
      }
    }
    return "";
  }

  static std::string compare_raw(const Expectations& want, const QueryResult& got) {
    if (want.series.size() != got.series.size()) return "wrong number of series in the range vector";
    for (const auto& [labels, values] : want.series) {
      const auto it = std::find_if(got.series.begin(), got.series.end(),
                                   [&, &l = labels](const auto& s) { return s.labels == l; });
      if (it == got.series.end()) return "missing series " + labels.to_string();
      SeriesItems present;
      for (const auto& v : values) {
        if (v) present.push_back(v);
      }
      if (present.size() != it->samples.size()) return "wrong number of points in " + labels.to_string();
      for (std::size_t i = 0; i < present.size(); ++i) {
        if (!nearly(*present[i], it->samples[i].value, it->histogram(i).get()))
          return "wrong value in " + labels.to_string();
      }
    }
    return "";
  }

  static std::string compare_middle(const QueryResult& instant, const QueryResult& range, std::int64_t at) {
    std::map<Labels, SeriesItem> want;
    std::map<Labels, SeriesItem> got;
    if (instant.type == ValueType::scalar) want[Labels()].value = instant.scalar.value;
    if (range.type == ValueType::scalar) got[Labels()].value = range.scalar.value;
    for (const auto& s : instant.series) want[s.labels] = {s.samples[0].value, s.histogram(0), false};
    for (const auto& s : range.series) {
      for (std::size_t i = 0; i < s.samples.size(); ++i) {
        if (s.samples[i].time.ms == at) got[s.labels] = {s.samples[i].value, s.histogram(i), false};
      }
    }
    if (want.size() != got.size()) return "different number of series";
    for (const auto& [labels, v] : want) {
      if (got.count(labels) == 0 || !nearly(v, got[labels].value, got[labels].histogram.get()))
        return "different value of " + labels.to_string();
    }
    return "";
  }

  const std::string name_;
  const Clock& clock_;
  TestStore store_;
  Engine engine_;
  ConformanceReport report_;
};

}  // namespace

ConformanceReport run_conformance(std::string_view text, const std::string& name, const Clock& clock) {
  return Run(name, clock).run(read_test_file(text));
}

}  // namespace telltale::promql
