// One pass, line by line, with a cursor in the line. The two formats differ in what a comment may be, in the
// unit of timestamps, and in how strict white space is.
#include "wire/prometheus/text.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::wire::prometheus {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_label_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_label_char(char c) { return is_label_start(c) || (c >= '0' && c <= '9'); }
bool is_metric_start(char c) { return is_label_start(c) || c == ':'; }
bool is_metric_char(char c) { return is_label_char(c) || c == ':'; }

std::string quoted_excerpt(std::string_view s) { return '"' + std::string(truncate_utf8(s, 40)) + '"'; }

/// Go's ParseFloat, as far as exporters use it. nullopt when it is no number.
std::optional<double> parse_number(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || text.front() == '-' || text.front() == '+') return std::nullopt;
  double v = 0;
  auto format = std::chars_format::general;
  if (text.size() > 2 && text[0] == '0' && (text[1] | 32) == 'x') {
    format = std::chars_format::hex;
    text.remove_prefix(2);
  }
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v, format);
  if (end != text.data() + text.size() || text.back() == ')') return std::nullopt;  // "nan(x)" is C, not Go
  if (ec == std::errc::result_out_of_range) return std::nullopt;
  if (ec != std::errc{}) return std::nullopt;
  if (std::isnan(v)) return std::numeric_limits<double>::quiet_NaN();
  return negative ? -v : v;
}

using Status = Result<void>;
tl::unexpected<Error> bad(std::string what) { return fail(ErrorKind::invalid_argument, std::move(what)); }

/// A place in one line.
class LineCursor {
 public:
  explicit LineCursor(std::string_view line) : line_(line) {}

  bool at_end() const { return at_ >= line_.size(); }
  char peek() const { return at_end() ? '\0' : line_[at_]; }
  std::size_t position() const { return at_; }
  std::string_view rest() const { return line_.substr(at_); }
  std::string_view from(std::size_t start) const { return line_.substr(start, at_ - start); }
  void skip_blanks() {
    while (!at_end() && is_blank(line_[at_])) ++at_;
  }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view take_word() {
    const std::size_t start = at_;
    while (!at_end() && !is_blank(line_[at_])) ++at_;
    return from(start);
  }
  template <class First, class Other>
  std::string_view take_name(First first, Other other) {
    const std::size_t start = at_;
    if (!at_end() && first(line_[at_]))
      while (!at_end() && other(line_[at_])) ++at_;
    return from(start);
  }
  /// A quoted string with the escapes \\ \" \n; other escapes stay as they are.
  Result<std::string> take_quoted() {
    if (!take('"')) return bad("expected '\"'");
    std::string out;
    while (!at_end() && line_[at_] != '"') {
      if (line_[at_] == '\\' && at_ + 1 < line_.size()) {
        const char c = line_[at_ + 1];
        if (c == 'n') {
          out += '\n';
        } else if (c == '\\' || c == '"') {
          out += c;
        } else {
          out += line_.substr(at_, 2);
        }
        at_ += 2;
      } else {
        out += line_[at_++];
      }
    }
    if (!take('"')) return bad("a quoted string is not closed");
    if (!is_utf8(out)) return bad("a quoted string is not valid UTF-8");
    return out;
  }

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

/// The braces and what is in them. A quoted string without '=' is the metric's name, allowed once and only
/// when `name` is still empty.
Status read_label_set(LineCursor& in, std::string& name, std::vector<Label>& labels, bool allow_name) {
  in.take('{');
  in.skip_blanks();
  while (!in.take('}')) {
    const bool quoted = in.peek() == '"';
    std::string label;
    if (quoted) {
      TT_ASSIGN(label, in.take_quoted());
    } else {
      label = in.take_name(is_label_start, is_label_char);
    }
    if (label.empty()) return bad("expected a label name at " + quoted_excerpt(in.rest()));
    in.skip_blanks();
    if (in.take('=')) {
      in.skip_blanks();
      TT_ASSIGN(std::string value, in.take_quoted());
      labels.push_back({std::move(label), std::move(value)});
    } else if (quoted && allow_name && name.empty()) {
      name = std::move(label);
    } else {
      return bad("expected '=' after label " + quoted_excerpt(label));
    }
    in.skip_blanks();
    if (in.take(',')) {
      in.skip_blanks();
    } else if (in.peek() != '}') {
      return bad("expected ',' or '}' at " + quoted_excerpt(in.rest()));
    }
  }
  return {};
}

Result<Labels> read_series(LineCursor& in) {
  std::string name(in.take_name(is_metric_start, is_metric_char));
  std::vector<Label> labels;
  const std::size_t after_name = in.position();
  in.skip_blanks();
  if (in.peek() == '{') {
    TT_TRY(read_label_set(in, name, labels, name.empty()));
  } else if (in.position() == after_name && !in.at_end()) {
    return bad("expected a metric name at " + quoted_excerpt(in.rest()));
  }
  if (name.empty()) return bad("the sample has no metric name");
  labels.push_back({std::string(kMetricName), std::move(name)});
  const std::size_t sent = labels.size();
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < sent; ++i)
    if (labels[i].name == labels[i - 1].name)
      return bad("label " + quoted_excerpt(labels[i].name) + " stands twice");
  return Labels(std::move(labels));
}

class ScrapeParser {
 public:
  ScrapeParser(std::string_view body, TextFormat format)
      : body_(body), openmetrics_(format == TextFormat::openmetrics) {}

  Result<Scrape> run() {
    std::size_t line_number = 0;
    while (!body_.empty()) {
      ++line_number;
      const std::size_t end = body_.find('\n');
      const std::string_view line = body_.substr(0, end);
      body_.remove_prefix(end == std::string_view::npos ? body_.size() : end + 1);
      if (auto status = read_line(line); !status)
        return tl::unexpected(std::move(status).error().within("line " + std::to_string(line_number)));
    }
    if (openmetrics_ && !eof_)
      return bad("line " + std::to_string(line_number + 1) + ": the data does not end with # EOF");
    return std::move(out_);
  }

 private:
  Status read_line(std::string_view line) {
    if (eof_) return bad("text after # EOF");
    if (openmetrics_ && line.empty()) return bad("an empty line");
    LineCursor in(line);
    if (!openmetrics_) in.skip_blanks();
    if (in.at_end()) return {};
    if (in.peek() == '#') return openmetrics_ ? read_openmetrics_comment(line) : read_comment(in);
    return read_sample(in);
  }

  Status read_comment(LineCursor in) {
    in.take('#');
    in.skip_blanks();
    const std::string_view keyword = in.take_word();
    if (keyword != "HELP" && keyword != "TYPE") return {};
    in.skip_blanks();
    TT_ASSIGN(const std::string name, family_name(in));
    in.skip_blanks();
    if (keyword == "HELP") {
      family(name).help = unescape_help(in.rest());
      return {};
    }
    const std::string_view word = in.take_word();
    in.skip_blanks();
    if (!in.at_end()) return bad("text after the type of " + name);
    return set_type(name, word);
  }

  Status read_openmetrics_comment(std::string_view line) {
    if (line == "# EOF") {
      eof_ = true;
      return {};
    }
    LineCursor in(line);
    if (!in.take("# ")) return bad("expected \"# \"");
    const std::string_view keyword = in.take_word();
    if (keyword != "HELP" && keyword != "TYPE" && keyword != "UNIT")
      return bad("expected HELP, TYPE, UNIT or EOF after '#'");
    if (!in.take(' ')) return bad("expected one space after " + std::string(keyword));
    TT_ASSIGN(const std::string name, family_name(in));
    if (!in.take(' ') && !in.at_end()) return bad("expected one space after the name");
    if (keyword == "HELP") {
      family(name).help = unescape_help(in.rest());
      return {};
    }
    if (keyword == "TYPE") return set_type(name, in.rest());
    const std::string_view unit = in.rest();
    if (!unit.empty() && !name.ends_with("_" + std::string(unit)))
      return bad("unit " + quoted_excerpt(unit) + " is not a suffix of metric " + name);
    family(name).unit = unit;
    return {};
  }

  Status read_sample(LineCursor in) {
    ScrapedSample sample;
    const std::size_t start = in.position();
    TT_ASSIGN(sample.labels, read_series(in));
    sample.series = in.from(start);
    while (!sample.series.empty() && is_blank(sample.series.back())) sample.series.remove_suffix(1);
    in.skip_blanks();
    TT_ASSIGN(sample.value, read_number(in, "value"));
    in.skip_blanks();
    if (!in.at_end() && in.peek() != '#') {
      TT_ASSIGN(sample.time, read_time(in));
      in.skip_blanks();
    }
    if (openmetrics_ && in.take('#')) TT_TRY(skip_exemplar(in));
    if (!in.at_end()) return bad("text after the sample: " + quoted_excerpt(in.rest()));
    out_.samples.push_back(std::move(sample));
    return {};
  }

  Status skip_exemplar(LineCursor& in) {
    in.skip_blanks();
    if (in.peek() != '{') return bad("exemplar: expected '{'");
    std::string name;
    std::vector<Label> labels;
    TT_TRY(read_label_set(in, name, labels, false));
    in.skip_blanks();
    TT_ASSIGN([[maybe_unused]] const double value, read_number(in, "exemplar value"));
    in.skip_blanks();
    if (in.at_end()) return {};
    TT_ASSIGN([[maybe_unused]] const UnixMillis time, read_time(in));
    in.skip_blanks();
    return {};
  }

  static Result<double> read_number(LineCursor& in, std::string_view what) {
    const std::string_view word = in.take_word();
    const auto v = parse_number(word);
    if (!v) return bad(std::string(what) + ": expected a number, not " + quoted_excerpt(word));
    return *v;
  }

  Result<UnixMillis> read_time(LineCursor& in) const {
    const std::string_view word = in.take_word();
    if (openmetrics_) {
      const auto seconds = parse_number(word);
      if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) > 9e15)
        return bad("timestamp: expected seconds, not " + quoted_excerpt(word));
      return UnixMillis{static_cast<std::int64_t>(*seconds * 1000)};
    }
    std::int64_t ms = 0;
    const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
    if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size())
      return bad("timestamp: expected whole milliseconds, not " + quoted_excerpt(word));
    return UnixMillis{ms};
  }

  static Result<std::string> family_name(LineCursor& in) {
    if (in.peek() == '"') return in.take_quoted();
    std::string name(in.take_name(is_metric_start, is_metric_char));
    if (name.empty() || !(in.at_end() || is_blank(in.peek())))
      return bad("expected a metric name at " + quoted_excerpt(in.rest()));
    return name;
  }

  std::string unescape_help(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (text[i] == '\\' && (next == '\\' || next == 'n' || (openmetrics_ && next == '"'))) {
        out += next == 'n' ? '\n' : next;
        ++i;
      } else {
        out += text[i];
      }
    }
    return is_utf8(out) ? out : repair_utf8(out);
  }

  Status set_type(const std::string& name, std::string_view word) {
    struct TypeWord {
      std::string_view word;
      MetricType type;
    };
    static constexpr TypeWord kTypes[] = {
        {"counter", MetricType::counter},     {"gauge", MetricType::gauge},
        {"histogram", MetricType::histogram}, {"gaugehistogram", MetricType::gauge_histogram},
        {"summary", MetricType::summary},     {"info", MetricType::info},
        {"stateset", MetricType::stateset},   {"unknown", MetricType::unknown},
        {"untyped", MetricType::unknown},
    };
    for (const TypeWord& t : kTypes) {
      if (t.word != word) continue;
      family(name).type = t.type;
      return {};
    }
    return bad("unknown metric type " + quoted_excerpt(word));
  }

  MetricMetadata& family(const std::string& name) {
    const auto [it, added] = families_.try_emplace(name, out_.metadata.size());
    if (added) out_.metadata.push_back({name, MetricType::unknown, {}, {}});
    return out_.metadata[it->second];
  }

  std::string_view body_;
  const bool openmetrics_;
  bool eof_ = false;
  Scrape out_;
  std::unordered_map<std::string, std::size_t> families_;
};

}  // namespace

Result<TextFormat> text_format_from(std::string_view content_type, std::optional<TextFormat> fallback) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && is_blank(type.back())) type.remove_suffix(1);
  while (!type.empty() && is_blank(type.front())) type.remove_prefix(1);
  if (equal_ignore_case(type, "application/openmetrics-text")) return TextFormat::openmetrics;
  if (equal_ignore_case(type, "text/plain")) return TextFormat::prometheus;
  if (fallback) return *fallback;
  return fail(ErrorKind::unsupported,
              type.empty() ? "content-type: missing, and no fallback format is set"
                           : "content-type: not a text exposition format: " + std::string(type));
}

std::string_view to_string(MetricType type) {
  constexpr std::string_view kNames[] = {"unknown",        "counter", "gauge", "histogram",
                                         "gaugehistogram", "summary", "info",  "stateset"};
  return kNames[static_cast<int>(type)];
}

Result<Scrape> parse_text(std::string_view body, TextFormat format) {
  if (body.size() > limits::kMaxScrapeBodyBytes)
    return fail(ErrorKind::too_large,
                "scrape: over " + std::to_string(limits::kMaxScrapeBodyBytes) + " bytes");
  return ScrapeParser(body, format).run();
}

Result<Labels> parse_series(std::string_view series) {
  LineCursor in(series);
  TT_ASSIGN(Labels labels, read_series(in));
  in.skip_blanks();
  if (!in.at_end()) return bad("text after the series: " + quoted_excerpt(in.rest()));
  return labels;
}

}  // namespace telltale::wire::prometheus
