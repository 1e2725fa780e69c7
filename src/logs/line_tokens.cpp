#include "logs/line_tokens.hpp"

#include <array>

#include "base/limits.hpp"

namespace telltale::logs {
namespace {

constexpr std::size_t kLongWord = 64;  // keys, hashes, encoded data

enum : unsigned char { kDigit = 1, kLetter = 2, kHex = 4, kJoin = 8 };

constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> table{};
  for (int c = 0; c < 256; ++c) {
    unsigned char bits = 0;
    if (c >= '0' && c <= '9') bits = kDigit | kHex;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) bits = kLetter;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= kHex;
    table[static_cast<std::size_t>(c)] = bits;
  }
  for (const char c : {'_', '-', '.', '%', '$', '#', '+', '*', '~', '\\'}) {
    table[static_cast<unsigned char>(c)] = kJoin;
  }
  return table;
}
constexpr auto kClasses = make_classes();

unsigned char class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

/// Whether the character at `i`, which separates elsewhere, is inside a number, a time or an address.
bool joins(std::string_view line, std::size_t i) {
  if (i == 0 || i + 1 >= line.size()) return false;
  const unsigned char before = class_of(line[i - 1]);
  const unsigned char after = class_of(line[i + 1]);
  if (line[i] == ',') return (before & kDigit) && (after & kDigit);
  if (line[i] != ':') return false;
  return ((before & kDigit) && (after & kHex)) || ((before & kHex) && (after & kDigit));
}

/// The length of `<name>` at `i`: in a pattern it would read as a capture. 0 when there is none.
std::size_t capture_length(std::string_view line, std::size_t i) {
  std::size_t at = i + 1;
  while (at < line.size() && ((class_of(line[at]) & (kDigit | kLetter)) || line[at] == '_')) ++at;
  return at > i + 1 && at < line.size() && line[at] == '>' ? at + 1 - i : 0;
}

/// Between two variables: whether they are one.
bool only_joins(std::string_view gap) {
  if (gap.empty() || gap == ", " || gap == " - ") return true;
  for (const char c : gap) {
    if (c != '-' && c != ':' && c != '.' && c != ',' && c != '/' && c != '|' && c != ';') return false;
  }
  return true;
}

bool is_date(std::string_view word) {
  return word.size() == 10 && (word[4] == '-' || word[4] == '/' || word[4] == '.') && word[4] == word[7];
}
bool is_time(std::string_view word) { return word.size() >= 8 && word[2] == ':' && word[5] == ':'; }

class Tokeniser {
 public:
  Tokeniser(std::string_view line, LineTokens& out) : line_(line), out_(out) {}

  void run() {
    while (at_ < line_.size()) {
      const Run found = next();
      if (found.word) {
        if (out_.words.size() == limits::kPatternWords) {
          out_.cut = true;
          break;
        }
        add(line_.substr(at_, found.length));
      }
      at_ += found.length;
      if (found.word) gap_from_ = at_;
    }
    out_.gaps.push_back(line_.substr(gap_from_, at_ - gap_from_));
  }

 private:
  struct Run {
    std::size_t length;
    bool word;
  };

  Run next() const {
    if (line_[at_] == '<') {
      const std::size_t n = capture_length(line_, at_);
      return n != 0 ? Run{n, true} : Run{1, false};
    }
    std::size_t end = at_;
    bool word = false;  // a line of dashes or stars is a rule, not a word
    while (end < line_.size() && (class_of(line_[end]) != 0 || joins(line_, end))) {
      word = word || (class_of(line_[end]) & (kDigit | kLetter));
      ++end;
    }
    return end == at_ ? Run{1, false} : Run{end - at_, word};
  }

  void add(std::string_view word) {
    const std::string_view gap = line_.substr(gap_from_, at_ - gap_from_);
    const bool variable = word.front() == '<' || looks_variable(word);
    if (variable && !out_.words.empty() && out_.words.back().empty()) {
      if (only_joins(gap) || (gap == " " && is_date(last_) && is_time(word))) {
        last_ = word;
        return;
      }
    }
    out_.gaps.push_back(gap);
    out_.words.push_back(variable ? std::string_view() : word);
    last_ = word;
  }

  const std::string_view line_;
  LineTokens& out_;
  std::size_t at_ = 0;
  std::size_t gap_from_ = 0;
  std::string_view last_;  // the word as it stood
};

}  // namespace

bool looks_variable(std::string_view word) {
  if (word.size() > kLongWord) return true;
  std::size_t digits = 0;
  bool hex = true;
  for (const char c : word) {
    const unsigned char bits = class_of(c);
    digits += bits & kDigit;
    hex = hex && (bits & kHex);
  }
  if (digits == 0) return false;
  const std::string_view bare =
      word.front() == '-' || word.front() == '+' || word.front() == '.' || word.front() == '#'
          ? word.substr(1)
          : word;
  if (!bare.empty() && (class_of(bare.front()) & kDigit)) return true;
  return digits >= 3 || (digits >= 2 && word.size() >= 6) || (hex && word.size() >= 6);
}

void tokenise(std::string_view line, LineTokens& out) {
  out.gaps.clear();
  out.words.clear();
  out.cut = line.size() > limits::kPatternLineBytes;
  Tokeniser(line.substr(0, limits::kPatternLineBytes), out).run();
}

}  // namespace telltale::logs
