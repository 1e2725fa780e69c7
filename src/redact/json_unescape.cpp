// JSON's escapes undone, leniently: what is broken stays as it is, because it is only looked through.
#include "base/text.hpp"
#include "redact/json_walk.hpp"

namespace telltale::redact {
namespace {

std::optional<std::uint32_t> read_hex4(std::string_view s) {
  if (s.size() < 4) return std::nullopt;
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = s[i];
    const char l = static_cast<char>(c | 32);
    if (c >= '0' && c <= '9') {
      v = v * 16 + static_cast<std::uint32_t>(c - '0');
    } else if (l >= 'a' && l <= 'f') {
      v = v * 16 + static_cast<std::uint32_t>(l - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return v;
}

}  // namespace

bool append_unescaped(std::string& out, std::string_view raw) {
  constexpr std::string_view kFrom = "\"\\/bfnrt";
  constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  bool any = false;
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t slash = std::min(raw.find('\\', i), raw.size());
    out.append(raw, i, slash - i);
    i = slash;
    if (i == raw.size()) break;
    if (i + 1 >= raw.size()) {
      out += raw[i++];
      continue;
    }
    const char c = raw[i + 1];
    if (const auto at = kFrom.find(c); at != std::string_view::npos) {
      out += kTo[at];
      i += 2;
      any = true;
      continue;
    }
    const auto unit = c == 'u' ? read_hex4(raw.substr(i + 2)) : std::nullopt;
    if (!unit) {
      out += raw[i++];
      continue;
    }
    i += 6;
    any = true;
    std::uint32_t cp = *unit;
    if (cp >= 0xD800 && cp < 0xDC00 && raw.substr(i).starts_with("\\u")) {
      const auto low = read_hex4(raw.substr(i + 2));
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (*low - 0xDC00);
        i += 6;
      }
    }
    append_utf8(out, cp);
  }
  return any;
}

}  // namespace telltale::redact
