#include "errors/rules.hpp"

#include <algorithm>

#include "errors/names.hpp"
#include "errors/rule_lists.hpp"

namespace telltale::errors {
namespace {

constexpr std::ptrdiff_t kMaxStacks = 50;  // that fingerprint rules look at, the last ones

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

/// What the matchers look at, made once a stack.
struct EventFacts {
  const GroupingInput& event;
  const GroupingException* exception = nullptr;  // null for a thread
  std::string_view family = family_of(event.platform);
};
struct FrameFacts {
  const GroupingFrame* frame = nullptr;
  bool javascript = false;
  std::string path, package;
};

bool matches_event(const Matcher& m, const EventFacts& facts) {
  const GroupingInput& event = facts.event;
  const GroupingException* const exception = facts.exception;
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
      return one(event.platform) || one(facts.family) || one("all");
    default:
      return false;
  }
}
bool match_event(const Matchers& all, const EventFacts& facts) {
  return std::all_of(all.begin(), all.end(),
                     [&](const Matcher& m) { return matches_event(m, facts) != m.negated; });
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
    out.push_back(
        {&f,
         language_of(f.platform.empty() ? platform : std::string_view(f.platform)) == Language::javascript,
         path.empty() ? std::string() : Glob::path_form(path),
         f.package.empty() ? std::string() : Glob::path_form(f.package)});
  }
  return out;
}

/// `at`: the frames that match, rising, at least one.
void act(const Action& action, const std::vector<std::size_t>& at, StackVerdict& verdict) {
  using What = Action::What;
  const auto set = [&](std::size_t i) {
    FrameVerdict& frame = verdict.frames[i];
    if (action.what == What::app) frame.in_app = action.yes;
    if (action.what == What::group) frame.group = action.yes;
    if (action.what == What::category) frame.category = action.text;
  };
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
  if (action.on == Action::On::led_to) {
    for (std::size_t i = at.front() + 1; i < verdict.frames.size(); ++i) set(i);
  } else if (action.on == Action::On::led_here) {
    for (std::size_t i = 0; i < at.back(); ++i) set(i);
  } else {
    for (const std::size_t i : at) set(i);
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
  RuleLists rules;
  bool only_unsaid = false;  // frames whose SDK said whether they are the program's own stay so
};

GroupingRules::GroupingRules() : lists_(std::make_unique<Lists>()) {}
GroupingRules::~GroupingRules() = default;

Result<std::shared_ptr<const GroupingRules>> GroupingRules::parse(std::string_view stack,
                                                                  std::string_view fingerprint) {
  std::shared_ptr<GroupingRules> out(new GroupingRules());
  TT_ASSIGN(out->lists_->rules, read_rules(stack, fingerprint));
  return std::shared_ptr<const GroupingRules>(std::move(out));
}

const GroupingRules& GroupingRules::builtin() {
  static const GroupingRules* const rules = [] {
    auto* made = new GroupingRules();
    made->lists_->rules = *read_rules(kBuiltin, {});
    made->lists_->only_unsaid = true;
    return made;
  }();
  return *rules;
}

const GroupingRules& GroupingRules::none() {
  static const GroupingRules* const rules = new GroupingRules();
  return *rules;
}

bool GroupingRules::empty() const { return lists_->rules.stack.empty() && lists_->rules.fingerprint.empty(); }

void GroupingRules::apply(const GroupingInput& event, const GroupingException* exception,
                          const std::vector<GroupingFrame>& frames, StackVerdict& verdict) const {
  if (lists_->rules.stack.empty() || frames.empty()) return;
  const EventFacts of_event{event, exception};
  std::vector<FrameFacts> facts;
  std::vector<std::size_t> at;  // frames that a rule matches
  for (const StackRule& rule : lists_->rules.stack) {
    if (!match_event(rule.event, of_event)) continue;
    if (facts.empty()) facts = facts_of(frames, event.platform);
    at.clear();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (lists_->only_unsaid && frames[i].in_app && !facts[i].javascript) continue;
      if (!match_frame(rule.frame, facts[i], verdict.frames[i])) continue;
      if (!rule.caller.empty() && (i == 0 || !match_frame(rule.caller, facts[i - 1], verdict.frames[i - 1])))
        continue;
      if (!rule.callee.empty() &&
          (i + 1 == frames.size() || !match_frame(rule.callee, facts[i + 1], verdict.frames[i + 1])))
        continue;
      at.push_back(i);
    }
    if (at.empty()) continue;
    for (const Action& action : rule.actions) act(action, at, verdict);
  }
}

const FingerprintMatch* GroupingRules::fingerprint(const GroupingInput& event) const {
  if (lists_->rules.fingerprint.empty()) return nullptr;
  /// A stack as the stack rules have it, read when a rule asks for frames.
  struct Stack {
    const GroupingException* exception;
    const std::vector<GroupingFrame>* frames;
    std::vector<FrameFacts> facts;
    StackVerdict verdict;
  };
  std::vector<Stack> stacks;
  for (const auto& e : event.exceptions) stacks.push_back({&e, &e.frames, {}, {}});
  for (const auto& t : event.threads) stacks.push_back({nullptr, &t.frames, {}, {}});
  if (std::ssize(stacks) > kMaxStacks) stacks.erase(stacks.begin(), stacks.end() - kMaxStacks);
  static const std::vector<GroupingFrame> no_frames;
  if (stacks.empty()) stacks.push_back({nullptr, &no_frames, {}, {}});
  const auto matches = [&](const FingerprintRule& rule, Stack& stack) {
    if (!match_event(rule.event, {event, stack.exception})) return false;
    if (rule.frame.empty()) return true;
    if (stack.facts.empty() && !stack.frames->empty()) {
      stack.facts = facts_of(*stack.frames, event.platform);
      for (const auto& f : *stack.frames) stack.verdict.frames.push_back({f.in_app.value_or(false), {}, {}});
      builtin().apply(event, stack.exception, *stack.frames, stack.verdict);
      apply(event, stack.exception, *stack.frames, stack.verdict);
    }
    for (std::size_t i = 0; i < stack.facts.size(); ++i) {
      if (match_frame(rule.frame, stack.facts[i], stack.verdict.frames[i])) return true;
    }
    return false;
  };
  for (const FingerprintRule& rule : lists_->rules.fingerprint) {
    for (Stack& stack : stacks) {
      if (matches(rule, stack)) return &rule.match;
    }
  }
  return nullptr;
}

}  // namespace telltale::errors
