#include "logql/conformance/runner.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "logql/engine.hpp"
#include "logql/lexer.hpp"
#include "logql/units.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::logql {
namespace {

constexpr std::int64_t kCaseStart = 1'700'000'000;  // 2023-11-14T22:13:20Z

std::string case_trim(std::string_view s) {
  const auto begin = s.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(s.substr(begin, s.find_last_not_of(" \t\r") - begin + 1));
}

std::string take_word(std::string& rest) {
  rest = case_trim(rest);
  const auto end = rest.find_first_of(" \t");
  std::string word = rest.substr(0, end);
  rest = end == std::string::npos ? "" : case_trim(rest.substr(end));
  return word;
}

/// Text as it stands, or a string in double quotes with escapes.
std::string case_text(const std::string& s) {
  if (s.size() < 2 || s.front() != '"' || s.back() != '"') return s;
  const auto tokens = lex(s);
  if (!tokens || tokens->size() != 2 || (*tokens)[0].kind != TokenKind::string) return s;
  return (*tokens)[0].value;
}

/// `{a="b", c="d"}` at the front of `rest`.
std::optional<std::vector<Label>> take_labels(std::string& rest) {
  rest = case_trim(rest);
  if (rest.empty() || rest[0] != '{') return std::nullopt;
  bool quoted = false;
  std::size_t end = 1;
  for (; end < rest.size() && (quoted || rest[end] != '}'); ++end) {
    if (rest[end] == '\\')
      ++end;
    else if (rest[end] == '"')
      quoted = !quoted;
  }
  const std::string text = rest.substr(0, end + 1);
  const auto tokens = lex(text);
  if (!tokens) return std::nullopt;
  std::vector<Label> out;
  for (std::size_t i = 0; i + 2 < tokens->size(); ++i)
    if ((*tokens)[i].kind == TokenKind::word && (*tokens)[i + 1].is("="))
      out.push_back({std::string((*tokens)[i].text), (*tokens)[i + 2].value});
  rest = case_trim(rest.substr(std::min(end + 1, rest.size())));
  return out;
}

UnixNanos case_time(const std::string& text) {
  return UnixNanos::from_seconds(kCaseStart) + parse_any_duration(text).value_or(Nanos(0));
}

std::string show(const std::vector<Label>& labels) {
  std::string out;
  for (const Label& l : labels) out += (out.empty() ? "" : ", ") + l.name + "=" + quote(l.value);
  return "{" + out + "}";
}

std::vector<Label> all_labels(const LogEntry& e) {
  std::vector<Label> out = e.stream;
  out.insert(out.end(), e.metadata.begin(), e.metadata.end());
  out.insert(out.end(), e.parsed.begin(), e.parsed.end());
  std::sort(out.begin(), out.end());
  return out;
}

std::string show_number(double v) { return format_plain_float(v); }

bool nearly_same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

class CaseRun {
 public:
  CaseRun(std::string_view text, std::string file) : file_(std::move(file)) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines_.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
    clear();
  }

  CaseReport run() {
    while (at_ < lines_.size()) {
      const std::string line = case_trim(lines_[at_]);
      const std::size_t number = at_ + 1;
      ++at_;
      if (line.empty() || line[0] == '#') continue;
      std::string rest = line;
      const std::string word = take_word(rest);
      if (word == "clear") {
        clear();
      } else if (word == "rule") {
        rule_ = rest;
      } else if (word == "load") {
        load(number);
      } else if (word == "eval") {
        evaluate(number, rest);
      } else {
        failed(number, "unknown command " + word);
      }
    }
    return std::move(report_);
  }

 private:
  void clear() {
    store_ = std::make_unique<storage::MemoryEventStore>();
    sequence_ = 0;
  }
  void failed(std::size_t line, const std::string& what) {
    ++report_.failed;
    report_.failures.push_back(fmt::format("{}:{}: {}", file_, line, what));
  }

  /// The indented lines that follow.
  std::vector<std::string> body() {
    std::vector<std::string> out;
    for (; at_ < lines_.size(); ++at_) {
      const std::string& line = lines_[at_];
      if (line.empty() || (line[0] != ' ' && line[0] != '\t')) break;
      const std::string text = case_trim(line);
      if (!text.starts_with("#")) out.push_back(text);
    }
    return out;
  }

  /// `TIME {labels} [meta {…}] [parsed {…}] [ids service=x level=error] | line`.
  void load(std::size_t line) {
    storage::Batch batch;
    batch.project = ProjectId{1};
    for (std::string rest : body()) {
      EventRow row;
      row.project = ProjectId{1};
      row.time = case_time(take_word(rest));
      const auto labels = take_labels(rest);
      if (!labels) return failed(line, "load: labels as in {a=\"b\"} are missing");
      for (const Label& l : *labels) row.set(l.name, l.value, AttrKind::label);
      while (!rest.empty() && rest[0] != '|') {
        const std::size_t brace = std::min(rest.find('{'), rest.size());
        const std::string word = case_trim(rest.substr(0, brace));
        rest = rest.substr(brace);
        const auto more = take_labels(rest);
        if (!more) return failed(line, "load: unknown word " + word);
        for (const Label& l : *more) {
          if (word == "meta") row.set(l.name, l.value, AttrKind::metadata);
          if (word == "parsed") row.set(l.name, l.value, AttrKind::parsed);
          if (word == "ids") set_id(row, l);
        }
      }
      row.message = rest.size() > 1 ? case_text(case_trim(rest.substr(1))) : "";
      batch.rows(Table::logs).push_back(std::move(row));
    }
    if (!store_->apply(Sequence{++sequence_}, batch)) failed(line, "load failed");
  }
  static void set_id(EventRow& row, const Label& l) {
    if (l.name == "service") row.ids.service = l.value;
    if (l.name == "user_id") row.ids.user_id = l.value;
    if (l.name == "request_id") row.ids.request_id = l.value;
    if (l.name == "level") row.ids.level = level_from(l.value);
  }

  void evaluate(std::size_t line, const std::string& command) {
    const auto want = body();
    std::string what;
    if (rule_.empty()) {
      what = "no rule is cited above";
    } else if (const std::size_t colon = command.find(": "); colon == std::string::npos) {
      what = "a colon between the kind and the query is missing";
    } else {
      std::string options = command.substr(0, colon);
      const std::string kind = take_word(options);
      what = check(kind, options, case_trim(command.substr(colon + 2)), want);
    }
    if (what.empty()) {
      ++report_.passed;
    } else {
      failed(line, command + ": " + what);
    }
  }

  std::string check(const std::string& kind, std::string options, const std::string& query,
                    const std::vector<std::string>& want) {
    if (kind == "template") return check_template(options, query, want);
    const auto expr = parse(query);
    if (kind == "fails") return check_fails(expr, want);
    if (!expr) return expr.error().message();
    if (kind == "parses") return check_printed(*expr);
    if (kind == "format")
      return want.size() == 1 && format(*expr) == want[0] ? check_printed(*expr) : "got " + format(*expr);
    QueryRequest request;
    request.projects = {ProjectId{1}};
    request.start = UnixNanos::from_seconds(kCaseStart);
    request.end = request.start + std::chrono::hours(24);
    request.direction = storage::Order::oldest_first;
    request.limit = 1000;
    bool ordered = false;
    while (!options.empty()) {
      const std::string word = take_word(options);
      if (word == "backward") request.direction = storage::Order::newest_first;
      if (word == "ordered") ordered = true;
      if (word == "from") request.start = case_time(take_word(options));
      if (word == "to") request.end = case_time(take_word(options));
      if (word == "at") request.end = request.start = case_time(take_word(options));
      if (word == "step") request.step = parse_any_duration(take_word(options)).value_or(Nanos(0));
      if (word == "limit") request.limit = std::stoul(take_word(options));
    }
    WorkContext context(clock_, {});
    const auto result = telltale::logql::run(*store_, *expr, request, context);
    if (!result) return "failed: " + result.error().message();
    if (kind == "lines" || kind == "labels" || kind == "log") return check_entries(kind, *result, want);
    if (kind == "instant" || kind == "range") return check_series(*result, request, ordered, want);
    return "unknown kind " + kind;
  }

  std::string check_printed(const Expr& expr) {
    const std::string text = format(expr);
    const auto again = parse(text);
    if (!again) return "printed, it does not parse: " + text;
    return format(*again) == text ? "" : "printed twice, it differs: " + text;
  }

  std::string check_fails(const Result<Expr>& expr, const std::vector<std::string>& want) {
    std::string message;
    if (expr) {
      QueryRequest request;
      request.projects = {ProjectId{1}};
      request.start = UnixNanos::from_seconds(kCaseStart);
      request.end = request.start + std::chrono::minutes(1);
      WorkContext context(clock_, {});
      const auto result = telltale::logql::run(*store_, *expr, request, context);
      if (result) return "it works: " + format(*expr);
      message = result.error().message();
    } else {
      message = expr.error().message();
    }
    for (const std::string& part : want)
      if (message.find(part) == std::string::npos) return "other error: " + message;
    return "";
  }

  std::string check_template(std::string options, const std::string& text,
                             const std::vector<std::string>& want) {
    const auto labels = take_labels(options);
    EventRow row;
    row.time = UnixNanos::from_seconds(kCaseStart);
    row.message = options.empty() ? "the line" : case_text(options);
    if (labels)
      for (const Label& l : *labels) row.set(l.name, l.value, AttrKind::label);
    const auto expr = parse("{} | line_format " + quote(text));
    if (!expr) return expr.error().message();
    auto pipeline = Pipeline::compile(expr->log);
    LogEntry entry;
    if (!pipeline->process(row, entry)) return "filtered out";
    for (const Label& l : entry.parsed) {
      if (l.name != "__error__" && l.name != "__error_details__") continue;
      if (want.size() == 1 && want[0].starts_with("error")) {
        const std::string part = case_trim(want[0].substr(5));
        return l.name == "__error__" || l.value.find(part) != std::string::npos ? "" : l.value;
      }
      if (l.name == "__error_details__") return "error: " + l.value;
    }
    const std::string wanted = want.empty() ? "" : case_text(want[0]);
    return entry.line == wanted ? "" : "got " + quote(entry.line);
  }

  static std::string check_entries(const std::string& kind, const QueryResult& result,
                                   const std::vector<std::string>& want) {
    std::vector<std::string> got;
    for (const LogEntry& e : result.entries) {
      const std::string at = format_go_duration(e.time - UnixNanos::from_seconds(kCaseStart));
      if (kind == "lines") got.push_back(e.line);
      if (kind == "labels") got.push_back(show(all_labels(e)));
      if (kind == "log") got.push_back(at + " " + show(all_labels(e)) + " | " + e.line);
    }
    for (std::size_t i = 0; i < std::max(got.size(), want.size()); ++i) {
      if (i >= want.size()) return "too many, first " + got[i];
      if (i >= got.size()) return fmt::format("{} entries, missing {}", got.size(), want[i]);
      std::string expected = want[i];
      if (kind == "lines") expected = case_text(expected);
      if (kind == "labels") {
        auto labels = take_labels(expected);
        if (labels) std::sort(labels->begin(), labels->end());
        expected = labels ? show(*labels) : "unreadable " + expected;
      }
      if (kind == "log") {
        const std::string at =
            format_go_duration(parse_any_duration(take_word(expected)).value_or(Nanos(-1)));
        auto labels = take_labels(expected);
        if (!labels) return "unreadable " + want[i];
        std::sort(labels->begin(), labels->end());
        expected = at + " " + show(*labels) + " | " +
                   (expected.size() > 1 ? case_text(case_trim(expected.substr(1))) : "");
      }
      if (got[i] != expected) return "got " + got[i] + ", wanted " + expected;
    }
    return "";
  }

  static std::string check_series(const QueryResult& result, const QueryRequest& request, bool ordered,
                                  const std::vector<std::string>& want) {
    if (result.kind == ResultKind::scalar) {
      const auto v = want.size() == 1 ? parse_go_float(want[0]) : std::nullopt;
      return v && nearly_same(*v, result.scalar.value) ? ""
                                                       : "got the scalar " + show_number(result.scalar.value);
    }
    std::string all;
    for (const Series& s : result.series) {
      all += " | " + show(s.labels.items());
      for (const Point& p : s.points) all += " " + show_number(p.value);
    }
    if (result.series.size() != want.size()) return fmt::format("{} series{}", result.series.size(), all);
    for (std::size_t i = 0; i < want.size(); ++i) {
      std::string rest = want[i];
      const auto labels = take_labels(rest);
      if (!labels) return "unreadable " + want[i];
      const Labels wanted(*labels);
      const auto found = std::find_if(result.series.begin(), result.series.end(),
                                      [&](const Series& s) { return s.labels == wanted; });
      if (found == result.series.end()) return "missing " + show(*labels) + all;
      if (ordered && static_cast<std::size_t>(found - result.series.begin()) != i) return "other order" + all;
      std::size_t point = 0;
      UnixNanos t = request.step.count() == 0 ? request.end : request.start;
      while (!rest.empty()) {
        const std::string value = take_word(rest);
        const bool here = point < found->points.size() && found->points[point].time == t;
        if (value == "_" && here) return "a value too many in " + show(*labels) + all;
        if (value != "_") {
          const auto v = parse_go_float(value);
          if (!here || !v || !nearly_same(*v, found->points[point].value))
            return "other values in " + show(*labels) + all;
          ++point;
        }
        t = t + request.step;
      }
      if (point != found->points.size()) return "more values in " + show(*labels) + all;
    }
    return "";
  }

  const std::string file_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  std::string rule_;
  FakeClock clock_;
  std::unique_ptr<storage::MemoryEventStore> store_;
  std::uint64_t sequence_ = 0;
  CaseReport report_;
};

}  // namespace

CaseReport run_cases(std::string_view text, const std::string& file) { return CaseRun(text, file).run(); }

}  // namespace telltale::logql
