#include "errors/parameterise.hpp"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "errors/chars.hpp"
#include "errors/grouping.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxRefused = 200;              // places where something fitted and was no value
constexpr std::size_t kMaxParameterisedBytes = 8192;  // longer text stays as it is from there on

bool has_digit(std::string_view text) { return std::any_of(text.begin(), text.end(), is_digit); }

/// `0x…` and long runs always; seven digits are an abbreviated commit when letters are among them.
bool is_hex(std::string_view match) {
  if (match.starts_with("0x") || match.starts_with("0X")) return true;
  return has_digit(match) && (match.size() > 7 || !std::all_of(match.begin(), match.end(), is_digit));
}
/// A run of digits of eight or more matches as hex; it is a number for people.
std::string_view hex_or_int(std::string_view match) {
  return std::all_of(match.begin(), match.end(), is_digit) ? "int" : "hex";
}

/// Made by a machine: letters and digits change places often.
bool is_random(std::string_view match) {
  int changes = 0;
  for (std::size_t i = 1; i < match.size(); ++i) {
    const bool both = match[i] != '_' && match[i - 1] != '_' && match[i] != '-' && match[i - 1] != '-';
    if (both && is_digit(match[i]) != is_digit(match[i - 1])) ++changes;
  }
  return changes >= 3;
}

constexpr std::array kKinds = {
    ValueKind{"email", R"([A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"},
    ValueKind{"url", R"((?:https?|wss?|ftp|file|postgres(?:ql)?|mysql|redis|amqp|mongodb|s3)://[^\s"'<>]+)"},
    ValueKind{"traceparent", R"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"},
    ValueKind{"uuid", R"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"},
    ValueKind{"mac", R"((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})"},
    ValueKind{
        "ip",
        R"((?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?::\d{1,5})?|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}|::1)"},
    ValueKind{
        "host",
        R"([A-Za-z0-9-]+\.(?:com|net|org)(?::\d{1,5})?|)"
        R"((?:[A-Za-z0-9_-]+\.){2,}(?:com|net|org|io|dev|cloud|internal|local|lan|test|example|edu|gov|de|uk|fr|jp|eu)(?::\d{1,5})?)"},
    ValueKind{
        "date",
        R"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[ ]?[+-]\d{2}:?\d{2})?)?|)"
        R"(\d{4}/\d{2}/\d{2}(?: \d{2}:\d{2}:\d{2})?|)"
        R"(\d{1,2}/[A-Z][a-z]{2}/\d{4}(?::\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?)?|)"
        R"((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}(?: \d{2}:\d{2}:\d{2}(?: GMT| UTC| [+-]\d{4})?)?|)"
        R"((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} \d{2}:\d{2}:\d{2}(?: [A-Z]{3,4})? \d{4}|)"
        R"(\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)"},
    ValueKind{"size", R"(\d+(?:\.\d+)? ?(?:[KMGTkmgt]i?B|bytes)\b)"},
    ValueKind{
        "duration",
        R"(\d+(?:\.\d+)?(?:ns|us|µs|ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?)\b|)"
        R"(\d+(?:\.\d+)? (?:ns|us|µs|ms|secs?|seconds?|mins?|minutes?|hours?|days?)\b)"},
    ValueKind{"path", R"((?:/tmp|/var/tmp|/var/folders)/[^\s"':,;)\]]+)"},
    ValueKind{"hex", R"(0[xX][0-9a-fA-F]+|[0-9a-f]{7,128}|[0-9A-F]{8,128})", is_hex, hex_or_int},
    ValueKind{"id", R"([A-Za-z0-9_-]{16,256})", is_random},
    ValueKind{"float", R"(-?\d+\.\d+(?:[eE][+-]?\d+)?|-?\d+[eE][+-]?\d+)"},
    ValueKind{"int", R"(-?\d{1,3}(?:,\d{3})+|-?\d+)"},
    ValueKind{"bool", "=(?:true|false|True|False|TRUE|FALSE)", nullptr, nullptr, 1},
    ValueKind{"quoted", R"('[^'\n]*'|"[^"\n]*"|`[^`\n]*`)"},
};

}  // namespace

Parameteriser::Parameteriser(std::span<const ValueKind> kinds, bool retry) : kinds_(kinds) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  std::string pattern;
  for (const ValueKind& kind : kinds) {
    pattern.append(pattern.empty() ? "(" : "|(").append(kind.pattern).append(")");
    if (retry) alone_.push_back(std::make_unique<const re2::RE2>(std::string(kind.pattern), options));
  }
  regex_ = std::make_unique<const re2::RE2>(pattern, options);
}
Parameteriser::~Parameteriser() = default;

bool Parameteriser::accepted(std::string_view text, const Match& m) const {
  // Digits inside a word (`utf8`, `x86_64`) name a thing and stay; a quote inside a word (`don't`) opens
  // nothing.
  const ValueKind& kind = kinds_[m.kind];
  if (m.begin > 0 && kind.kept == 0 && is_word(text[m.begin - 1])) return false;
  if (m.end < text.size() && is_word(text[m.end])) return false;
  return kind.accept == nullptr || kind.accept(text.substr(m.begin, m.end - m.begin));
}

std::optional<Parameteriser::Match> Parameteriser::retried(std::string_view text,
                                                           const Match& refused) const {
  const re2::StringPiece input(text.data(), text.size());
  for (std::size_t kind = refused.kind + 1; kind < alone_.size(); ++kind) {
    re2::StringPiece group;
    if (!alone_[kind]->Match(input, refused.begin, text.size(), re2::RE2::ANCHOR_START, &group, 1)) continue;
    const Match match{refused.begin, refused.begin + group.size(), kind};
    if (accepted(text, match)) return match;
  }
  return std::nullopt;
}

std::string Parameteriser::operator()(std::string_view text) const {
  const std::string_view head = text.substr(0, kMaxParameterisedBytes);
  const re2::StringPiece input(head.data(), head.size());
  std::vector<re2::StringPiece> groups(kinds_.size() + 1);
  std::string out;
  std::size_t copied = 0;
  std::size_t at = 0;
  std::size_t refused = 0;
  while (at < head.size() && regex_->Match(input, at, head.size(), re2::RE2::UNANCHORED, groups.data(),
                                           static_cast<int>(groups.size()))) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - head.data());
    Match match{begin, begin + groups[0].size(), 0};
    while (groups[match.kind + 1].data() == nullptr) ++match.kind;
    if (!accepted(head, match)) {
      if (++refused > kMaxRefused) break;  // made to be slow: the rest stays as it is
      if (const auto other = retried(head, match)) {
        match = *other;
      } else {
        // Not here: go on behind the word this began in, so that its tail is not taken for a value of its
        // own.
        at = begin + 1;
        while (at < head.size() && is_word(head[at - 1]) && is_word(head[at])) ++at;
        continue;
      }
    }
    const ValueKind& kind = kinds_[match.kind];
    const auto value = head.substr(begin, match.end - begin);
    out.append(text.substr(copied, begin + kind.kept - copied)).append("<");
    out.append(kind.name_of == nullptr ? kind.name : kind.name_of(value)).append(">");
    copied = at = match.end;
  }
  return out.append(text.substr(copied));
}

std::string parameterise(std::string_view text) {
  static const Parameteriser* const machine = new Parameteriser(kKinds, true);
  return (*machine)(text);
}

}  // namespace telltale::errors
