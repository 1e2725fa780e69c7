// A single pass over the text with one bit of state, inside or outside a string. It never needs to understand
// the document's structure, so it works on text of any depth and cannot fail.
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::json {
namespace {

constexpr std::string_view kReplacement = "\\ufffd";

bool is_hex4(std::string_view s) {
  if (s.size() < 4) return false;
  for (int i = 0; i < 4; ++i)
    if (std::string_view("0123456789abcdefABCDEF").find(s[i]) == std::string_view::npos) return false;
  return true;
}

unsigned hex4(std::string_view s) {
  unsigned v = 0;
  std::from_chars(s.data(), s.data() + 4, v, 16);
  return v;
}

/// `in` stands at a backslash; appends the escape, mended, and returns its length in `in`.
std::size_t copy_escape(std::string_view in, std::string& out) {
  if (in.size() < 2) {
    out += "\\\\";
    return 1;
  }
  if (in[1] != 'u') {
    if (std::string_view("\"\\/bfnrt").find(in[1]) == std::string_view::npos) {
      out += "\\\\";
      return 1;
    }
    out.append(in.substr(0, 2));
    return 2;
  }
  if (!is_hex4(in.substr(2))) {
    out += "\\\\";
    return 1;
  }
  const unsigned unit = hex4(in.substr(2));
  if (unit < 0xD800 || unit > 0xDFFF) {
    out.append(in.substr(0, 6));
    return 6;
  }
  const bool paired = unit <= 0xDBFF && in.size() >= 12 && in[6] == '\\' && in[7] == 'u' &&
                      is_hex4(in.substr(8)) && hex4(in.substr(8)) >= 0xDC00 && hex4(in.substr(8)) <= 0xDFFF;
  if (paired) {
    out.append(in.substr(0, 12));
    return 12;
  }
  out += kReplacement;
  return 6;
}

bool number_fits(std::string_view token) {
  const bool integral = token.find_first_of(".eE") == std::string_view::npos;
  const char* end = token.data() + token.size();
  if (integral) {
    std::int64_t i = 0;
    std::uint64_t u = 0;
    return std::from_chars(token.data(), end, i).ec == std::errc{} ||
           std::from_chars(token.data(), end, u).ec == std::errc{};
  }
  double d = 0;
  return std::from_chars(token.data(), end, d).ec == std::errc{} && std::isfinite(d);
}

bool is_scalar_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
         c == '.';
}

void copy_scalar(std::string_view token, std::string& out) {
  const bool number = (token[0] >= '0' && token[0] <= '9') ||
                      (token.size() > 1 && token[0] == '-' && token[1] >= '0' && token[1] <= '9');
  const bool odd = token == "NaN" || token == "Infinity" || token == "-Infinity" || token == "-NaN";
  if (odd || (number && !number_fits(token))) {
    out += '"';
    out.append(token);
    out += '"';
  } else {
    out.append(token);
  }
}

}  // namespace

std::string repair(std::string_view bytes) {
  const std::string valid = is_utf8(bytes) ? std::string(bytes) : repair_utf8(bytes);
  const std::string_view in = valid;
  std::string out;
  out.reserve(in.size() + 64);
  bool in_string = false;
  for (std::size_t i = 0; i < in.size();) {
    const char c = in[i];
    if (in_string && c == '\\') {
      i += copy_escape(in.substr(i), out);
    } else if (in_string && static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[(c >> 4) & 1];
      out += kHex[c & 15];
      ++i;
    } else if (!in_string && is_scalar_char(c)) {
      std::size_t end = i;
      while (end < in.size() && is_scalar_char(in[end])) ++end;
      copy_scalar(in.substr(i, end - i), out);
      i = end;
    } else {
      if (c == '"') in_string = !in_string;
      out += c;
      ++i;
    }
  }
  return out;
}

}  // namespace telltale::wire::json
