#include "alerting/template.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <variant>
#include <vector>

#include "promql/engine.hpp"

namespace telltale::alerting {
namespace {

using Value = std::variant<double, std::string>;

std::string text_of(const Value& v) {
  return std::holds_alternative<double>(v) ? promql::format_value(std::get<double>(v))
                                           : std::get<std::string>(v);
}

Result<double> number_of_value(const Value& v) {
  if (std::holds_alternative<double>(v)) return std::get<double>(v);
  char* stop = nullptr;
  const std::string& s = std::get<std::string>(v);
  const double d = std::strtod(s.c_str(), &stop);
  if (s.empty() || *stop != '\0')
    return fail(ErrorKind::execution, "can't convert \"" + s + "\" to a number");
  return d;
}

std::string short_number(double v, const char* suffix = "") {
  char out[64];
  std::snprintf(out, sizeof out, "%.4g%s", v, suffix);
  return out;
}

std::string humanize(double v, double base, bool binary) {
  if (v == 0 || std::isnan(v) || std::isinf(v)) return short_number(v);
  static constexpr const char* kBig[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  static constexpr const char* kBinary[] = {"", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
  static constexpr const char* kSmall[] = {"", "m", "u", "n", "p", "f", "a", "z", "y"};
  int i = 0;
  if (std::abs(v) >= 1 || binary) {
    for (; std::abs(v) >= base && i < 8; ++i) v /= base;
    return short_number(v, binary ? kBinary[i] : kBig[i]);
  }
  for (; std::abs(v) < 1 && i < 8; ++i) v *= 1000;
  return short_number(v, kSmall[i]);
}

std::string humanize_duration(double v) {
  if (std::isnan(v) || std::isinf(v)) return short_number(v);
  if (v == 0) return "0s";
  if (std::abs(v) < 1) return humanize(v, 1000, false) + "s";
  const std::string sign = v < 0 ? "-" : "";
  const double a = std::abs(v);
  const auto total = static_cast<long long>(a);
  const std::string s = std::to_string(total % 60) + "s";
  const std::string m = std::to_string(total / 60 % 60) + "m ";
  const std::string h = std::to_string(total / 3600 % 24) + "h ";
  if (total >= 86400) return sign + std::to_string(total / 86400) + "d " + h + m + s;
  if (total >= 3600) return sign + h + m + s;
  if (total >= 60) return sign + m + s;
  return short_number(v, "s");
}

std::string humanize_timestamp(double v) {
  if (!(std::abs(v) < 6e16)) return short_number(v);
  const auto t = static_cast<std::time_t>(v);
  std::tm tm{};
  gmtime_r(&t, &tm);
  char out[64];
  std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
  return out;
}

/// Words of an action: quoted strings stay whole, `|`, `(` and `)` stand alone.
Result<std::vector<std::string>> words_of(std::string_view s) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (c == ' ' || c == '\t' || c == '\n') {
      ++i;
    } else if (c == '|' || c == '(' || c == ')') {
      out.emplace_back(1, c);
      ++i;
    } else if (c == '"' || c == '`') {
      std::size_t end = i + 1;
      while (end < s.size() && s[end] != c) end += (s[end] == '\\' && c == '"') ? 2 : 1;
      if (end >= s.size()) return fail(ErrorKind::execution, "unterminated quoted string");
      out.emplace_back(s.substr(i, end - i + 1));
      i = end + 1;
    } else {
      std::size_t end = i;
      while (end < s.size() && std::string_view(" \t\n|()").find(s[end]) == std::string_view::npos) ++end;
      out.emplace_back(s.substr(i, end - i));
      i = end;
    }
  }
  return out;
}

class Expander {
 public:
  Expander(const Labels& labels, double value) : labels_(labels), value_(value) {}

  Result<std::string> run(std::string_view text) {
    std::string out;
    struct Branch {
      bool active;  // of the parent
      bool taken;   // some branch of this if was true
      bool now;
    };
    std::vector<Branch> stack;
    bool active = true;
    bool trim_next = false;
    while (!text.empty()) {
      const auto open = text.find("{{");
      std::string_view plain = text.substr(0, open);
      if (trim_next) plain = plain.substr(std::min(plain.find_first_not_of(" \t\r\n"), plain.size()));
      trim_next = false;
      if (active) out += plain;
      if (open == std::string_view::npos) break;
      const auto close = text.find("}}", open);
      if (close == std::string_view::npos) return fail(ErrorKind::execution, "unclosed action");
      std::string_view action = text.substr(open + 2, close - open - 2);
      text.remove_prefix(close + 2);
      if (action.starts_with("- ")) {
        action.remove_prefix(2);
        if (active) out.erase(out.find_last_not_of(" \t\r\n") + 1);
      }
      if (action.ends_with(" -")) {
        action.remove_suffix(2);
        trim_next = true;
      }
      TT_ASSIGN(std::vector<std::string> words, words_of(action));
      if (words.empty()) return fail(ErrorKind::execution, "missing value for command");
      if (words[0].starts_with("/*")) continue;
      if (words[0] == "if") {
        TT_ASSIGN(const bool yes, condition({words.begin() + 1, words.end()}, active));
        stack.push_back({active, yes, yes});
      } else if (words[0] == "else" || words[0] == "end") {
        if (stack.empty()) return fail(ErrorKind::execution, "unexpected {{" + words[0] + "}}");
        Branch& b = stack.back();
        if (words[0] == "end") {
          active = b.active;
          stack.pop_back();
          continue;
        }
        bool yes = !b.taken;
        if (words.size() > 1 && yes) {
          if (words[1] != "if") return fail(ErrorKind::execution, "unexpected \"" + words[1] + "\" in else");
          TT_ASSIGN(yes, condition({words.begin() + 2, words.end()}, b.active));
        }
        b.now = yes;
        b.taken = b.taken || yes;
      } else {
        if (!active) continue;
        at_ = 0;
        words_ = std::move(words);
        TT_ASSIGN(const Value v, pipeline());
        if (at_ != words_.size()) return fail(ErrorKind::execution, "unexpected \"" + words_[at_] + "\"");
        out += text_of(v);
        continue;
      }
      active = stack.back().active && stack.back().now;
    }
    if (!stack.empty()) return fail(ErrorKind::execution, "unexpected end of the template: missing {{end}}");
    return out;
  }

 private:
  Result<bool> condition(std::vector<std::string> words, bool evaluate) {
    if (!evaluate) return false;
    words_ = std::move(words);
    at_ = 0;
    TT_ASSIGN(const Value v, pipeline());
    return std::holds_alternative<double>(v) ? std::get<double>(v) != 0 : !std::get<std::string>(v).empty();
  }

  Result<Value> pipeline() {
    TT_ASSIGN(Value v, command(nullptr));
    while (at_ < words_.size() && words_[at_] == "|") {
      ++at_;
      const Value piped = v;
      TT_ASSIGN(v, command(&piped));
    }
    return v;
  }

  Result<Value> command(const Value* piped) {
    if (at_ >= words_.size()) return fail(ErrorKind::execution, "missing value for command");
    const std::string& first = words_[at_];
    if (piped == nullptr && !std::isalpha(static_cast<unsigned char>(first[0]))) return operand();
    const std::string name = first;
    ++at_;
    std::vector<Value> args;
    while (at_ < words_.size() && words_[at_] != "|" && words_[at_] != ")") {
      TT_ASSIGN(Value v, operand());
      args.push_back(std::move(v));
    }
    if (piped != nullptr) args.push_back(*piped);
    return apply(name, args);
  }

  Result<Value> operand() {
    const std::string w = words_[at_++];
    if (w == "(") {
      TT_ASSIGN(Value v, pipeline());
      if (at_ >= words_.size() || words_[at_] != ")")
        return fail(ErrorKind::execution, "unclosed left paren");
      ++at_;
      return v;
    }
    if (w[0] == '`') return Value(w.substr(1, w.size() - 2));
    if (w[0] == '"') {
      std::string s;
      for (std::size_t i = 1; i + 1 < w.size(); ++i) {
        if (w[i] == '\\' && i + 2 < w.size()) {
          ++i;
          s += w[i] == 'n' ? '\n' : (w[i] == 't' ? '\t' : w[i]);
        } else {
          s += w[i];
        }
      }
      return Value(s);
    }
    if (w == "$value" || w == ".Value") return Value(value_);
    for (std::string_view prefix : {"$labels.", ".Labels."}) {
      if (w.starts_with(prefix)) return Value(std::string(labels_.get(w.substr(prefix.size()))));
    }
    if (w == "$labels" || w == ".Labels") return Value(labels_.to_string());
    char* stop = nullptr;
    const double d = std::strtod(w.c_str(), &stop);
    if (*stop == '\0') return Value(d);
    return fail(ErrorKind::execution, "\"" + w + "\" is not supported in templates");
  }

  Result<Value> apply(const std::string& f, const std::vector<Value>& args) {
    if (args.empty())
      return fail(ErrorKind::execution, "function \"" + f + "\" is not supported or lacks its argument");
    if (f == "printf") return print_formatted(args);
    const std::string s = text_of(args.back());
    if (f == "toUpper" || f == "toLower" || f == "title") {
      std::string out = s;
      bool start = true;
      for (char& c : out) {
        const auto u = static_cast<unsigned char>(c);
        if (f == "toUpper" || (f == "title" && start)) c = static_cast<char>(std::toupper(u));
        if (f == "toLower") c = static_cast<char>(std::tolower(u));
        start = c == ' ';
      }
      return Value(out);
    }
    if (f == "stripPort") return Value(s.substr(0, s.rfind(':')));
    if (f == "stripDomain") return Value(s.substr(0, s.find('.')));
    if (f == "eq" || f == "ne") {
      if (args.size() != 2) return fail(ErrorKind::execution, f + " takes two arguments");
      return Value(((text_of(args[0]) == s) == (f == "eq")) ? 1.0 : 0.0);
    }
    if (!f.starts_with("humanize") && f != "gt" && f != "lt") {
      return fail(ErrorKind::execution, "function \"" + f + "\" is not supported in templates");
    }
    TT_ASSIGN(const double v, number_of_value(args.back()));
    if (f == "humanize") return Value(humanize(v, 1000, false));
    if (f == "humanize1024") return Value(humanize(v, 1024, true));
    if (f == "humanizeDuration") return Value(humanize_duration(v));
    if (f == "humanizePercentage") return Value(short_number(v * 100, "%"));
    if (f == "humanizeTimestamp") return Value(humanize_timestamp(v));
    if (args.size() != 2)
      return fail(ErrorKind::execution, "function \"" + f + "\" is not supported in templates");
    TT_ASSIGN(const double first, number_of_value(args[0]));
    return Value((f == "gt" ? first > v : first < v) ? 1.0 : 0.0);
  }

  /// Each verb is checked and formatted on its own, so that no format of a user reaches snprintf unseen.
  static Result<Value> print_formatted(const std::vector<Value>& args) {
    const std::string format = text_of(args[0]);
    std::string out;
    std::size_t next = 1;
    for (std::size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%') {
        out += format[i];
        continue;
      }
      if (i + 1 < format.size() && format[i + 1] == '%') {
        out += '%';
        ++i;
        continue;
      }
      const std::size_t end = format.find_first_not_of("+-# 0123456789.", i + 1);
      if (end == std::string::npos || end - i > 10 || next >= args.size()) {
        return fail(ErrorKind::execution, "printf: bad format \"" + format + "\"");
      }
      const std::string flags = format.substr(i, end - i);
      const char verb = format[end];
      const Value& arg = args[next++];
      char text[512];
      if (verb == 's' || verb == 'v' || verb == 'q') {
        const std::string s = verb == 'q' ? "\"" + text_of(arg) + "\"" : text_of(arg);
        std::snprintf(text, sizeof text, (flags + "s").c_str(), s.c_str());
      } else if (std::string_view("feEgGd").find(verb) != std::string_view::npos) {
        TT_ASSIGN(const double v, number_of_value(arg));
        if (verb == 'd') {
          std::snprintf(text, sizeof text, (flags + "lld").c_str(), static_cast<long long>(v));
        } else {
          std::snprintf(text, sizeof text, (flags + verb).c_str(), v);
        }
      } else {
        return fail(ErrorKind::execution, std::string("printf: verb %") + verb + " is not supported");
      }
      out += text;
      i = end;
    }
    return Value(out);
  }

  const Labels& labels_;
  const double value_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> expand_template(std::string_view text, const Labels& labels, double value) {
  if (text.find("{{") == std::string_view::npos) return std::string(text);
  return Expander(labels, value).run(text);
}

}  // namespace telltale::alerting
