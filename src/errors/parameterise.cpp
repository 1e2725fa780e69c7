// One pass with one alternation of capturing groups, leftmost match first, so that the order of the groups is
// the order of precedence at each place. RE2 has no look-around: what must not stand beside a match is
// checked here.
#include <array>
#include <cctype>

#include <re2/re2.h>

#include "errors/grouping.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxParameterisedBytes = 8192;  // longer text stays as it is from there on

struct Kind {
  std::string_view name;
  std::string_view pattern;
};

constexpr std::array kKinds = {
    Kind{"email", R"([A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"},
    Kind{"url", R"((?:https?|wss?|ftp|file|postgres(?:ql)?|mysql|redis|amqp|s3)://[^\s"'<>]+)"},
    Kind{"uuid", R"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"},
    Kind{
        "ip",
        R"((?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}|::1)"},
    Kind{
        "date",
        R"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[ ]?[+-]\d{2}:?\d{2})?)?|)"
        R"(\d{1,2}/[A-Z][a-z]{2}/\d{4}(?::\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?)?|)"
        R"((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}(?: \d{2}:\d{2}:\d{2}(?: GMT| UTC| [+-]\d{4})?)?|)"
        R"(\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)"},
    Kind{"duration",
         R"(\d+(?:\.\d+)?(?:ns|us|µs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?))"},
    Kind{"hex", R"(0[xX][0-9a-fA-F]+|[0-9a-f]{8,128}|[0-9A-F]{8,128})"},
    Kind{"float", R"(-?\d+\.\d+(?:[eE][+-]?\d+)?|-?\d+[eE][+-]?\d+)"},
    Kind{"int", R"(-?\d+)"},
    Kind{"quoted", R"('[^'\n]*'|"[^"\n]*"|`[^`\n]*`)"},
};
constexpr std::size_t kQuoted = kKinds.size() - 1;
constexpr std::size_t kHex = 6;
constexpr std::size_t kInt = 8;

const re2::RE2& alternation() {
  static const re2::RE2* const regex = [] {
    std::string pattern;
    for (const Kind& kind : kKinds) {
      pattern.append(pattern.empty() ? "(" : "|(").append(kind.pattern).append(")");
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    return new re2::RE2(pattern, options);
  }();
  return *regex;
}

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool has_digit(std::string_view text) {
  for (const char c : text) {
    if (c >= '0' && c <= '9') return true;
  }
  return false;
}

/// Digits inside a word (`utf8`, `x86_64`) name a thing and stay; a quote inside a word (`don't`) opens
/// nothing.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end, std::size_t kind) {
  const char before = begin == 0 ? ' ' : text[begin - 1];
  const char after = end == text.size() ? ' ' : text[end];
  if (word(before)) return false;
  if (kind == kQuoted) return !word(after);
  return !word(after);
}

bool accepted(std::string_view text, std::size_t begin, std::size_t end, std::size_t kind) {
  if (!stands_alone(text, begin, end, kind)) return false;
  if (kind == kHex) return has_digit(text.substr(begin, end - begin));
  return true;
}

/// A run of digits of eight or more matches as hex; it is a number for people.
std::string_view name_of(std::size_t kind, std::string_view match) {
  if (kind == kHex && match.find_first_not_of("0123456789") == std::string_view::npos)
    return kKinds[kInt].name;
  return kKinds[kind].name;
}

}  // namespace

std::string parameterise(std::string_view text) {
  const re2::RE2& regex = alternation();
  const std::string_view head = text.substr(0, kMaxParameterisedBytes);
  const re2::StringPiece input(head.data(), head.size());
  std::array<re2::StringPiece, kKinds.size() + 1> groups;
  std::string out;
  std::size_t copied = 0;
  std::size_t at = 0;
  while (at < head.size() && regex.Match(input, at, head.size(), re2::RE2::UNANCHORED, groups.data(),
                                         static_cast<int>(groups.size()))) {
    const std::size_t begin = static_cast<std::size_t>(groups[0].data() - head.data());
    const std::size_t end = begin + groups[0].size();
    std::size_t kind = 0;
    while (groups[kind + 1].data() == nullptr) ++kind;
    if (!accepted(head, begin, end, kind)) {
      // Not here: go on behind the word this began in, so that its tail is not taken for a value of its own.
      at = begin + 1;
      while (at < head.size() && kind != kQuoted && word(head[at - 1]) && word(head[at])) ++at;
      continue;
    }
    out.append(text.substr(copied, begin - copied))
        .append("<")
        .append(name_of(kind, head.substr(begin, end - begin)));
    out.append(">");
    copied = at = end;
  }
  return out.append(text.substr(copied));
}

}  // namespace telltale::errors
