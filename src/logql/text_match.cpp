#include "logql/text_match.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <re2/re2.h>

namespace telltale::logql {
namespace {

re2::StringPiece piece(std::string_view s) { return {s.data(), s.size()}; }

/// The longest run of plain characters that every match must contain, and whether the pattern is nothing
/// else. Only what is certain: no alternation, no groups, no case folding, no optional characters.
std::string certain_literal(std::string_view pattern, bool& whole) {
  whole = false;
  std::string best;
  std::string run;
  bool only = true;
  const auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  if (pattern.find_first_of("|()") != std::string_view::npos) return {};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      only = false;
      // \. and the like are characters; \d, \w, \x.. and others are not plain.
      if (i + 1 >= pattern.size()) return {};
      const char next = pattern[++i];
      if (std::isalnum(static_cast<unsigned char>(next)) != 0) {
        if (std::strchr("dDwWsSbB", next) == nullptr) return {};
        end_run();
        continue;
      }
      run += next;
    } else if (c == '*' || c == '?' || c == '{') {
      only = false;
      // What stands before may be absent: a whole character of it, however many bytes.
      while (!run.empty() && (static_cast<unsigned char>(run.back()) & 0xC0) == 0x80) run.pop_back();
      if (!run.empty()) run.pop_back();
      end_run();
      if (c == '{') {
        i = pattern.find('}', i);
        if (i == std::string_view::npos) return {};
      }
    } else if (c == '[') {
      only = false;
      end_run();
      ++i;
      if (i < pattern.size() && pattern[i] == '^') ++i;
      if (i < pattern.size() && pattern[i] == ']') ++i;
      while (i < pattern.size() && pattern[i] != ']') {
        if (pattern[i] == '\\') ++i;
        if (pattern[i] == '[') return {};  // [[:alpha:]]
        ++i;
      }
    } else if (c == '.' || c == '+' || c == '^' || c == '$') {
      only = false;
      end_run();
    } else {
      run += c;
    }
  }
  end_run();
  whole = only;
  return best;
}

}  // namespace

Result<LineRegex> LineRegex::make(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  LineRegex out;
  auto regex = std::make_shared<re2::RE2>(pattern, options);
  if (!regex->ok())
    return fail(ErrorKind::invalid_argument,
                fmt::format("bad regular expression \"{}\": {}", pattern, regex->error()));
  out.regex_ = std::move(regex);
  out.literal_ = certain_literal(pattern, out.whole_);
  return out;
}

bool LineRegex::matches(std::string_view line) const {
  if (!literal_.empty() && line.find(literal_) == std::string_view::npos) return false;
  return whole_ || re2::RE2::PartialMatch(piece(line), *regex_);
}

Result<TextMatcher> TextMatcher::make(CompareOp op, const std::string& value) {
  TextMatcher out;
  out.op_ = op;
  out.value_ = value;
  if (op == CompareOp::re || op == CompareOp::nre) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<re2::RE2>(value, options);
    if (!regex->ok())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("bad regular expression \"{}\": {}", value, regex->error()));
    out.regex_ = std::move(regex);
  }
  return out;
}

bool TextMatcher::matches(std::string_view value) const {
  switch (op_) {
    case CompareOp::eq:
      return value == value_;
    case CompareOp::ne:
      return value != value_;
    case CompareOp::re:
      return re2::RE2::FullMatch(piece(value), *regex_);
    default:
      return !re2::RE2::FullMatch(piece(value), *regex_);
  }
}

bool parse_address(std::string_view text, Address& out) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer) return false;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  out = {};
  if (inet_pton(AF_INET, buffer, out.data() + 12) == 1) {
    out[10] = out[11] = 0xFF;
    return true;
  }
  return inet_pton(AF_INET6, buffer, out.data()) == 1;
}

Result<IpMatcher> IpMatcher::make(std::string_view pattern) {
  const auto bad = [&] {
    return fail(ErrorKind::invalid_argument,
                fmt::format("ip(\"{}\"): wanted an address, a range a-b or a network a/bits", pattern));
  };
  IpMatcher out;
  const std::size_t slash = pattern.find('/');
  const std::size_t dash = pattern.find('-');
  const std::string_view first = pattern.substr(0, std::min(slash, dash));
  if (!parse_address(first, out.low_)) return bad();
  out.v6_ = first.find(':') != std::string_view::npos;
  out.high_ = out.low_;
  if (slash != std::string_view::npos) {
    const std::string_view bits_text = pattern.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
    if (error != std::errc() || end != bits_text.data() + bits_text.size() || bits > (out.v6_ ? 128U : 32U))
      return bad();
    if (!out.v6_) bits += 96;
    for (unsigned i = bits; i < 128; ++i) {
      const auto mask = static_cast<std::uint8_t>(0x80U >> (i % 8));
      out.low_[i / 8] = static_cast<std::uint8_t>(out.low_[i / 8] & ~mask);
      out.high_[i / 8] = static_cast<std::uint8_t>(out.high_[i / 8] | mask);
    }
  } else if (dash != std::string_view::npos) {
    const std::string_view last = pattern.substr(dash + 1);
    if (!parse_address(last, out.high_) || (last.find(':') != std::string_view::npos) != out.v6_ ||
        out.high_ < out.low_)
      return bad();
  }
  return out;
}

bool IpMatcher::matches(std::string_view text) const {
  Address a;
  return parse_address(text, a) && contains(a);
}

bool IpMatcher::found_in(std::string_view line) const {
  // Runs of the characters that addresses are made of; an IPv4 address may be followed by a port or a full
  // stop, an IPv6 one stand in brackets.
  const auto in_v4 = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  const auto in_v6 = [&](char c) {
    return in_v4(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
  };
  for (std::size_t i = 0; i < line.size();) {
    const auto in = [&](char c) { return v6_ ? in_v6(c) : in_v4(c); };
    if (!in(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && in(line[end])) ++end;
    std::string_view run = line.substr(i, end - i);
    i = end;
    while (!run.empty() && run.front() == '.') run.remove_prefix(1);
    while (!run.empty() && run.back() == '.') run.remove_suffix(1);
    if (matches(run)) return true;
    if (v6_ && run.ends_with(':') && !run.ends_with("::") && matches(run.substr(0, run.size() - 1)))
      return true;
  }
  return false;
}

Result<PatternFilter> PatternFilter::make(std::string_view pattern) {
  PatternFilter out;
  std::string literal;
  bool wild_before = false;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] == '<') {
      const std::size_t close = pattern.find('>', i);
      if (close != std::string_view::npos) {
        const std::string_view name = pattern.substr(i + 1, close - i - 1);
        const bool word = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
          return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
        });
        if (word && name != "_")
          return fail(ErrorKind::invalid_argument,
                      fmt::format("a pattern filter has <_> only, not <{}>", name));
        if (name == "_") {
          if (wild_before && literal.empty())
            return fail(ErrorKind::invalid_argument, "two <_> without text between them");
          if (literal.empty() && out.literals_.empty()) out.open_start_ = true;
          if (!literal.empty()) out.literals_.push_back(std::move(literal));
          literal.clear();
          wild_before = true;
          i = close + 1;
          continue;
        }
      }
    }
    literal += pattern[i++];
  }
  out.open_end_ = wild_before && literal.empty();
  if (!literal.empty()) out.literals_.push_back(std::move(literal));
  return out;
}

bool PatternFilter::matches(std::string_view line) const {
  if (literals_.empty()) return open_start_ || line.empty();
  std::size_t at = 0;
  for (std::size_t i = 0; i < literals_.size(); ++i) {
    const std::string& literal = literals_[i];
    const bool last = i + 1 == literals_.size();
    if (i == 0 && !open_start_) {
      if (!line.starts_with(literal)) return false;
      at = literal.size();
      if (last && !open_end_ && at != line.size()) return false;
      continue;
    }
    if (last && !open_end_) return line.size() >= at + literal.size() && line.ends_with(literal);
    const std::size_t found = line.find(literal, at);
    if (found == std::string_view::npos) return false;
    at = found + literal.size();
  }
  return true;
}

}  // namespace telltale::logql
