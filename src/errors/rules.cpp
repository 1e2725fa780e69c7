#include "errors/rules.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/input_limits.hpp"
#include "base/text.hpp"
#include "errors/glob.hpp"
#include "errors/names.hpp"

namespace telltale::errors {
namespace {

enum class Field : unsigned char {
  path,
  module,
  function,
  package,
  app,
  category,  // of a frame
  family,
  type,
  value,
  mechanism,
  message,
  logger,
  level,
  release,
  environment,
  transaction,
  tag,  // of the event
};
bool of_frame(Field field) { return field <= Field::category; }

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

struct Matcher {
  Field field = Field::path;
  std::string tag;
  bool negated = false;
  std::vector<Glob> patterns;  // one of them

  bool any(std::string_view text) const {
    return std::any_of(patterns.begin(), patterns.end(), [&](const Glob& g) { return g.matches(text); });
  }
};
using Matchers = std::vector<Matcher>;

struct Action {
  enum class What : unsigned char { app, group, category, max_frames, min_frames, invert } what = What::app;
  enum class On : unsigned char { frame, led_to, led_here } on = On::frame;
  bool yes = false;
  std::string text;
  std::size_t number = 0;
};

struct StackRule {
  Matchers event, frame, caller, callee;
  std::vector<Action> actions;
};
struct FingerprintRule {
  Matchers event, frame;
  FingerprintMatch match;
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
  const auto arrow = line.find("->");
  if (arrow == std::string_view::npos) return wrong("no -> between matchers and values");
  std::string_view matchers = line.substr(0, arrow);
  while (true) {
    const auto word = take_word(matchers);
    if (word.empty()) break;
    TT_ASSIGN(auto matcher, read_matcher(word));
    auto& to = of_frame(matcher.field) ? out.frame : out.event;
    to.push_back(std::move(matcher));
  }
  if (out.event.empty() && out.frame.empty()) return wrong("no matcher");
  // Values end at a comma or a space; `{{ name }}` and quotes hold theirs together.
  std::string_view rest = line.substr(arrow + 2);
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

template <class Rule>
Result<std::vector<Rule>> read_rules(std::string_view text, std::string_view what,
                                     Result<Rule> (*read)(std::string_view)) {
  std::vector<Rule> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    if (out.size() >= limits::kMaxGroupingRules)
      return wrong(fmt::format("{}: more than {} rules", what, limits::kMaxGroupingRules));
    auto rule = read(line);
    if (!rule)
      return tl::unexpected<Error>(std::move(rule).error().within(fmt::format("{}, line {}", what, number)));
    out.push_back(*std::move(rule));
  }
  return out;
}

// ---- Matching
// -----------------------------------------------------------------------------------------------

std::string_view family_of(std::string_view platform) {
  switch (language_of(platform)) {
    case Language::javascript:
      return "javascript";
    case Language::native:
      return "native";
    default:
      return "other";
  }
}

/// What the matchers of frames look at, made once a stack.
struct FrameFacts {
  const GroupingFrame* frame = nullptr;
  std::string_view platform;
  std::string path, package;
};

bool matches_event(const Matcher& m, const GroupingInput& event, const GroupingException* exception) {
  const auto one = [&](std::string_view text) { return m.any(text); };
  switch (m.field) {
    case Field::type:
      return exception != nullptr && one(exception->type);
    case Field::value:
      return exception != nullptr && one(exception->value);
    case Field::mechanism:
      return exception != nullptr && one(exception->mechanism);
    case Field::message:
      return one(event.formatted.empty() ? event.message : event.formatted) ||
             (exception != nullptr && one(exception->value));
    case Field::logger:
      return one(event.logger);
    case Field::level:
      return one(event.level);
    case Field::release:
      return one(event.release);
    case Field::environment:
      return one(event.environment);
    case Field::transaction:
      return one(event.transaction);
    case Field::tag:
      return std::any_of(event.tags.begin(), event.tags.end(),
                         [&](const auto& tag) { return tag.first == m.tag && one(tag.second); });
    case Field::family:
      return one(event.platform) || one(family_of(event.platform)) || one("all");
    default:
      return false;
  }
}
bool match_event(const Matchers& all, const GroupingInput& event, const GroupingException* exception) {
  return std::all_of(all.begin(), all.end(),
                     [&](const Matcher& m) { return matches_event(m, event, exception) != m.negated; });
}

bool matches_frame(const Matcher& m, const FrameFacts& facts, const FrameVerdict& verdict) {
  const GroupingFrame& f = *facts.frame;
  switch (m.field) {
    case Field::path:
      return !facts.path.empty() && m.any(facts.path);
    case Field::package:
      return !facts.package.empty() && m.any(facts.package);
    case Field::module:
      return m.any(f.module);
    case Field::function:
      return m.any(f.function.empty() ? f.raw_function : f.function);
    case Field::category:
      return m.any(verdict.category);
    case Field::app:
      return m.any(verdict.in_app ? "yes" : "no") || m.any(verdict.in_app ? "true" : "false") ||
             m.any(verdict.in_app ? "1" : "0");
    default:
      return false;
  }
}
bool match_frame(const Matchers& all, const FrameFacts& facts, const FrameVerdict& verdict) {
  return std::all_of(all.begin(), all.end(),
                     [&](const Matcher& m) { return matches_frame(m, facts, verdict) != m.negated; });
}

std::vector<FrameFacts> facts_of(const std::vector<GroupingFrame>& frames, std::string_view platform) {
  std::vector<FrameFacts> out;
  out.reserve(frames.size());
  for (const GroupingFrame& f : frames) {
    const std::string& path = f.abs_path.empty() ? f.filename : f.abs_path;
    out.push_back({&f, f.platform.empty() ? platform : std::string_view(f.platform),
                   path.empty() ? std::string() : Glob::path_form(path),
                   f.package.empty() ? std::string() : Glob::path_form(f.package)});
  }
  return out;
}

void act(const Action& action, std::size_t at, StackVerdict& verdict) {
  using What = Action::What;
  switch (action.what) {
    case What::max_frames:
      verdict.max_frames = action.number;
      return;
    case What::min_frames:
      verdict.min_frames = action.number;
      return;
    case What::invert:
      verdict.invert = action.yes;
      return;
    default:
      break;
  }
  std::size_t begin = at;
  std::size_t end = at + 1;
  if (action.on == Action::On::led_to) {
    begin = at + 1;
    end = verdict.frames.size();
  } else if (action.on == Action::On::led_here) {
    begin = 0;
    end = at;
  }
  for (std::size_t i = begin; i < end; ++i) {
    FrameVerdict& frame = verdict.frames[i];
    if (action.what == What::app) frame.in_app = action.yes;
    if (action.what == What::group) frame.group = action.yes;
    if (action.what == What::category) frame.category = action.text;
  }
}

// Platform folders and packages as their package managers and vendors lay them out.
constexpr std::string_view kBuiltin = R"(
family:javascript path:**/node_modules/** -app
family:javascript path:**/bower_components/** -app
family:javascript path:node:** -app
family:javascript path:internal/** -app
family:javascript path:**/webpack/bootstrap** -app
family:javascript path:**/.vite/deps/** -app
family:javascript path:**-extension://** -app
family:python path:**/site-packages/** -app
family:python path:**/dist-packages/** -app
family:python path:**/lib/python3** -app
family:ruby path:**/gems/** -app
family:ruby path:**/vendor/bundle/** -app
family:ruby path:**/lib/ruby/** -app
family:ruby path:<internal:** -app
family:php path:**/vendor/** -app
family:go path:**/go/pkg/mod/** -app
family:go path:**/go/src/** -app
family:go path:**/vendor/** -app
family:java module:java.* -app
family:java module:javax.* -app
family:java module:jakarta.* -app
family:java module:jdk.* -app
family:java module:sun.* -app
family:java module:com.sun.* -app
family:java module:kotlin.* -app
family:java module:kotlinx.* -app
family:java module:scala.* -app
family:java module:clojure.* -app
family:java module:groovy.* -app
family:java module:android.* -app
family:java module:androidx.* -app
family:java module:dalvik.* -app
family:java module:org.springframework.* -app
family:java module:org.apache.* -app
family:java module:org.hibernate.* -app
family:java module:io.netty.* -app
family:java module:reactor.* -app
family:csharp module:System.* -app
family:csharp module:Microsoft.* -app
family:native package:/usr/lib** -app
family:native package:/lib** -app
family:native package:/System/** -app
family:native package:**/Windows/System32/** -app
family:native function:std::* -app
family:native function:core::* -app
family:native function:alloc::* -app
family:native function:rust_* -app
family:native function:__libc_start* -app
family:native function:_start -app
)";

}  // namespace

struct GroupingRules::Lists {
  std::vector<StackRule> stack;
  std::vector<FingerprintRule> fingerprint;
  bool only_unsaid = false;  // frames whose SDK said whether they are the program's own stay so
};

GroupingRules::GroupingRules() : lists_(std::make_unique<Lists>()) {}
GroupingRules::~GroupingRules() = default;

Result<std::shared_ptr<const GroupingRules>> GroupingRules::parse(std::string_view stack,
                                                                  std::string_view fingerprint) {
  std::shared_ptr<GroupingRules> out(new GroupingRules());
  TT_ASSIGN(out->lists_->stack, read_rules<StackRule>(stack, "stack_rules", read_stack_rule));
  TT_ASSIGN(out->lists_->fingerprint,
            read_rules<FingerprintRule>(fingerprint, "fingerprint_rules", read_fingerprint_rule));
  return std::shared_ptr<const GroupingRules>(std::move(out));
}

const GroupingRules& GroupingRules::builtin() {
  static const GroupingRules* const rules = [] {
    auto* made = new GroupingRules();
    made->lists_->stack = *read_rules<StackRule>(kBuiltin, "builtin", read_stack_rule);
    made->lists_->only_unsaid = true;
    return made;
  }();
  return *rules;
}

const GroupingRules& GroupingRules::none() {
  static const GroupingRules* const rules = new GroupingRules();
  return *rules;
}

bool GroupingRules::empty() const { return lists_->stack.empty() && lists_->fingerprint.empty(); }

void GroupingRules::apply(const GroupingInput& event, const GroupingException* exception,
                          const std::vector<GroupingFrame>& frames, StackVerdict& verdict) const {
  if (lists_->stack.empty() || frames.empty()) return;
  std::vector<FrameFacts> facts;
  for (const StackRule& rule : lists_->stack) {
    if (!match_event(rule.event, event, exception)) continue;
    if (facts.empty()) facts = facts_of(frames, event.platform);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (lists_->only_unsaid && frames[i].in_app && language_of(facts[i].platform) != Language::javascript)
        continue;
      if (!match_frame(rule.frame, facts[i], verdict.frames[i])) continue;
      if (!rule.caller.empty() && (i == 0 || !match_frame(rule.caller, facts[i - 1], verdict.frames[i - 1])))
        continue;
      if (!rule.callee.empty() &&
          (i + 1 == frames.size() || !match_frame(rule.callee, facts[i + 1], verdict.frames[i + 1])))
        continue;
      for (const Action& action : rule.actions) act(action, i, verdict);
    }
  }
}

const FingerprintMatch* GroupingRules::fingerprint(const GroupingInput& event) const {
  for (const FingerprintRule& rule : lists_->fingerprint) {
    const auto fits = [&](const GroupingException* exception, const std::vector<GroupingFrame>& frames) {
      if (!match_event(rule.event, event, exception)) return false;
      if (rule.frame.empty()) return true;
      const auto facts = facts_of(frames, event.platform);
      return std::any_of(facts.begin(), facts.end(), [&](const FrameFacts& f) {
        return match_frame(rule.frame, f, {f.frame->in_app.value_or(false), std::nullopt, {}});
      });
    };
    bool found = false;
    for (const auto& exception : event.exceptions) found = found || fits(&exception, exception.frames);
    for (const auto& thread : event.threads) found = found || fits(nullptr, thread.frames);
    if (event.exceptions.empty() && event.threads.empty()) found = fits(nullptr, {});
    if (found) return &rule.match;
  }
  return nullptr;
}

}  // namespace telltale::errors
