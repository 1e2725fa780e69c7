// The functions of templates that work on text.
#include <clocale>
#include <cwctype>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/json_scan.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "logql/row_state.hpp"
#include "logql/template_value.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

using Args = const std::vector<TemplateValue>&;
using Value = Result<TemplateValue>;

tl::unexpected<Error> text_error(std::string message) {
  return fail(ErrorKind::execution, std::move(message));
}
TemplateValue text_value(std::string_view s) { return TemplateValue(std::string(s)); }

/// Characters with their case changed one by one, as Unicode's simple mappings have it.
std::string map_case(std::string_view s, bool upper) {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      out += static_cast<char>(upper ? (c >= 'a' && c <= 'z' ? c - 32 : c)
                                     : (c >= 'A' && c <= 'Z' ? c + 32 : c));
      ++i;
      continue;
    }
    std::size_t n = 1;
    while (i + n < s.size() && (static_cast<unsigned char>(s[i + n]) & 0xC0) == 0x80) ++n;
    std::uint32_t code = n == 2 ? c & 0x1FU : n == 3 ? c & 0x0FU : c & 0x07U;
    for (std::size_t k = 1; k < n; ++k) code = code << 6 | (static_cast<unsigned char>(s[i + k]) & 0x3FU);
    if (kLocale == nullptr || !is_utf8(s.substr(i, n))) {
      out += s.substr(i, n);
    } else {
      append_utf8(out,
                  static_cast<std::uint32_t>(upper ? towupper_l(code, kLocale) : towlower_l(code, kLocale)));
    }
    i += n;
  }
  return out;
}

bool in_set(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

std::string_view trim_set(std::string_view s, std::string_view set, bool left, bool right) {
  while (left && !s.empty() && in_set(set, s.front())) s.remove_prefix(1);
  while (right && !s.empty() && in_set(set, s.back())) s.remove_suffix(1);
  return s;
}
constexpr std::string_view kBlank = " \t\n\v\f\r";

std::string replace_text(std::string_view s, std::string_view from, std::string_view to, std::int64_t times) {
  std::string out;
  if (from.empty()) {  // as Go: before every character and at the end
    for (const char c : s) {
      if ((static_cast<unsigned char>(c) & 0xC0) != 0x80 && times != 0) {
        out += to;
        if (times > 0) --times;
      }
      out += c;
    }
    if (times != 0) out += to;
    return out;
  }
  for (std::size_t at = 0;;) {
    const std::size_t found = times == 0 ? std::string_view::npos : s.find(from, at);
    out += s.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
    if (times > 0) --times;
  }
}

/// Byte offset of character `n`.
std::size_t rune_offset(std::string_view s, std::size_t n) {
  std::size_t i = 0;
  while (i < s.size()) {
    if (n-- == 0) return i;
    ++i;
    while (i < s.size() && (static_cast<unsigned char>(s[i]) & 0xC0) == 0x80) ++i;
  }
  return s.size();
}
std::int64_t rune_length(std::string_view s) {
  std::int64_t n = 0;
  for (const char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}
std::string_view rune_range(std::string_view s, std::int64_t from, std::int64_t to) {
  const std::size_t begin = rune_offset(s, static_cast<std::size_t>(from));
  return s.substr(begin, rune_offset(s, static_cast<std::size_t>(to)) - begin);
}

Value trunc(Args a, const RowState&) {
  TT_ASSIGN(const std::int64_t n, int_arg("trunc", a[0]));
  TT_ASSIGN(const std::string_view s, text_arg("trunc", a[1]));
  const std::int64_t length = rune_length(s);
  if (n < 0 && length + n > 0) return text_value(rune_range(s, length + n, length));
  if (n >= 0 && length > n) return text_value(rune_range(s, 0, n));
  return text_value(s);
}

Value substr(Args a, const RowState&) {
  TT_ASSIGN(const std::int64_t start, int_arg("substr", a[0]));
  TT_ASSIGN(const std::int64_t end, int_arg("substr", a[1]));
  TT_ASSIGN(const std::string_view s, text_arg("substr", a[2]));
  const std::int64_t length = rune_length(s);
  if (start < 0) return text_value(end < 0 ? std::string_view() : rune_range(s, 0, std::min(end, length)));
  if (start > length) return text_value("");
  if (end < 0 || end > length) return text_value(rune_range(s, start, length));
  return text_value(start > end ? std::string_view() : rune_range(s, start, end));
}

Value align(Args a, bool left) {
  const char* const name = left ? "alignLeft" : "alignRight";
  TT_ASSIGN(const std::int64_t n, int_arg(name, a[0]));
  TT_ASSIGN(const std::string_view s, text_arg(name, a[1]));
  const std::int64_t length = rune_length(s);
  if (n < 0 || n == length) return text_value(s);
  if (n > static_cast<std::int64_t>(limits::kMaxTemplateBytes))
    return text_error(std::string(name) + ": too wide");
  if (n < length) return text_value(left ? rune_range(s, 0, n) : rune_range(s, length - n, length));
  const std::string blanks(static_cast<std::size_t>(n - length), ' ');
  return TemplateValue(left ? std::string(s) + blanks : blanks + std::string(s));
}
Value align_left(Args a, const RowState&) { return align(a, true); }
Value align_right(Args a, const RowState&) { return align(a, false); }

Value indent_text(Args a, bool line_first) {
  const char* const name = line_first ? "nindent" : "indent";
  TT_ASSIGN(const std::int64_t n, int_arg(name, a[0]));
  TT_ASSIGN(const std::string_view s, text_arg(name, a[1]));
  if (n < 0 || n > 1000) return text_error(fmt::format("{}: from 0 to 1000 spaces", name));
  const std::string blanks(static_cast<std::size_t>(n), ' ');
  return TemplateValue((line_first ? "\n" : "") + blanks + replace_text(s, "\n", "\n" + blanks, -1));
}
Value indent(Args a, const RowState&) { return indent_text(a, false); }
Value nindent(Args a, const RowState&) { return indent_text(a, true); }

Value repeat(Args a, const RowState&) {
  TT_ASSIGN(const std::int64_t n, int_arg("repeat", a[0]));
  TT_ASSIGN(const std::string_view s, text_arg("repeat", a[1]));
  if (n < 0) return text_error("repeat: a negative count");
  if (!s.empty() && n > static_cast<std::int64_t>(limits::kMaxTemplateBytes / s.size()))
    return text_error("repeat: too long");
  std::string out;
  for (std::int64_t i = 0; i < n && !s.empty(); ++i) out += s;
  return TemplateValue(std::move(out));
}

Value title(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("title", a[0]));
  std::string out;
  bool start = true;
  for (std::size_t i = 0; i < s.size();) {
    std::size_t n = 1;
    while (i + n < s.size() && (static_cast<unsigned char>(s[i + n]) & 0xC0) == 0x80) ++n;
    out += start ? map_case(s.substr(i, n), true) : std::string(s.substr(i, n));
    const auto c = static_cast<unsigned char>(s[i]);
    start = c < 0x80 && std::isalnum(c) == 0 && c != '_';
    i += n;
  }
  return TemplateValue(std::move(out));
}

/// One text to another.
template <class Change>
Value change_text(const char* name, Args a, Change change) {
  TT_ASSIGN(const std::string_view s, text_arg(name, a[0]));
  return TemplateValue(std::string(change(s)));
}
Value lower(Args a, const RowState&) {
  return change_text("lower", a, [](std::string_view s) { return map_case(s, false); });
}
Value upper(Args a, const RowState&) {
  return change_text("upper", a, [](std::string_view s) { return map_case(s, true); });
}
Value trim(Args a, const RowState&) {
  return change_text("trim", a, [](std::string_view s) { return trim_set(s, kBlank, true, true); });
}
Value b64enc(Args a, const RowState&) {
  return change_text("b64enc", a, [](std::string_view s) { return to_base64(s); });
}
Value b64dec(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("b64dec", a[0]));
  if (s.size() % 4 == 0)
    if (auto bytes = from_base64(s)) return TemplateValue(*std::move(bytes));
  std::size_t bad = 0;
  while (bad < s.size() &&
         (std::isalnum(static_cast<unsigned char>(s[bad])) != 0 || s[bad] == '+' || s[bad] == '/'))
    ++bad;
  return TemplateValue(fmt::format("illegal base64 data at input byte {}", bad));
}
Value urlencode(Args a, const RowState&) {
  return change_text("urlencode", a, [](std::string_view s) {
    std::string out;
    for (const char c : s) {
      const auto u = static_cast<unsigned char>(c);
      if (std::isalnum(u) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
        out += c;
      } else if (c == ' ') {
        out += '+';
      } else {
        out += fmt::format("%{:02X}", u);
      }
    }
    return out;
  });
}
Value urldecode(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("urldecode", a[0]));
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%') {
      const auto byte = i + 2 < s.size() ? from_hex(s.substr(i + 1, 2)) : std::nullopt;
      if (!byte) return text_error(fmt::format("urldecode: invalid URL escape \"{}\"", s.substr(i, 3)));
      out += *byte;
      i += 2;
    } else {
      out += s[i] == '+' ? ' ' : s[i];
    }
  }
  return TemplateValue(std::move(out));
}

/// Two texts to a value.
template <class Change>
Value change_two(const char* name, Args a, Change change) {
  TT_ASSIGN(const std::string_view x, text_arg(name, a[0]));
  TT_ASSIGN(const std::string_view y, text_arg(name, a[1]));
  return change(x, y);
}
std::string_view without_prefix(std::string_view s, std::string_view p) {
  return s.starts_with(p) ? s.substr(p.size()) : s;
}
std::string_view without_suffix(std::string_view s, std::string_view p) {
  return s.ends_with(p) ? s.substr(0, s.size() - p.size()) : s;
}
Value contains(Args a, const RowState&) {
  return change_two("contains", a,
                    [](auto x, auto y) { return TemplateValue(y.find(x) != std::string_view::npos); });
}
Value has_prefix(Args a, const RowState&) {
  return change_two("hasPrefix", a, [](auto x, auto y) { return TemplateValue(y.starts_with(x)); });
}
Value has_suffix(Args a, const RowState&) {
  return change_two("hasSuffix", a, [](auto x, auto y) { return TemplateValue(y.ends_with(x)); });
}
Value trim_all(Args a, const RowState&) {
  return change_two("trimAll", a, [](auto x, auto y) { return text_value(trim_set(y, x, true, true)); });
}
Value trim_prefix(Args a, const RowState&) {
  return change_two("trimPrefix", a, [](auto x, auto y) { return text_value(without_prefix(y, x)); });
}
Value trim_suffix(Args a, const RowState&) {
  return change_two("trimSuffix", a, [](auto x, auto y) { return text_value(without_suffix(y, x)); });
}
// The older names take the text first, as Go's strings package does.
Value old_trim(Args a, const RowState&) {
  return change_two("Trim", a, [](auto x, auto y) { return text_value(trim_set(x, y, true, true)); });
}
Value old_trim_left(Args a, const RowState&) {
  return change_two("TrimLeft", a, [](auto x, auto y) { return text_value(trim_set(x, y, true, false)); });
}
Value old_trim_right(Args a, const RowState&) {
  return change_two("TrimRight", a, [](auto x, auto y) { return text_value(trim_set(x, y, false, true)); });
}
Value old_trim_prefix(Args a, const RowState&) {
  return change_two("TrimPrefix", a, [](auto x, auto y) { return text_value(without_prefix(x, y)); });
}
Value old_trim_suffix(Args a, const RowState&) {
  return change_two("TrimSuffix", a, [](auto x, auto y) { return text_value(without_suffix(x, y)); });
}

Value replace(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view from, text_arg("replace", a[0]));
  TT_ASSIGN(const std::string_view to, text_arg("replace", a[1]));
  TT_ASSIGN(const std::string_view s, text_arg("replace", a[2]));
  return TemplateValue(replace_text(s, from, to, -1));
}
Value old_replace(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("Replace", a[0]));
  TT_ASSIGN(const std::string_view from, text_arg("Replace", a[1]));
  TT_ASSIGN(const std::string_view to, text_arg("Replace", a[2]));
  TT_ASSIGN(const std::int64_t times, int_arg("Replace", a[3]));
  return TemplateValue(replace_text(s, from, to, times < 0 ? -1 : times));
}

Result<std::unique_ptr<re2::RE2>> template_regex(const char* name, std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto out = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!out->ok()) return text_error(fmt::format("{}: bad regular expression: {}", name, out->error()));
  return out;
}

/// Go's Expand: `$1`, `$name`, `${name}`, `$$`; what names no group is empty.
std::string expand_groups(std::string_view text, const re2::RE2& regex,
                          const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const bool braces = text[i + 1] == '{';
    std::size_t end = i + (braces ? 2 : 1);
    const std::size_t begin = end;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    const std::string name(text.substr(begin, end - begin));
    if (name.empty() || (braces && (end >= text.size() || text[end] != '}'))) {
      out += '$';
      continue;
    }
    std::size_t index = groups.size();
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      if (name.size() < 4) index = std::stoul(name);
    } else if (const auto found = regex.NamedCapturingGroups().find(name);
               found != regex.NamedCapturingGroups().end()) {
      index = static_cast<std::size_t>(found->second);
    }
    if (index < groups.size() && groups[index].data() != nullptr)
      out.append(groups[index].data(), groups[index].size());
    i = braces ? end : end - 1;
  }
  return out;
}

/// Calls `found` with the text between matches and the groups of each; returns how many there were.
template <class Found>
std::size_t each_match(const re2::RE2& regex, std::string_view s, const Found& found) {
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  const re2::StringPiece text(s.data(), s.size());
  std::size_t at = 0;
  std::size_t last_end = std::string_view::npos;
  std::size_t copied = 0;
  std::size_t count = 0;
  while (at <= s.size() && regex.Match(text, at, s.size(), re2::RE2::UNANCHORED, groups.data(),
                                       static_cast<int>(groups.size()))) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - s.data());
    const std::size_t end = begin + groups[0].size();
    if (!(groups[0].empty() && begin == last_end)) {
      found(s.substr(copied, begin - copied), groups);
      copied = end;
      ++count;
    }
    last_end = end;
    at = groups[0].empty() ? end + 1 : end;
    while (groups[0].empty() && at < s.size() && (static_cast<unsigned char>(s[at]) & 0xC0) == 0x80) ++at;
  }
  found(s.substr(copied), std::vector<re2::StringPiece>());
  return count;
}

Value regex_replace(const char* name, Args a, bool literal) {
  TT_ASSIGN(const std::string_view pattern, text_arg(name, a[0]));
  TT_ASSIGN(const std::string_view s, text_arg(name, a[1]));
  TT_ASSIGN(const std::string_view to, text_arg(name, a[2]));
  TT_ASSIGN(const auto regex, template_regex(name, pattern));
  std::string out;
  each_match(*regex, s, [&](std::string_view before, const std::vector<re2::StringPiece>& groups) {
    out += before;
    if (out.size() <= limits::kMaxTemplateBytes && !groups.empty())
      out += literal ? std::string(to) : expand_groups(to, *regex, groups);
  });
  if (out.size() > limits::kMaxTemplateBytes) return text_error(std::string(name) + ": too long");
  return TemplateValue(std::move(out));
}
Value regex_replace_all(Args a, const RowState&) { return regex_replace("regexReplaceAll", a, false); }
Value regex_replace_literal(Args a, const RowState&) {
  return regex_replace("regexReplaceAllLiteral", a, true);
}
Value count(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view pattern, text_arg("count", a[0]));
  TT_ASSIGN(const std::string_view s, text_arg("count", a[1]));
  TT_ASSIGN(const auto regex, template_regex("count", pattern));
  return TemplateValue(
      static_cast<std::int64_t>(each_match(*regex, s, [](std::string_view, const auto&) {})));
}

Value line(Args, const RowState& row) { return text_value(row.line()); }
Value print(Args a, const RowState&) {
  std::string out;
  for (std::size_t i = 0; i < a.size(); ++i) {  // a space between two that are not strings
    if (i > 0 && a[i].text() == nullptr && a[i - 1].text() == nullptr) out += ' ';
    out += a[i].is_nil() ? "<nil>" : print_value(a[i]);
  }
  return TemplateValue(std::move(out));
}
Value println(Args a, const RowState&) {
  std::string out;
  for (std::size_t i = 0; i < a.size(); ++i)
    out += (i == 0 ? "" : " ") + (a[i].is_nil() ? "<nil>" : print_value(a[i]));
  return TemplateValue(out + "\n");
}
Value printf_(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view format, text_arg("printf", a[0]));
  return TemplateValue(go_sprintf(format, std::vector<TemplateValue>(a.begin() + 1, a.end())));
}
Value default_(Args a, const RowState&) { return a.size() > 1 && is_true(a.back()) ? a.back() : a[0]; }
Value from_json(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("fromJson", a[0]));
  TemplateValue out;
  if (!value_from_json(s, out)) return text_value("");
  return out;
}
Value len(Args a, const RowState&) {
  if (const auto* s = a[0].text()) return TemplateValue(static_cast<std::int64_t>(s->size()));
  if (const auto* list = a[0].list()) return TemplateValue(static_cast<std::int64_t>(list->size()));
  if (const auto* map = a[0].map()) return TemplateValue(static_cast<std::int64_t>(map->size()));
  return text_error(fmt::format("len of type {}", type_name(a[0])));
}
Value index(Args a, const RowState&) {
  TemplateValue v = a[0];
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (const auto* map = v.map()) {
      TT_ASSIGN(const std::string_view key, text_arg("index", a[i]));
      const auto found = map->find(std::string(key));
      v = found == map->end() ? TemplateValue() : TemplateValue(found->second);
      continue;
    }
    TT_ASSIGN(const std::int64_t n, int_arg("index", a[i]));
    const auto* list = v.list();
    const auto* s = v.text();
    const std::size_t size = list != nullptr ? list->size() : s != nullptr ? s->size() : 0;
    if (list == nullptr && s == nullptr) return text_error(fmt::format("index of type {}", type_name(v)));
    if (n < 0 || static_cast<std::size_t>(n) >= size)
      return text_error(fmt::format("index out of range: {}", n));
    v = list != nullptr
            ? TemplateValue((*list)[static_cast<std::size_t>(n)])
            : TemplateValue(std::int64_t{static_cast<unsigned char>((*s)[static_cast<std::size_t>(n)])});
  }
  return v;
}
Value slice(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("slice", a[0]));
  std::int64_t from = 0;
  auto to = static_cast<std::int64_t>(s.size());
  if (a.size() > 1) {
    TT_ASSIGN(from, int_arg("slice", a[1]));
  }
  if (a.size() > 2) {
    TT_ASSIGN(to, int_arg("slice", a[2]));
  }
  if (from < 0 || from > to || to > static_cast<std::int64_t>(s.size()))
    return text_error("slice: index out of range");
  return text_value(s.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
}

constexpr FunctionEntry kTextFunctions[] = {{"__line__", 0, 0, line},
                                            {"print", 0, -1, print},
                                            {"println", 0, -1, println},
                                            {"printf", 1, -1, printf_},
                                            {"default", 1, 2, default_},
                                            {"fromJson", 1, 1, from_json},
                                            {"len", 1, 1, len},
                                            {"index", 1, -1, index},
                                            {"slice", 1, 3, slice},
                                            {"trunc", 2, 2, trunc},
                                            {"substr", 3, 3, substr},
                                            {"alignLeft", 2, 2, align_left},
                                            {"alignRight", 2, 2, align_right},
                                            {"indent", 2, 2, indent},
                                            {"nindent", 2, 2, nindent},
                                            {"repeat", 2, 2, repeat},
                                            {"title", 1, 1, title},
                                            {"lower", 1, 1, lower},
                                            {"upper", 1, 1, upper},
                                            {"ToLower", 1, 1, lower},
                                            {"ToUpper", 1, 1, upper},
                                            {"trim", 1, 1, trim},
                                            {"TrimSpace", 1, 1, trim},
                                            {"b64enc", 1, 1, b64enc},
                                            {"b64dec", 1, 1, b64dec},
                                            {"urlencode", 1, 1, urlencode},
                                            {"urlquery", 1, 1, urlencode},
                                            {"urldecode", 1, 1, urldecode},
                                            {"contains", 2, 2, contains},
                                            {"hasPrefix", 2, 2, has_prefix},
                                            {"hasSuffix", 2, 2, has_suffix},
                                            {"trimAll", 2, 2, trim_all},
                                            {"trimPrefix", 2, 2, trim_prefix},
                                            {"trimSuffix", 2, 2, trim_suffix},
                                            {"Trim", 2, 2, old_trim},
                                            {"TrimLeft", 2, 2, old_trim_left},
                                            {"TrimRight", 2, 2, old_trim_right},
                                            {"TrimPrefix", 2, 2, old_trim_prefix},
                                            {"TrimSuffix", 2, 2, old_trim_suffix},
                                            {"replace", 3, 3, replace},
                                            {"Replace", 4, 4, old_replace},
                                            {"regexReplaceAll", 3, 3, regex_replace_all},
                                            {"regexReplaceAllLiteral", 3, 3, regex_replace_literal},
                                            {"count", 2, 2, count}};

}  // namespace

const FunctionEntry* find_text_function(std::string_view name) {
  for (const FunctionEntry& f : kTextFunctions)
    if (f.name == name) return &f;
  return nullptr;
}

}  // namespace telltale::logql
