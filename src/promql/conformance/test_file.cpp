#include "promql/conformance/test_file.hpp"

#include <cmath>

#include "promql/conformance/classic_buckets.hpp"
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

class TestFileReader {
 public:
  explicit TestFileReader(std::string_view text) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines_.push_back(trimmed(text.substr(begin, end - begin)));
      begin = end + 1;
    }
  }

  std::vector<TestCommand> read() {
    while (at_ < lines_.size()) {
      const std::string line = lines_[at_];
      if (line.empty() || line[0] == '#') {
        ++at_;
      } else if (line == "clear") {
        add(TestCommand::Kind::clear);
        ++at_;
      } else if (line.starts_with("load")) {
        load();
      } else if (line.starts_with("eval")) {
        eval();
      } else {
        broken("unknown command: " + line);
        ++at_;
      }
    }
    return std::move(commands_);
  }

 private:
  TestCommand& add(TestCommand::Kind kind) {
    commands_.emplace_back();
    commands_.back().kind = kind;
    commands_.back().line = at_;
    return commands_.back();
  }
  void broken(std::string problem) { add(TestCommand::Kind::broken).problem = std::move(problem); }

  void load() {
    std::string rest = lines_[at_];
    TestCommand out;
    out.kind = TestCommand::Kind::load;
    out.line = at_++;
    const bool with_native = first_word(rest) == "load_with_nhcb";
    const auto step = static_cast<std::int64_t>(signed_number(first_word(rest)).value_or(0) * 1000);
    ClassicBuckets classic;
    for (; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      if (lines_[at_][0] == '#') continue;
      auto [metric, values] = cut_metric(lines_[at_]);
      const bool starts = metric.ends_with("@st") || values.starts_with("@st");
      if (metric.ends_with("@st")) metric.resize(metric.size() - 3);
      if (values.starts_with("@st")) values.erase(0, 3);
      auto labels = parse_metric(metric);
      auto loaded = !labels  ? Result<>(tl::unexpected(labels.error()))
                    : starts ? load_starts(out, *labels, values, step)
                             : load_samples(out, *labels, values, step, with_native ? &classic : nullptr);
      if (!loaded) broken(loaded.error().message());
    }
    for (auto& sample : classic.native()) out.loads.push_back(std::move(sample));
    commands_.push_back(std::move(out));
  }

  static Result<> load_starts(TestCommand& out, const Labels& labels, const std::string& text,
                              std::int64_t step) {
    TT_ASSIGN(const auto offsets, read_start_offsets(text));
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const std::int64_t time = static_cast<std::int64_t>(i) * step;
      if (offsets[i]) out.starts.push_back({labels, time, time + *offsets[i]});
    }
    return {};
  }

  static Result<> load_samples(TestCommand& out, const Labels& labels, const std::string& text,
                               std::int64_t step, ClassicBuckets* classic) {
    TT_ASSIGN(const SeriesItems items, read_series_items(text));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i]) continue;
      const std::int64_t time = static_cast<std::int64_t>(i) * step;
      out.loads.emplace_back(labels, Sample{UnixMillis{time}, items[i]->value, {}, items[i]->histogram});
      if (classic != nullptr) classic->add(labels, time, items[i]->value);
    }
    return {};
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
      if (const auto scalar = signed_number(line)) {
        out.scalar = scalar;
        continue;
      }
      const auto [metric, values] = cut_metric(line);
      auto labels = parse_metric(metric == "{}" ? "{}" : metric);
      auto parsed = read_series_items(values);
      if (!labels || !parsed) {
        out.unread = line;
      } else {
        out.series.emplace_back(*std::move(labels), *std::move(parsed));
      }
    }
    return out;
  }

  void eval() {
    TestCommand out;
    out.kind = TestCommand::Kind::eval;
    out.line = at_;
    std::string rest = lines_[at_++];
    const std::string command = first_word(rest);
    TestEval& e = out.eval;
    e.instant = first_word(rest) == "instant";
    const auto ms = [&] {
      first_word(rest);  // at, from, to, step
      return static_cast<std::int64_t>(std::llround(signed_number(first_word(rest)).value_or(0) * 1000));
    };
    e.start = e.end = ms();
    if (!e.instant) {
      e.end = ms();
      e.step = ms();
    }
    e.expr = rest;
    e.want = expectations(command == "eval_fail");
    commands_.push_back(std::move(out));
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  std::vector<TestCommand> commands_;
};

}  // namespace

std::vector<TestCommand> read_test_file(std::string_view text) { return TestFileReader(text).read(); }

std::pair<std::string, std::string> expected_pattern(const std::string& rest) {
  for (const std::string kind : {"msg", "regex"}) {
    if (rest.starts_with(kind + ":")) return {kind, trimmed(rest.substr(kind.size() + 1))};
  }
  return {"", rest};
}

}  // namespace telltale::promql
