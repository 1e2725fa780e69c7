#include "promql/conformance/runner.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <re2/re2.h>

#include "promql/conformance/pinned.hpp"
#include "promql/conformance/test_store.hpp"
#include "promql/engine.hpp"
#include "promql/lexer.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

std::string trimmed(std::string_view s) {
  const auto begin = s.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(s.substr(begin, s.find_last_not_of(" \t\r") - begin + 1));
}

std::string first_word(std::string& rest) {
  rest = trimmed(rest);
  const auto end = rest.find_first_of(" \t");
  const std::string word = rest.substr(0, end);
  rest = end == std::string::npos ? "" : trimmed(rest.substr(end));
  return word;
}

bool nearly(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b)) || std::abs(a - b) < 1e-300;
}

std::optional<double> number_of(std::string text) {
  double sign = 1;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    sign = text[0] == '-' ? -1 : 1;
    text.erase(0, 1);
  }
  auto tokens = lex(text);
  if (!tokens || tokens->size() != 2 || (*tokens)[0].kind != TokenKind::number) return std::nullopt;
  return sign * (*tokens)[0].number;
}

using Values = std::vector<std::optional<double>>;

/// `1 2 _ stale 0+10x5 _x3`, or nothing if it holds what we do not read.
std::optional<Values> series_values(std::string rest) {
  Values out;
  while (!rest.empty()) {
    const std::string word = first_word(rest);
    if (word == "stale") {
      out.push_back(stale_nan());
      continue;
    }
    const auto x = word.rfind('x');
    std::optional<double> times;
    if (x != std::string::npos) times = number_of(word.substr(x + 1));
    std::string base = times ? word.substr(0, x) : word;
    if (base == "_") {
      for (int i = 0; i < (times ? static_cast<int>(*times) : 1); ++i) out.push_back(std::nullopt);
      continue;
    }
    double delta = 0;
    if (times) {
      std::size_t sign = base.find_first_of("+-", 1);
      while (sign != std::string::npos && (base[sign - 1] == 'e' || base[sign - 1] == 'E')) {
        sign = base.find_first_of("+-", sign + 1);
      }
      if (sign != std::string::npos) {
        const auto d = number_of(base.substr(sign));
        if (!d) return std::nullopt;
        delta = *d;
        base.resize(sign);
      }
    }
    const auto start = number_of(base);
    if (!start) return std::nullopt;
    const int n = times ? static_cast<int>(*times) : 0;
    for (int i = 0; i <= n; ++i) out.push_back(i == 0 ? *start : *start + delta * i);
  }
  return out;
}

/// Cuts `metric{…} values` after the metric.
std::pair<std::string, std::string> cut_metric(const std::string& line) {
  bool quoted = false;
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == quote) quoted = false;
    } else if (c == '"' || c == '\'' || c == '`') {
      quoted = true;
      quote = c;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      --depth;
      if (depth == 0) return {line.substr(0, i + 1), trimmed(line.substr(i + 1))};
    } else if (depth == 0 && (c == ' ' || c == '\t')) {
      const std::string rest = trimmed(line.substr(i));
      if (!rest.empty() && rest[0] == '{' && !rest.starts_with("{{")) continue;
      return {line.substr(0, i), rest};
    }
  }
  return {line, ""};
}

struct Expectations {
  bool fail = false;
  bool ordered = false;
  bool range_vector = false;
  std::optional<std::string> text;
  std::vector<std::pair<std::string, std::string>> annotations;  // kind, rest
  std::vector<std::pair<Labels, Values>> series;
  std::optional<double> scalar;
  std::optional<std::string> unread;  // a line we could not read
};

class Run {
 public:
  Run(std::string_view text, std::string name, const Clock& clock)
      : name_(std::move(name)), clock_(clock), engine_(store_, engine_options()) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines_.push_back(trimmed(text.substr(begin, end - begin)));
      begin = end + 1;
    }
  }

  ConformanceReport run() {
    while (at_ < lines_.size()) {
      std::string line = lines_[at_];
      if (line.empty() || line[0] == '#') {
        ++at_;
        continue;
      }
      if (line == "clear") {
        store_.clear();
        histograms_.clear();
        ++at_;
      } else if (line.starts_with("load")) {
        load();
      } else if (line.starts_with("eval")) {
        eval();
      } else {
        report(at_, "unknown command: " + line, false);
        ++at_;
      }
    }
    return std::move(report_);
  }

 private:
  static EngineOptions engine_options() {
    EngineOptions options;
    options.delayed_name_removal = true;  // as the upstream files assume
    return options;
  }

  void report(std::size_t line, const std::string& what, bool histograms) {
    ++report_.failed;
    if (histograms) ++report_.need_histograms;
    report_.failures.push_back(name_ + ":" + std::to_string(line + 1) + ": " + what +
                               (histograms ? " [native histograms]" : ""));
  }

  void load() {
    std::string rest = lines_[at_++];
    const bool with_native = first_word(rest) == "load_with_nhcb";
    const std::int64_t step = static_cast<std::int64_t>(number_of(first_word(rest)).value_or(0) * 1000);
    for (; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      if (lines_[at_][0] == '#') continue;
      const auto [metric, values] = cut_metric(lines_[at_]);
      if (const auto bucket = metric.find("_bucket"); with_native && bucket != std::string::npos) {
        histograms_.insert(metric.substr(0, bucket));
      }
      auto labels = parse_metric(metric);
      const auto parsed = series_values(values);
      if (!labels || !parsed) {
        histograms_.insert(metric.substr(0, metric.find('{')));
        continue;
      }
      for (std::size_t i = 0; i < parsed->size(); ++i) {
        if ((*parsed)[i]) store_.add(*labels, static_cast<std::int64_t>(i) * step, *(*parsed)[i]);
      }
    }
  }

  Expectations expectations(bool fails) {
    Expectations out;
    out.fail = fails;
    for (; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      std::string line = lines_[at_];
      if (line[0] == '#') continue;
      if (line.starts_with("expected_fail")) continue;
      if (line.starts_with("expect ")) {
        first_word(line);
        const std::string kind = first_word(line);
        if (kind == "fail") out.fail = true;
        if (kind == "ordered") out.ordered = true;
        if (kind == "string") out.text = unquote(line).value_or(line);
        if (kind == "range") out.range_vector = true;
        out.annotations.emplace_back(kind, line);
        continue;
      }
      if (const auto scalar = number_of(line)) {
        out.scalar = scalar;
        continue;
      }
      const auto [metric, values] = cut_metric(line);
      auto labels = parse_metric(metric == "{}" ? "{}" : metric);
      auto parsed = series_values(values);
      if (!labels || !parsed) {
        out.unread = line;
      } else {
        out.series.emplace_back(*std::move(labels), *std::move(parsed));
      }
    }
    return out;
  }

  void eval() {
    const std::size_t line = at_;
    std::string rest = lines_[at_++];
    const std::string command = first_word(rest);
    const std::string kind = first_word(rest);
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t step = 60000;
    const auto ms = [&] {
      return static_cast<std::int64_t>(std::llround(number_of(first_word(rest)).value_or(0) * 1000));
    };
    if (kind == "instant") {
      first_word(rest);
      start = end = ms();
    } else {
      first_word(rest);
      start = ms();
      first_word(rest);
      end = ms();
      first_word(rest);
      step = ms();
    }
    const Expectations want = expectations(command == "eval_fail");
    const std::string why = check(rest, kind == "instant", start, end, step, want);
    if (why.empty()) {
      ++report_.passed;
      return;
    }
    bool needs = want.unread.has_value() || rest.find("histogram_") == 0;
    for (const std::string& metric : histograms_) needs = needs || rest.find(metric) != std::string::npos;
    report(line, rest + ": " + why, needs && !histograms_.empty());
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
      if (rest.starts_with("msg:") && message.find(trimmed(rest.substr(4))) == std::string::npos) {
        return "wrong error: " + message;
      }
      if (rest.starts_with("regex:") && !re2::RE2::PartialMatch(message, trimmed(rest.substr(6)))) {
        return "wrong error: " + message;
      }
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
        if (pattern.starts_with("msg:")) return a == trimmed(pattern.substr(4));
        if (pattern.starts_with("regex:")) return re2::RE2::PartialMatch(a, trimmed(pattern.substr(6)));
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
        seen += " | " + s.labels.to_string() + " " + format_value(s.samples[0].value);
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
      std::map<std::int64_t, double> expected;
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k]) expected[instant ? start : start + static_cast<std::int64_t>(k) * step] = *values[k];
      }
      if (expected.size() != it->samples.size()) return "wrong number of points in " + labels.to_string();
      for (const Sample& s : it->samples) {
        const auto e = expected.find(s.time.ms);
        if (e == expected.end()) return "unexpected point in " + labels.to_string();
        if (!nearly(e->second, s.value)) {
          return labels.to_string() + ": got " + format_value(s.value) + ", expected " +
                 format_value(e->second);
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
      Values present;
      for (const auto& v : values) {
        if (v) present.push_back(v);
      }
      if (present.size() != it->samples.size()) return "wrong number of points in " + labels.to_string();
      for (std::size_t i = 0; i < present.size(); ++i) {
        if (!nearly(*present[i], it->samples[i].value)) return "wrong value in " + labels.to_string();
      }
    }
    return "";
  }

  static std::string compare_middle(const QueryResult& instant, const QueryResult& range, std::int64_t at) {
    std::map<Labels, double> want;
    std::map<Labels, double> got;
    if (instant.type == ValueType::scalar) want[Labels()] = instant.scalar.value;
    if (range.type == ValueType::scalar) got[Labels()] = range.scalar.value;
    for (const auto& s : instant.series) want[s.labels] = s.samples[0].value;
    for (const auto& s : range.series) {
      for (const Sample& x : s.samples) {
        if (x.time.ms == at) got[s.labels] = x.value;
      }
    }
    if (want.size() != got.size()) return "different number of series";
    for (const auto& [labels, v] : want) {
      if (got.count(labels) == 0 || !nearly(got[labels], v))
        return "different value of " + labels.to_string();
    }
    return "";
  }

  const std::string name_;
  const Clock& clock_;
  TestStore store_;
  Engine engine_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  std::set<std::string> histograms_;
  ConformanceReport report_;
};

}  // namespace

ConformanceReport run_conformance(std::string_view text, const std::string& name, const Clock& clock) {
  return Run(text, name, clock).run();
}

}  // namespace telltale::promql
