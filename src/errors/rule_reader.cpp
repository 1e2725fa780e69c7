#include <array>

#include <fmt/format.h>

#include "base/input_limits.hpp"
#include "errors/rule_lists.hpp"

namespace telltale::errors {
namespace {

struct FieldName {
  std::string_view name;
  Field field;
  Glob::Kind kind;
};
constexpr std::array kFields = {
    FieldName{"path", Field::path, Glob::Kind::path},
    FieldName{"stack.abs_path", Field::path, Glob::Kind::path},
    FieldName{"module", Field::module, Glob::Kind::text},
    FieldName{"stack.module", Field::module, Glob::Kind::text},
    FieldName{"function", Field::function, Glob::Kind::text},
    FieldName{"stack.function", Field::function, Glob::Kind::text},
    FieldName{"package", Field::package, Glob::Kind::path},
    FieldName{"stack.package", Field::package, Glob::Kind::path},
    FieldName{"app", Field::app, Glob::Kind::words},
    FieldName{"category", Field::category, Glob::Kind::text},
    FieldName{"family", Field::family, Glob::Kind::words},
    FieldName{"error.type", Field::type, Glob::Kind::text},
    FieldName{"type", Field::type, Glob::Kind::text},
    FieldName{"error.value", Field::value, Glob::Kind::words},
    FieldName{"value", Field::value, Glob::Kind::words},
    FieldName{"error.mechanism", Field::mechanism, Glob::Kind::text},
    FieldName{"mechanism", Field::mechanism, Glob::Kind::text},
    FieldName{"message", Field::message, Glob::Kind::words},
    FieldName{"logger", Field::logger, Glob::Kind::text},
    FieldName{"level", Field::level, Glob::Kind::words},
    FieldName{"release", Field::release, Glob::Kind::text},
    FieldName{"environment", Field::environment, Glob::Kind::text},
    FieldName{"transaction", Field::transaction, Glob::Kind::text},
};

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, std::move(message));
}

// ---- Reading
// ------------------------------------------------------------------------------------------------

/// The next word: up to a space outside of quotes. Quotes stay.
std::string_view take_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  std::size_t end = 0;
  for (bool quoted = false; end < line.size(); ++end) {
    if (line[end] == '"') quoted = !quoted;
    if (!quoted && (line[end] == ' ' || line[end] == '\t')) break;
  }
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

Result<std::string> unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  if (text.size() < 2 || !text.ends_with('"')) return wrong("a quote that does not end");
  return std::string(text.substr(1, text.size() - 2));
}

Result<Matcher> read_matcher(std::string_view word) {
  Matcher out;
  if (word.starts_with('!')) {
    out.negated = true;
    word.remove_prefix(1);
  }
  const auto colon = word.find(':');
  if (colon == std::string_view::npos)
    return wrong(fmt::format("{} is no matcher: wants name:pattern", word));
  const auto name = word.substr(0, colon);
  TT_ASSIGN(const std::string pattern, unquoted(word.substr(colon + 1)));
  auto kind = Glob::Kind::text;
  if (name.starts_with("tags.") && name.size() > 5) {
    out.field = Field::tag;
    out.tag = name.substr(5);
  } else {
    const auto known =
        std::find_if(kFields.begin(), kFields.end(), [&](const auto& f) { return f.name == name; });
    if (known == kFields.end()) return wrong(fmt::format("there is no matcher {}", name));
    out.field = known->field;
    kind = known->kind;
  }
  std::string_view rest = pattern;
  if (out.field == Field::app && rest != "yes" && rest != "no" && rest != "1" && rest != "0" &&
      rest != "true" && rest != "false")
    return wrong("app: wants yes or no");
  const bool list = out.field == Field::family || out.field == Field::level;
  do {
    const std::size_t end = list ? std::min(rest.find(','), rest.size()) : rest.size();
    TT_ASSIGN(auto glob, Glob::parse(rest.substr(0, end), kind));
    out.patterns.push_back(std::move(glob));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  } while (!rest.empty());
  return out;
}

Result<std::size_t> read_number(std::string_view text) {
  std::size_t out = 0;
  if (text.empty() || text.size() > 4) return wrong("wants a number under 10000");
  for (const char c : text) {
    if (c < '0' || c > '9') return wrong("wants a number under 10000");
    out = out * 10 + static_cast<std::size_t>(c - '0');
  }
  return out;
}

bool is_action(std::string_view word) {
  if (word.starts_with('^') || word.starts_with("v+") || word.starts_with("v-")) return true;
  if (word.starts_with('+') || word.starts_with('-')) return true;
  return word.starts_with("category=") || word.starts_with("max-frames=") ||
         word.starts_with("min-frames=") || word.starts_with("invert-stacktrace");
}

Result<Action> read_action(std::string_view word) {
  using What = Action::What;
  Action out;
  const std::string_view whole = word;
  if (word.starts_with('^') || word.starts_with("v+") || word.starts_with("v-")) {
    out.on = word[0] == '^' ? Action::On::led_to : Action::On::led_here;
    word.remove_prefix(1);
  }
  if (word.starts_with('+') || word.starts_with('-')) {
    out.yes = word[0] == '+';
    if (word.substr(1) != "app" && word.substr(1) != "group")
      return wrong(fmt::format("{} is no action: wants +app, -app, +group or -group", whole));
    out.what = word.substr(1) == "app" ? What::app : What::group;
    return out;
  }
  const auto is = std::min(word.find('='), word.size());
  const auto name = word.substr(0, is);
  const auto value = word.substr(std::min(is + 1, word.size()));
  if (name == "category") {
    out.what = What::category;
    out.text = value;
    return out;
  }
  if (name == "invert-stacktrace") {
    out.what = What::invert;
    out.yes = value.empty() || value == "1" || value == "yes";
    return out;
  }
  if (name != "max-frames" && name != "min-frames") return wrong(fmt::format("{} is no action", whole));
  out.what = name == "max-frames" ? What::max_frames : What::min_frames;
  auto number = read_number(value);
  if (!number) return tl::unexpected<Error>(std::move(number).error().within(std::string(name)));
  out.number = *number;
  return out;
}

Result<StackRule> read_stack_rule(std::string_view line) {
  StackRule out;
  // `[ a ] | b` and `b | [ c ]`
  bool bracket = false;
  bool after_bar = false;
  while (true) {
    std::string_view word = take_word(line);
    if (word.empty()) break;
    if (bracket && (word == "|" || is_action(word))) return wrong("a [ without its ]");
    if (word == "|") {
      after_bar = true;
      continue;
    }
    if (word.starts_with('[')) {
      if (bracket) return wrong("a [ within a [");
      bracket = true;
      word.remove_prefix(1);
      if (word.empty()) continue;
    }
    const bool closes = bracket && word.ends_with(']');
    if (closes) word.remove_suffix(1);
    if (!word.empty()) {
      if (!bracket && is_action(word)) {
        TT_ASSIGN(auto action, read_action(word));
        out.actions.push_back(std::move(action));
      } else {
        if (!out.actions.empty()) return wrong(fmt::format("{} stands behind the actions", word));
        TT_ASSIGN(auto matcher, read_matcher(word));
        if (bracket && !of_frame(matcher.field)) return wrong(fmt::format("{} is not of a frame", word));
        const bool frame = of_frame(matcher.field);
        auto& to = bracket ? (after_bar ? out.callee : out.caller) : frame ? out.frame : out.event;
        to.push_back(std::move(matcher));
      }
    }
    if (closes) bracket = false;
  }
  if (bracket) return wrong("a [ without its ]");
  if (out.event.empty() && out.frame.empty() && out.caller.empty() && out.callee.empty())
    return wrong("no matcher");
  if (out.actions.empty()) return wrong("no action, such as -app");
  return out;
}

Result<FingerprintRule> read_fingerprint_rule(std::string_view line) {
  FingerprintRule out;
  out.match.rule = line;
  std::string_view rest = line;
  while (true) {
    const auto word = take_word(rest);
    if (word.empty()) return wrong("no -> between matchers and values");
    if (word == "->") break;
    TT_ASSIGN(auto matcher, read_matcher(word));
    auto& to = of_frame(matcher.field) ? out.frame : out.event;
    to.push_back(std::move(matcher));
  }
  if (out.event.empty() && out.frame.empty()) return wrong("no matcher");
  // Values end at a comma or a space; `{{ name }}` and quotes hold theirs together.
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
    if (rest.empty()) break;
    std::size_t end = rest.find_first_of(" \t,");
    if (rest.starts_with("{{")) {
      end = rest.find("}}");
      if (end == std::string_view::npos) return wrong("a {{ without its }}");
      end += 2;
    } else if (rest.starts_with('"') || rest.starts_with("title=\"")) {
      end = rest.find('"', rest.find('"') + 1);
      if (end == std::string_view::npos) return wrong("a quote that does not end");
      ++end;
    }
    const auto word = rest.substr(0, end);
    rest.remove_prefix(std::min(word.size(), rest.size()));
    const bool title = word.starts_with("title=");
    TT_ASSIGN(auto value, unquoted(title ? word.substr(6) : word));
    if (title) {
      out.match.title = std::move(value);
    } else {
      out.match.values.push_back(std::move(value));
    }
  }
  if (out.match.values.empty()) return wrong("no value behind the ->");
  return out;
}

std::size_t patterns_of(const Matchers& matchers) {
  std::size_t out = 0;
  for (const Matcher& m : matchers) out += m.patterns.size();
  return out;
}
std::size_t patterns_of(const StackRule& rule) {
  return patterns_of(rule.event) + patterns_of(rule.frame) + patterns_of(rule.caller) +
         patterns_of(rule.callee);
}
std::size_t patterns_of(const FingerprintRule& rule) {
  return patterns_of(rule.event) + patterns_of(rule.frame);
}

template <class Rule>
Result<std::vector<Rule>> read_list(std::string_view text, std::string_view what,
                                    Result<Rule> (*read)(std::string_view)) {
  std::vector<Rule> out;
  std::size_t patterns = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    if (out.size() >= limits::kMaxGroupingRules)
      return wrong(fmt::format("{}: more than {} rules", what, limits::kMaxGroupingRules));
    if (line.size() > limits::kMaxGroupingRuleBytes)
      return wrong(
          fmt::format("{}, line {}: longer than {} bytes", what, number, limits::kMaxGroupingRuleBytes));
    auto rule = read(line);
    if (!rule)
      return tl::unexpected<Error>(std::move(rule).error().within(fmt::format("{}, line {}", what, number)));
    patterns += patterns_of(*rule);
    if (patterns > limits::kMaxGroupingPatterns)
      return wrong(fmt::format("{}: more than {} patterns", what, limits::kMaxGroupingPatterns));
    out.push_back(*std::move(rule));
  }
  return out;
}

}  // namespace

Result<RuleLists> read_rules(std::string_view stack, std::string_view fingerprint) {
  RuleLists out;
  TT_ASSIGN(out.stack, read_list<StackRule>(stack, "stack_rules", read_stack_rule));
  TT_ASSIGN(out.fingerprint,
            read_list<FingerprintRule>(fingerprint, "fingerprint_rules", read_fingerprint_rule));
  return out;
}

}  // namespace telltale::errors
