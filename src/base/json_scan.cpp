#include "base/json_scan.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale {
namespace {

constexpr int kMaxJsonDepth = 128;

bool json_digit(char c) { return c >= '0' && c <= '9'; }

int json_hex_value(char c) {
  if (json_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hex digits at `at`; -1 when they are not there.
std::int32_t json_hex4(std::string_view s, std::size_t at) {
  if (at + 4 > s.size()) return -1;
  std::int32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = json_hex_value(s[at + i]);
    if (digit < 0) return -1;
    v = v * 16 + digit;
  }
  return v;
}

}  // namespace

bool JsonScanner::failed(std::string_view what) {
  if (error_.empty()) error_ = fmt::format("{} at byte {}", what, at_);
  at_ = text_.size();
  return false;
}

void JsonScanner::space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    ++at_;
  }
}

bool JsonScanner::peek(JsonType& type) {
  space();
  if (at_ >= text_.size()) return failed("the document ends early");
  switch (text_[at_]) {
    case '{':
      type = JsonType::object;
      return true;
    case '[':
      type = JsonType::array;
      return true;
    case '"':
      type = JsonType::string;
      return true;
    case 't':
    case 'f':
      type = JsonType::boolean;
      return true;
    case 'n':
      type = JsonType::null;
      return true;
    default:
      if (text_[at_] != '-' && !json_digit(text_[at_])) return failed("unexpected character");
      type = JsonType::number;
      return true;
  }
}

bool JsonScanner::string(std::string_view& raw, bool& escaped) {
  space();
  if (at_ >= text_.size() || text_[at_] != '"') return failed("wanted a string");
  const std::size_t begin = ++at_;
  escaped = false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      raw = text_.substr(begin, at_ - begin);
      ++at_;
      return true;
    }
    if (c == '\\') {
      escaped = true;
      ++at_;
      if (at_ >= text_.size()) break;
      const char e = text_[at_];
      if (e == 'u') {
        if (json_hex4(text_, at_ + 1) < 0) return failed("bad escape");
        at_ += 4;
      } else if (std::string_view("\"\\/bfnrt").find(e) == std::string_view::npos) {
        return failed("bad escape");
      }
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return failed("control character in a string");
    }
    ++at_;
  }
  return failed("a string that is not closed");
}

bool JsonScanner::number() {
  const auto digits = [this] {
    const std::size_t begin = at_;
    while (at_ < text_.size() && json_digit(text_[at_])) ++at_;
    return at_ > begin;
  };
  if (at_ < text_.size() && text_[at_] == '-') ++at_;
  const std::size_t whole = at_;
  if (!digits() || (text_[whole] == '0' && at_ > whole + 1)) return failed("bad number");
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!digits()) return failed("bad number");
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return failed("bad number");
  }
  return true;
}

bool JsonScanner::literal(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return failed("unexpected character");
  at_ += word.size();
  return true;
}

bool JsonScanner::nested(int depth) {
  if (depth > kMaxJsonDepth) return failed("nested too deeply");
  JsonType type = JsonType::null;
  if (!peek(type)) return false;
  std::string_view raw;
  bool escaped = false;
  switch (type) {
    case JsonType::string:
      return string(raw, escaped);
    case JsonType::number:
      return number();
    case JsonType::boolean:
      return literal(text_[at_] == 't' ? "true" : "false");
    case JsonType::null:
      return literal("null");
    case JsonType::object:
      open('{');
      while (member(raw, escaped))
        if (!nested(depth + 1)) return false;
      return ok();
    case JsonType::array:
      open('[');
      while (element())
        if (!nested(depth + 1)) return false;
      return ok();
  }
  return false;
}

bool JsonScanner::value(std::string_view& raw) {
  space();
  const std::size_t begin = at_;
  if (!nested(0)) return false;
  raw = text_.substr(begin, at_ - begin);
  return true;
}

bool JsonScanner::open(char bracket) {
  space();
  if (at_ >= text_.size() || text_[at_] != bracket)
    return failed(bracket == '{' ? "wanted an object" : "wanted an array");
  ++at_;
  first_ = true;
  return true;
}

bool JsonScanner::member(std::string_view& key, bool& escaped) {
  if (!ok()) return false;
  space();
  if (at_ < text_.size() && text_[at_] == '}') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (at_ >= text_.size() || text_[at_] != ',') return failed("wanted , or }");
    ++at_;
  }
  first_ = false;
  if (!string(key, escaped)) return false;
  space();
  if (at_ >= text_.size() || text_[at_] != ':') return failed("wanted :");
  ++at_;
  return true;
}

bool JsonScanner::element() {
  if (!ok()) return false;
  space();
  if (at_ < text_.size() && text_[at_] == ']') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (at_ >= text_.size() || text_[at_] != ',') return failed("wanted , or ]");
    ++at_;
  }
  first_ = false;
  return true;
}

bool JsonScanner::at_end() {
  space();
  return ok() && at_ == text_.size();
}

void unescape_json(std::string_view raw, std::string& out) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    const char e = raw[++i];
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (e != 'u') {
      out += kTo[kFrom.find(e)];
      continue;
    }
    auto code = static_cast<std::uint32_t>(json_hex4(raw, i + 1));
    i += 4;
    if (code >= 0xD800 && code < 0xDC00 && raw.substr(i + 1, 2) == "\\u") {
      const std::int32_t low = json_hex4(raw, i + 3);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00);
        i += 6;
      }
    }
    append_utf8(out, code);
  }
}

bool parse_json_path(std::string_view text, std::vector<JsonStep>& out) {
  std::size_t i = 0;
  bool want_name = true;  // at the start and after a dot
  while (i < text.size()) {
    if (text[i] == '[') {
      const bool quoted = i + 1 < text.size() && text[i + 1] == '"';
      const std::size_t close = text.find(quoted ? "\"]" : "]", i + (quoted ? 2 : 1));
      if (close == std::string_view::npos || (want_name && i != 0)) return false;
      JsonStep step;
      if (quoted) {
        step.key = std::string(text.substr(i + 2, close - i - 2));
        i = close + 2;
      } else {
        const std::string_view digits = text.substr(i + 1, close - i - 1);
        if (digits.empty() || digits.size() > 9) return false;
        for (const char c : digits) {
          if (!json_digit(c)) return false;
          step.index = step.index * 10 + static_cast<std::size_t>(c - '0');
        }
        step.is_index = true;
        i = close + 1;
      }
      out.push_back(std::move(step));
      want_name = false;
    } else if (text[i] == '.') {
      if (want_name) return false;
      want_name = true;
      ++i;
    } else {
      if (!want_name) return false;
      std::size_t end = i;
      while (end < text.size() && text[end] != '.' && text[end] != '[') {
        const char c = text[end];
        const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || json_digit(c) || c == '_' ||
                          c == '-' || static_cast<unsigned char>(c) >= 0x80;
        if (!word) return false;
        ++end;
      }
      out.push_back({std::string(text.substr(i, end - i)), 0, false});
      i = end;
      want_name = false;
    }
  }
  return !want_name && !out.empty();
}

}  // namespace telltale
