// One pass, line by line, with a cursor in the line. The two formats differ in what a comment may be, in the
// unit of timestamps, and in how strict white space is. OpenMetrics' `_created` lines may stand before or
// after what they date, so a family is dated when it ends.
#include "wire/prometheus/text.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/limits.hpp"
#include "base/scrape_limits.hpp"
#include "base/text.hpp"
#include "wire/prometheus/text_line.hpp"

namespace telltale::wire::prometheus {
namespace {

constexpr std::string_view kCreated = "_created";
constexpr double kMaxSeconds = 9e15;  // whose milliseconds fit 64 bits

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
    date_family();
    if (openmetrics_ && !eof_)
      return malformed("line " + std::to_string(line_number + 1) + ": the data does not end with # EOF");
    return std::move(out_);
  }

 private:
  Result<> read_line(std::string_view line) {
    if (eof_) return malformed("text after # EOF");
    if (openmetrics_ && line.empty()) return malformed("an empty line");
    LineCursor in(line);
    if (!openmetrics_) in.skip_blanks();
    if (in.at_end()) return {};
    if (in.peek() == '#') return openmetrics_ ? read_openmetrics_comment(line) : read_comment(in);
    return read_sample(in);
  }

  Result<> read_comment(LineCursor in) {
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
    if (!in.at_end()) return malformed("text after the type of " + name);
    return set_type(name, word);
  }

  Result<> read_openmetrics_comment(std::string_view line) {
    if (line == "# EOF") {
      eof_ = true;
      return {};
    }
    LineCursor in(line);
    if (!in.take("# ")) return malformed("expected \"# \"");
    const std::string_view keyword = in.take_word();
    if (keyword != "HELP" && keyword != "TYPE" && keyword != "UNIT")
      return malformed("expected HELP, TYPE, UNIT or EOF after '#'");
    if (!in.take(' ')) return malformed("expected one space after " + std::string(keyword));
    TT_ASSIGN(const std::string name, family_name(in));
    if (!in.take(' ') && !in.at_end()) return malformed("expected one space after the name");
    if (keyword == "HELP") {
      family(name).help = unescape_help(in.rest());
      return {};
    }
    if (keyword == "TYPE") return set_type(name, in.rest());
    const std::string_view unit = in.rest();
    if (!unit.empty() && !name.ends_with("_" + std::string(unit)))
      return malformed("unit " + quoted_excerpt(unit) + " is not a suffix of metric " + name);
    family(name).unit = unit;
    return {};
  }

  Result<> read_sample(LineCursor in) {
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
    if (openmetrics_ && in.take('#')) TT_TRY(read_exemplar(in, sample));
    if (!in.at_end()) return malformed("text after the sample: " + quoted_excerpt(in.rest()));
    if (openmetrics_ && note_created(sample)) return {};
    normalise_bounds(sample.labels);
    if (out_.samples.size() >= limits::kMaxScrapeSamples)
      return fail(ErrorKind::too_large,
                  "scrape: over " + std::to_string(limits::kMaxScrapeSamples) + " samples");
    out_.samples.push_back(std::move(sample));
    return {};
  }

  Result<> read_exemplar(LineCursor& in, ScrapedSample& sample) {
    in.skip_blanks();
    if (in.peek() != '{') return malformed("exemplar: expected '{'");
    std::string name;
    std::vector<Label> labels;
    ScrapedExemplar exemplar;
    TT_TRY(read_label_set(in, name, labels, false));
    TT_TRY(check_label_names(labels));
    in.skip_blanks();
    TT_ASSIGN(exemplar.value, read_number(in, "exemplar value"));
    in.skip_blanks();
    if (!in.at_end()) {
      TT_ASSIGN(exemplar.time, read_time(in));
      in.skip_blanks();
    }
    exemplar.labels = Labels(std::move(labels));
    if (exemplar_fits(exemplar.labels)) sample.exemplars.push_back(std::move(exemplar));
    return {};
  }

  bool counts() const {
    return type_ == MetricType::counter || type_ == MetricType::histogram || type_ == MetricType::summary;
  }

  /// The label that tells the series of one histogram or summary apart.
  std::string_view bound_label() const {
    if (type_ == MetricType::histogram || type_ == MetricType::gauge_histogram) return "le";
    return type_ == MetricType::summary ? "quantile" : "";
  }

  void normalise_bounds(Labels& labels) const {
    const std::string_view name = bound_label();
    if (name.empty()) return;
    if (const std::string_view old = labels.get(name); !old.empty()) {
      if (std::string bound = normalised_bound(old); bound != old) labels.set(name, bound);
    }
  }

  /// True when it is the `_created` line of the family under way: no series, but the start of others.
  bool note_created(ScrapedSample& sample) {
    if (!counts() || !std::isfinite(sample.value) || std::abs(sample.value) > kMaxSeconds) return false;
    const std::string_view name = sample.labels.get(kMetricName);
    if (name.size() != family_name_.size() + kCreated.size() || !name.ends_with(kCreated) ||
        !name.starts_with(family_name_))
      return false;
    sample.labels.erase(kMetricName);
    created_[std::move(sample.labels)] = UnixMillis{static_cast<std::int64_t>(sample.value * 1000)};
    return true;
  }

  void date_family() {
    for (std::size_t i = family_begin_; !created_.empty() && i < out_.samples.size(); ++i) {
      Labels key = out_.samples[i].labels;
      key.erase(kMetricName);
      if (const std::string_view bound = bound_label(); !bound.empty()) key.erase(bound);
      if (const auto it = created_.find(key); it != created_.end()) out_.samples[i].start = it->second;
    }
    created_.clear();
    family_begin_ = out_.samples.size();
  }

  static Result<double> read_number(LineCursor& in, std::string_view what) {
    const std::string_view word = in.take_word();
    const auto v = parse_number(word);
    if (!v) return malformed(std::string(what) + ": expected a number, not " + quoted_excerpt(word));
    return *v;
  }

  Result<UnixMillis> read_time(LineCursor& in) const {
    const std::string_view word = in.take_word();
    if (openmetrics_) {
      const auto seconds = parse_number(word);
      if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) > kMaxSeconds)
        return malformed("timestamp: expected seconds, not " + quoted_excerpt(word));
      return UnixMillis{static_cast<std::int64_t>(*seconds * 1000)};
    }
    std::int64_t ms = 0;
    const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
    if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size())
      return malformed("timestamp: expected whole milliseconds, not " + quoted_excerpt(word));
    return UnixMillis{ms};
  }

  static Result<std::string> family_name(LineCursor& in) {
    if (in.peek() == '"') return in.take_quoted();
    std::string name(in.take_name(is_metric_start, is_metric_char));
    if (name.empty() || !(in.at_end() || is_blank(in.peek())))
      return malformed("expected a metric name at " + quoted_excerpt(in.rest()));
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

  Result<> set_type(const std::string& name, std::string_view word) {
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
      date_family();
      family(name).type = t.type;
      family_name_ = name;
      type_ = t.type;
      return {};
    }
    return malformed("unknown metric type " + quoted_excerpt(word));
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
  // The family of the last TYPE line.
  std::string family_name_;
  MetricType type_ = MetricType::unknown;
  std::size_t family_begin_ = 0;          // its first sample
  std::map<Labels, UnixMillis> created_;  // by the labels of its `_created` lines
};

}  // namespace

bool exemplar_fits(const Labels& labels) {
  std::size_t characters = 0;
  for (const Label& l : labels) {
    for (const std::string* text : {&l.name, &l.value})
      for (const char c : *text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  }
  return characters <= limits::kMaxExemplarLabelChars;
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
  if (!in.at_end()) return malformed("text after the series: " + quoted_excerpt(in.rest()));
  return labels;
}

}  // namespace telltale::wire::prometheus
