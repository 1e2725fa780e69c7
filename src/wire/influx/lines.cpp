// A line is cut into its parts at the characters that no backslash escapes; most parts have no backslash and
// stay views.
#include "wire/influx/lines.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/limits.hpp"
#include "base/metric_limits.hpp"

namespace telltale::wire::influx {
namespace {

std::string_view line_trimmed(std::string_view s) {
  while (!s.empty() && (s.back() == '\r' || s.back() == ' ')) s.remove_suffix(1);
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  return s;
}

/// Text inside quotes may hold line ends: where the line really ends.
std::size_t line_end(std::string_view body) {
  bool quoted = false;
  bool value = false;  // a quote opens only behind `=`
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '\\' && i + 1 < body.size() && body[i + 1] != '\n') {
      ++i;
      continue;
    }
    if (c == '"' && (quoted || value)) quoted = !quoted;
    if (c == '\n' && !quoted) return i;
    value = c == '=';
  }
  // A quote that never closes must not swallow the rest of the request.
  return quoted ? std::min(body.find('\n'), body.size()) : body.size();
}

/// Up to the first of `ends` that is not escaped; that one stays in `rest`.
std::string_view take_part(std::string_view& rest, std::string_view ends) {
  std::size_t i = 0;
  while (i < rest.size() && ends.find(rest[i]) == std::string_view::npos) i += rest[i] == '\\' ? 2 : 1;
  i = std::min(i, rest.size());
  const std::string_view part = rest.substr(0, i);
  rest.remove_prefix(i);
  return part;
}

bool take_char(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

class LineReader {
 public:
  LineReader(const LineOptions& options, MetricWrite& out) : options_(options), out_(out) {}

  void read(std::string_view line, std::size_t number) {
    number_ = number;
    tags_.clear();
    fields_.clear();
    if (const char* why = parts(line)) out_.refuse(number, why);
  }

 private:
  /// What is wrong; null when nothing is.
  const char* parts(std::string_view rest) {
    measurement_ = plain(take_part(rest, ", "));
    if (measurement_.empty()) return "measurement: missing";
    while (take_char(rest, ',')) {
      const std::string_view name = plain(take_part(rest, "=, "));
      if (name.empty() || !take_char(rest, '=')) return "tag: expected name=value";
      if (tags_.size() >= limits::kMaxLabelsPerSeries) return "tags: over the limit on labels";
      const std::string_view value = plain(take_part(rest, ", "));
      if (!value.empty()) tags_.push_back({name, value});
    }
    if (!take_char(rest, ' ')) return "fields: missing";
    while (take_char(rest, ' ')) continue;
    do {
      if (const char* why = field(rest)) return why;
    } while (take_char(rest, ','));
    std::int64_t ns = options_.now.ns;
    if (const char* why = time(rest, ns)) return why;
    emit(UnixNanos{ns}.to_millis());
    return nullptr;
  }

  const char* field(std::string_view& rest) {
    const std::string_view name = plain(take_part(rest, "=, "));
    if (name.empty() || !take_char(rest, '=')) return "field: expected name=value";
    if (!rest.empty() && rest.front() == '"') {
      const std::size_t end = closing_quote(rest);
      if (end == std::string_view::npos) return "field: a quote that is not closed";
      rest.remove_prefix(end + 1);
      return nullptr;  // text
    }
    const auto value = number(take_part(rest, ", "));
    if (!value) return "field: neither a number, a boolean nor text in quotes";
    if (fields_.size() >= kMaxFields) return "fields: too many";
    fields_.emplace_back(name, *value);
    return nullptr;
  }

  const char* time(std::string_view rest, std::int64_t& ns) const {
    rest = line_trimmed(rest);
    if (rest.empty()) return nullptr;
    std::int64_t units = 0;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), units);
    if (code != std::errc() || end != rest.data() + rest.size()) return "time: expected a whole number";
    if (__builtin_mul_overflow(units, options_.unit_ns, &ns)) return "time: out of range";
    return nullptr;
  }

  static std::size_t closing_quote(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        return i;
    }
    return std::string_view::npos;
  }

  static std::optional<double> number(std::string_view text) {
    for (const std::string_view yes : {"t", "T", "true", "True", "TRUE"}) {
      if (text == yes) return 1;
    }
    for (const std::string_view no : {"f", "F", "false", "False", "FALSE"}) {
      if (text == no) return 0;
    }
    if (text.ends_with('i') || text.ends_with('u')) text.remove_suffix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
    // InfluxDB has no such numbers; `nan` is a word that a client wrote by mistake.
    if (!std::isfinite(value)) return std::nullopt;
    return value;
  }

  /// Without escapes: a backslash in front of anything else is one.
  std::string_view plain(std::string_view part) {
    if (part.find('\\') == std::string_view::npos) return part;
    std::string text;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const bool escape =
          part[i] == '\\' && i + 1 < part.size() &&
          (part[i + 1] == ',' || part[i + 1] == '=' || part[i + 1] == ' ' || part[i + 1] == '\\');
      if (escape) ++i;
      text += part[i];
    }
    return out_.keep(text);
  }

  void emit(UnixMillis time) {
    std::sort(tags_.begin(), tags_.end(),
              [](const LabelView& a, const LabelView& b) { return a.name < b.name; });
    const bool own_db =
        std::any_of(tags_.begin(), tags_.end(), [](const LabelView& t) { return t.name == "db"; });
    for (const auto& [field, value] : fields_) {
      if (out_.series.size() >= limits::kMaxWriteSeries) {
        out_.refuse(number_, "the request has over " + std::to_string(limits::kMaxWriteSeries) + " fields");
        return;
      }
      name_.assign(measurement_).append("_").append(field);
      packer_.clear();
      packer_.add(kMetricName, name_);
      if (!own_db && !options_.db.empty()) packer_.add("db", options_.db);
      for (const LabelView& tag : tags_) packer_.add(tag.name, tag.value);
      out_.begin(packer_, number_);
      Sample sample;
      sample.time = time;
      sample.value = value;
      out_.add(sample);
      out_.end_series();
    }
  }

  static constexpr std::size_t kMaxFields = 10'000;  // of one line
  const LineOptions& options_;
  MetricWrite& out_;
  std::size_t number_ = 0;
  std::string_view measurement_;
  std::vector<LabelView> tags_;
  std::vector<std::pair<std::string_view, double>> fields_;
  std::string name_;
  LabelPacker packer_;
};

}  // namespace

std::optional<std::int64_t> unit_from(std::string_view precision) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"", 1},
                                                                  {"ns", 1},
                                                                  {"n", 1},
                                                                  {"us", 1'000},
                                                                  {"u", 1'000},
                                                                  {"\xc2\xb5", 1'000},
                                                                  {"ms", 1'000'000},
                                                                  {"s", 1'000'000'000},
                                                                  {"m", 60'000'000'000},
                                                                  {"h", 3'600'000'000'000}};
  for (const auto& [name, ns] : kUnits) {
    if (name == precision) return ns;
  }
  return std::nullopt;
}

MetricWrite parse_lines(std::string_view body, const LineOptions& options) {
  MetricWrite out;
  LineReader reader(options, out);
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::size_t end = line_end(body);
    const std::string_view line = line_trimmed(body.substr(0, end));
    number += static_cast<std::size_t>(std::count(line.begin(), line.end(), '\n'));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (!line.empty() && line.front() != '#') reader.read(line, number);
  }
  return out;
}

}  // namespace telltale::wire::influx
