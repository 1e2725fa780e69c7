#include "wire/prometheus/text_line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/text.hpp"

namespace telltale::wire::prometheus {

std::string quoted_excerpt(std::string_view s) { return '"' + std::string(truncate_utf8(s, 40)) + '"'; }

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
  if (ec == std::errc::result_out_of_range && format == std::chars_format::general) {
    v = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(v)) return std::nullopt;
    return negative ? -v : v;  // too small is zero
  }
  if (ec != std::errc{}) return std::nullopt;
  if (std::isnan(v)) return std::numeric_limits<double>::quiet_NaN();
  return negative ? -v : v;
}

Result<std::string> LineCursor::take_quoted() {
  if (!take('"')) return malformed("expected '\"'");
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
  if (!take('"')) return malformed("a quoted string is not closed");
  if (!is_utf8(out)) return malformed("a quoted string is not valid UTF-8");
  return out;
}

Result<> check_label_names(std::vector<Label>& labels) {
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < labels.size(); ++i)
    if (labels[i].name == labels[i - 1].name)
      return malformed("label " + quoted_excerpt(labels[i].name) + " stands twice");
  return {};
}

Result<> read_label_set(LineCursor& in, std::string& name, std::vector<Label>& labels, bool allow_name) {
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
    if (label.empty()) return malformed("expected a label name at " + quoted_excerpt(in.rest()));
    in.skip_blanks();
    if (in.take('=')) {
      in.skip_blanks();
      TT_ASSIGN(std::string value, in.take_quoted());
      labels.push_back({std::move(label), std::move(value)});
    } else if (quoted && allow_name && name.empty()) {
      name = std::move(label);
    } else {
      return malformed("expected '=' after label " + quoted_excerpt(label));
    }
    in.skip_blanks();
    if (in.take(',')) {
      in.skip_blanks();
    } else if (in.peek() != '}') {
      return malformed("expected ',' or '}' at " + quoted_excerpt(in.rest()));
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
    return malformed("expected a metric name at " + quoted_excerpt(in.rest()));
  }
  if (name.empty()) return malformed("the sample has no metric name");
  labels.push_back({std::string(kMetricName), std::move(name)});
  TT_TRY(check_label_names(labels));
  return Labels(std::move(labels));
}

}  // namespace telltale::wire::prometheus
