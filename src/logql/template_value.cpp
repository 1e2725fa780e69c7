#include "logql/template_value.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/json_scan.hpp"
#include "base/text.hpp"
#include "logql/go_time.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

bool json_value(JsonScanner& in, TemplateValue& out, int depth) {
  JsonType type = JsonType::null;
  if (depth > 64 || !in.peek(type)) return false;
  std::string_view raw;
  bool escaped = false;
  switch (type) {
    case JsonType::object: {
      auto map = std::make_shared<TemplateMap>();
      if (!in.open('{')) return false;
      while (in.member(raw, escaped)) {
        std::string key;
        unescape_json(raw, key);
        TemplateValue element;
        if (!json_value(in, element, depth + 1)) return false;
        (*map)[std::move(key)] = std::move(element);
      }
      out = TemplateValue(std::shared_ptr<const TemplateMap>(std::move(map)));
      return in.ok();
    }
    case JsonType::array: {
      auto list = std::make_shared<TemplateList>();
      if (!in.open('[')) return false;
      while (in.element())
        if (!json_value(in, list->emplace_back(), depth + 1)) return false;
      out = TemplateValue(std::shared_ptr<const TemplateList>(std::move(list)));
      return in.ok();
    }
    case JsonType::string: {
      if (!in.string(raw, escaped)) return false;
      std::string text;
      unescape_json(raw, text);
      out = TemplateValue(std::move(text));
      return true;
    }
    default:
      if (!in.value(raw)) return false;
      if (type == JsonType::number) out = TemplateValue(parse_go_float(raw).value_or(0));
      if (type == JsonType::boolean) out = TemplateValue(raw == "true");
      return true;
  }
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::size_t rune_count(std::string_view s) {
  std::size_t n = 0;
  for (const char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

/// The first `n` characters.
std::string_view runes(std::string_view s, std::size_t n) {
  for (std::size_t i = 0; i < s.size(); ++i)
    if ((static_cast<unsigned char>(s[i]) & 0xC0) != 0x80 && n-- == 0) return s.substr(0, i);
  return s;
}

/// One verb of a format with its flags.
struct GoVerb {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  int width = -1;
  int precision = -1;
  char verb = 0;
};

std::string pad(std::string text, const GoVerb& f, bool number) {
  const std::size_t n = rune_count(text);
  if (f.width < 0 || n >= static_cast<std::size_t>(f.width)) return text;
  const std::size_t missing = static_cast<std::size_t>(f.width) - n;
  if (f.minus) return text + std::string(missing, ' ');
  if (f.zero && number) {
    const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    return text.insert(sign, missing, '0');
  }
  return std::string(missing, ' ') + text;
}

std::string bad_verb(const GoVerb& f, const TemplateValue& v) {
  if (v.is_nil()) return fmt::format("%!{}(<nil>)", f.verb);
  return fmt::format("%!{}({}={})", f.verb, type_name(v), print_value(v));
}

std::string int_text(std::int64_t v, const GoVerb& f) {
  const bool negative = v < 0;
  const std::uint64_t a = negative ? 0 - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
  std::string digits;
  switch (f.verb) {
    case 'b':
      digits = fmt::format("{:b}", a);
      break;
    case 'o':
      digits = fmt::format("{:o}", a);
      break;
    case 'x':
      digits = fmt::format("{:x}", a);
      break;
    case 'X':
      digits = fmt::format("{:X}", a);
      break;
    default:
      digits = fmt::format("{}", a);
  }
  if (f.precision > 0 && digits.size() < static_cast<std::size_t>(f.precision))
    digits.insert(0, static_cast<std::size_t>(f.precision) - digits.size(), '0');
  if (f.sharp && (f.verb == 'x' || f.verb == 'X')) digits.insert(0, f.verb == 'x' ? "0x" : "0X");
  return (negative ? "-" : f.plus ? "+" : f.space ? " " : "") + digits;
}

std::string real_text(double v, const GoVerb& f) {
  std::string out;
  if (!std::isfinite(v)) {
    out = format_go_float(v);
  } else if ((f.verb == 'v' || f.verb == 'g') && f.precision < 0) {
    out = format_go_float(v);
  } else {
    const int precision = f.precision < 0 ? 6 : f.precision;
    const char verb = f.verb == 'v' ? 'g' : f.verb;
    char buffer[512];
    const char format[] = {'%', '.', '*', verb, '\0'};
    std::snprintf(buffer, sizeof buffer, format, std::min(precision, 100), v);
    out = buffer;
  }
  if (f.plus && out[0] != '-' && out[0] != '+') out.insert(0, "+");
  if (f.space && out[0] != '-' && out[0] != '+') out.insert(0, " ");
  return out;
}

std::string text_verb(std::string_view s, const GoVerb& f) {
  if (f.precision >= 0) s = runes(s, static_cast<std::size_t>(f.precision));
  if (f.verb == 'q') return quoted(s);
  if (f.verb == 'x' || f.verb == 'X') {
    std::string hex = to_hex(s);
    if (f.verb == 'X')
      for (char& c : hex) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return hex;
  }
  return std::string(s);
}

std::string format_one(const GoVerb& f, const TemplateValue& v) {
  const std::string_view verbs = "vsqxXdbocUeEfFgGtT";
  if (verbs.find(f.verb) == std::string_view::npos) return bad_verb(f, v);
  if (f.verb == 'T') return pad(std::string(v.is_nil() ? "<nil>" : type_name(v)), f, false);
  if (const auto* s = v.text())
    return std::string_view("vsqxX").find(f.verb) != std::string_view::npos ? pad(text_verb(*s, f), f, false)
                                                                            : bad_verb(f, v);
  if (const auto* i = v.integer()) {
    if (f.verb == 'c') {
      std::string out;
      append_utf8(out, static_cast<std::uint32_t>(*i));
      return pad(std::move(out), f, false);
    }
    if (f.verb == 'U') return pad(fmt::format("U+{:04X}", *i), f, false);
    return std::string_view("vdboxX").find(f.verb) != std::string_view::npos ? pad(int_text(*i, f), f, true)
                                                                             : bad_verb(f, v);
  }
  if (const auto* d = v.real())
    return std::string_view("veEfFgG").find(f.verb) != std::string_view::npos ? pad(real_text(*d, f), f, true)
                                                                              : bad_verb(f, v);
  if (const auto* b = v.boolean())
    return f.verb == 'v' || f.verb == 't' ? pad(*b ? "true" : "false", f, false) : bad_verb(f, v);
  if (v.is_nil()) return f.verb == 'v' ? pad("<nil>", f, false) : bad_verb(f, v);
  if (f.verb != 'v' && f.verb != 's') return bad_verb(f, v);
  return pad(print_value(v), f, false);
}

int read_int(std::string_view format, std::size_t& i) {
  int out = -1;
  for (; i < format.size() && format[i] >= '0' && format[i] <= '9'; ++i)
    out = std::min(std::max(out, 0) * 10 + (format[i] - '0'), 10'000);
  return out;
}

}  // namespace

std::string_view type_name(const TemplateValue& value) {
  static constexpr std::string_view kNames[] = {"nil",
                                                "bool",
                                                "int",
                                                "float64",
                                                "string",
                                                "time.Time",
                                                "[]interface {}",
                                                "map[string]interface {}",
                                                "map[string]string"};
  return kNames[value.v.index()];
}

std::string print_value(const TemplateValue& value) {
  if (const auto* s = value.text()) return *s;
  if (const auto* i = value.integer()) return fmt::format("{}", *i);
  if (const auto* d = value.real()) return format_go_float(*d);
  if (const auto* b = value.boolean()) return *b ? "true" : "false";
  if (const auto* t = value.time()) return print_go_time(*t);
  if (const auto* list = value.list()) {
    std::string out = "[";
    for (std::size_t i = 0; i < list->size(); ++i)
      out += (i == 0 ? "" : " ") + ((*list)[i].is_nil() ? std::string("<nil>") : print_value((*list)[i]));
    return out + "]";
  }
  if (const auto* map = value.map()) {
    std::string out = "map[";
    for (const auto& [key, v] : *map)
      out += (out.size() == 4 ? "" : " ") + key + ":" + (v.is_nil() ? std::string("<nil>") : print_value(v));
    return out + "]";
  }
  return "<no value>";
}

bool is_true(const TemplateValue& value) {
  if (const auto* s = value.text()) return !s->empty();
  if (const auto* i = value.integer()) return *i != 0;
  if (const auto* d = value.real()) return *d != 0;
  if (const auto* b = value.boolean()) return *b;
  if (const auto* list = value.list()) return !list->empty();
  if (const auto* map = value.map()) return !map->empty();
  return !value.is_nil();
}

std::string go_sprintf(std::string_view format, const std::vector<TemplateValue>& args) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    GoVerb f;
    for (++i; i < format.size(); ++i) {
      const char c = format[i];
      if (c == '-')
        f.minus = true;
      else if (c == '+')
        f.plus = true;
      else if (c == '#')
        f.sharp = true;
      else if (c == ' ')
        f.space = true;
      else if (c == '0')
        f.zero = true;
      else
        break;
    }
    const auto star = [&](int& into) {
      if (i >= format.size() || format[i] != '*') return false;
      ++i;
      const auto* n = next < args.size() ? args[next++].integer() : nullptr;
      into = n == nullptr
                 ? -1
                 : static_cast<int>(std::min<std::int64_t>(std::max<std::int64_t>(*n, -10'000), 10'000));
      return true;
    };
    if (star(f.width)) {
      if (f.width < 0) f.minus = f.width != -1, f.width = f.width == -1 ? -1 : -f.width;
    } else {
      f.width = read_int(format, i);
    }
    if (i < format.size() && format[i] == '.') {
      ++i;
      if (!star(f.precision)) f.precision = std::max(read_int(format, i), 0);
    }
    if (i >= format.size()) return out + "%!(NOVERB)";
    f.verb = format[i];
    if (f.verb == '%') {
      out += '%';
    } else if (next >= args.size()) {
      out += fmt::format("%!{}(MISSING)", f.verb);
    } else {
      out += format_one(f, args[next++]);
    }
  }
  if (next < args.size()) {
    out += "%!(EXTRA ";
    for (std::size_t k = next; k < args.size(); ++k)
      out += (k == next ? "" : ", ") + (args[k].is_nil()
                                            ? std::string("<nil>")
                                            : fmt::format("{}={}", type_name(args[k]), print_value(args[k])));
    out += ")";
  }
  return out;
}

bool value_from_json(std::string_view text, TemplateValue& out) {
  JsonScanner in(text);
  return json_value(in, out, 0) && in.at_end();
}

Result<std::string_view> text_arg(std::string_view function, const TemplateValue& value) {
  if (const auto* s = value.text()) return std::string_view(*s);
  return fail(ErrorKind::execution, fmt::format("{}: wanted a string, got {}", function, type_name(value)));
}

Result<std::int64_t> int_arg(std::string_view function, const TemplateValue& value) {
  if (const auto* i = value.integer()) return *i;
  return fail(ErrorKind::execution, fmt::format("{}: wanted an int, got {}", function, type_name(value)));
}

const FunctionEntry* find_function(std::string_view name) {
  if (const auto* f = find_text_function(name)) return f;
  if (const auto* f = find_number_function(name)) return f;
  return find_time_function(name);
}

}  // namespace telltale::logql
