// The parts of a line that the text formats share: names, quoted strings, label sets, numbers. For this
// folder's .cpp files only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace telltale::wire::prometheus {

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }
inline bool is_label_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
inline bool is_label_char(char c) { return is_label_start(c) || (c >= '0' && c <= '9'); }
inline bool is_metric_start(char c) { return is_label_start(c) || c == ':'; }
inline bool is_metric_char(char c) { return is_label_char(c) || c == ':'; }

/// The beginning of `s` in quotes, for messages.
std::string quoted_excerpt(std::string_view s);
/// Go's ParseFloat, as far as exporters use it. nullopt when it is no number.
std::optional<double> parse_number(std::string_view text);

inline tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorKind::invalid_argument, std::move(what));
}

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
  Result<std::string> take_quoted();

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

/// The braces and what is in them. A quoted string without '=' is the metric's name, allowed once, only with
/// `allow_name` and while `name` is still empty.
Result<> read_label_set(LineCursor& in, std::string& name, std::vector<Label>& labels, bool allow_name);
/// `name{a="b"}` or `{"name", a="b"}`. A label that stands twice is invalid_argument.
Result<Labels> read_series(LineCursor& in);
/// Within limits::kMaxExemplarLabelChars characters; longer ones are left out, as Prometheus does.
bool exemplar_fits(const Labels& labels);
/// Sorted by name. invalid_argument when a name stands twice.
Result<> check_label_names(std::vector<Label>& labels);

}  // namespace telltale::wire::prometheus
