#include "errors/grouping.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "errors/frames.hpp"
#include "errors/rules.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxTitleBytes = 256;
constexpr std::size_t kMaxChain = 50;  // exceptions of one event that take part

struct Variant {
  std::string name;
  std::string key;
  std::vector<GroupingPart> parts;
};

std::string hash_of(const Algorithm& algorithm, std::string_view key) {
  return hash128("telltale-grouping-" + std::to_string(algorithm.version) + '\x1d' + std::string(key)).hex();
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// The first `count` lines that are not empty.
std::string first_lines(std::string_view text, int count) {
  std::string out;
  while (!text.empty() && count > 0) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const std::string_view line = trim(text.substr(0, end)); !line.empty()) {
      out.append(out.empty() ? "" : "\n").append(line);
      --count;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// One event on its way through one version of the algorithm.
class Reading {
 public:
  Reading(const GroupingInput& input, const GroupingRules& rules, const Algorithm& version, bool reasons)
      : event(input), algorithm(version), explain(reasons), rules_(rules) {}

  const GroupingInput& event;
  const Algorithm& algorithm;
  const bool explain;

  /// Of an exception of the event, or of a thread.
  const RuledStack& stack(const GroupingException& e) { return stack(&e, e.frames); }
  const RuledStack& stack(const GroupingThread& t) { return stack(nullptr, t.frames); }

  /// The message as far as it counts.
  const std::string& message(const GroupingException& e) {
    const auto [known, fresh] = messages_.try_emplace(&e);
    if (fresh) known->second = algorithm.parameterise(first_lines(e.value, 2));
    return known->second;
  }

 private:
  const RuledStack& stack(const GroupingException* exception, const std::vector<GroupingFrame>& frames) {
    const auto known = stacks_.find(&frames);
    if (known != stacks_.end()) return known->second;
    return stacks_.emplace(&frames, ruled(event, exception, frames, rules_, algorithm)).first->second;
  }

  const GroupingRules& rules_;
  std::map<const std::vector<GroupingFrame>*, RuledStack> stacks_;
  std::map<const GroupingException*, std::string> messages_;
};

// ---- Exceptions
// ------------------------------------------------------------------------------------------------

using Chain = std::vector<const GroupingException*>;

/// Exceptions that take part: one chain, or the members of a group, each with its causes.
struct TakingPart {
  std::vector<Chain> chains;
  bool group = false;
  const GroupingException* root = nullptr;  // of a group
};

Chain all_of(const GroupingInput& event) {
  Chain all;
  for (const GroupingException& e : event.exceptions) {
    if (all.size() < kMaxChain) all.push_back(&e);
  }
  return all;
}

/// By parent, in the order they came. Empty when they are no tree: an id is missing or twice, or no root.
std::multimap<std::int64_t, const GroupingException*> tree_of(const Chain& all) {
  std::multimap<std::int64_t, const GroupingException*> children;
  std::map<std::int64_t, const GroupingException*> by_id;
  std::size_t roots = 0;
  for (const GroupingException* e : all) {
    if (!e->exception_id || !by_id.emplace(*e->exception_id, e).second) return {};
    if (e->parent_id && *e->parent_id != *e->exception_id) {
      children.emplace(*e->parent_id, e);
    } else {
      ++roots;
    }
  }
  const bool known = std::all_of(children.begin(), children.end(), [&](const auto& c) {
    return by_id.contains(c.first) && c.first < c.second->exception_id;
  });
  return roots == 1 && known ? children : std::multimap<std::int64_t, const GroupingException*>();
}

/// A group stands for its members: groups within are opened, a member brings its causes.
TakingPart taking_part(const GroupingInput& event) {
  Chain all;
  for (const GroupingException& e : event.exceptions) all.push_back(&e);
  const auto tree = tree_of(all);
  const auto is_group = [&](const GroupingException* e) {
    return e->group || tree.count(*e->exception_id) > 1;
  };
  TakingPart out;
  if (tree.empty() || std::none_of(all.begin(), all.end(), is_group)) {
    out.chains.push_back(all_of(event));
    return out;
  }
  out.group = true;
  Chain open;
  for (const GroupingException* e : all) {
    if (!e->parent_id || *e->parent_id == *e->exception_id) out.root = e;
  }
  open.push_back(out.root);
  while (!open.empty()) {
    const GroupingException* e = open.back();
    open.pop_back();
    const auto [begin, end] = tree.equal_range(*e->exception_id);
    if (is_group(e) && begin != end) {
      for (auto child = end; child != begin;) open.push_back((--child)->second);  // the first is taken first
      continue;
    }
    Chain member{e};
    for (auto cause = tree.find(*e->exception_id); cause != tree.end();
         cause = tree.find(*cause->second->exception_id)) {
      if (is_group(cause->second)) {
        open.push_back(cause->second);  // its members are members here
        break;
      }
      member.push_back(cause->second);
    }
    out.chains.push_back(std::move(member));
  }
  return out;
}

/// As version 1 had it: of a group its leaves, each alone.
TakingPart taking_part_1(const GroupingInput& event) {
  TakingPart out;
  const Chain all = all_of(event);
  std::map<std::int64_t, int> children;
  for (const GroupingException& e : event.exceptions) {
    if (e.parent_id) ++children[*e.parent_id];
  }
  const bool many = std::any_of(children.begin(), children.end(), [](const auto& c) { return c.second > 1; });
  for (const GroupingException* e : all) {
    if (many && (!e->exception_id || !children.contains(*e->exception_id))) out.chains.push_back({e});
  }
  out.group = out.chains.size() != 0 && out.chains.size() != all.size();
  if (!out.group) out.chains = {all};
  return out;
}

std::string exception_key(Reading& reading, const GroupingException& e, StackVariant variant,
                          bool& has_frames, std::vector<GroupingPart>* parts) {
  std::string key;
  if (!e.synthetic) key.append("t").append(e.type).push_back('\x1f');
  if (parts != nullptr && !e.type.empty())
    parts->push_back({"type", e.type, !e.synthetic, e.synthetic ? "the SDK's own name for it" : ""});
  const std::string frames = stack_key(reading.stack(e), variant, parts);
  const bool told = !frames.empty();
  const std::string message = told && parts == nullptr ? std::string() : reading.message(e);
  if (parts != nullptr && !message.empty())
    parts->push_back({"message", message, !told, told ? "the stack tells more" : ""});
  if (told) {
    has_frames = true;
    return key.append("s").append(frames);
  }
  return key.append("v").append(message).append("\x1f");
}

/// Empty when the exceptions say nothing in this variant. A group's members are ordered and each counted
/// once, since their order and number vary from run to run.
Variant chain_variant(Reading& reading, std::string name, StackVariant variant, bool& has_frames) {
  Variant out{std::move(name), {}, {}};
  const bool first = reading.algorithm.version == 1;
  const TakingPart taking = first ? taking_part_1(reading.event) : taking_part(reading.event);
  std::vector<std::string> members;
  bool says_something = false;
  for (const Chain& chain : taking.chains) {
    std::string member;
    for (const GroupingException* e : chain) {
      member.append("x").append(
          exception_key(reading, *e, variant, has_frames, reading.explain ? &out.parts : nullptr));
      member.push_back('\x1d');
      says_something |= !e->frames.empty() || !trim(e->value).empty() || (!e->synthetic && !e->type.empty());
    }
    members.push_back(std::move(member));
  }
  if (!says_something) return out;
  if (taking.group) {
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    if (!first && members.size() > kMaxChain) members.resize(kMaxChain);
  }
  for (const std::string& member : members) out.key.append(member);
  // One cause many times over is that cause; several are this group's.
  if (taking.root != nullptr && members.size() > 1) {
    out.key.append("r").append(taking.root->type).push_back('\x1d');
    if (reading.explain) out.parts.push_back({"type", taking.root->type, true, {}});
  }
  return out;
}

std::vector<Variant> exception_variants(Reading& reading) {
  bool app_frames = false;
  bool system_frames = false;
  Variant app = chain_variant(reading, "app", StackVariant::app, app_frames);
  Variant system = chain_variant(reading, "system", StackVariant::system, system_frames);
  if (system.key.empty()) return {};
  // Without a frame of the program's own the app variant would be types and messages only: too coarse beside
  // a stack.
  if (!app_frames && system_frames) return {std::move(system)};
  if (!system_frames) system.name = "exception";
  if (!system_frames) return {std::move(system)};
  if (app.key == system.key) return {std::move(app)};
  return {std::move(app), std::move(system)};
}

// ---- Threads and messages
// --------------------------------------------------------------------------------------

const GroupingThread* deciding_thread(const std::vector<GroupingThread>& threads) {
  const auto only = [&](const std::function<bool(const GroupingThread&)>& is) -> const GroupingThread* {
    if (std::count_if(threads.begin(), threads.end(), is) != 1) return nullptr;
    return &*std::find_if(threads.begin(), threads.end(), is);
  };
  if (const auto* t = only([](const auto& x) { return x.crashed; })) return t;
  if (const auto* t = only([](const auto& x) { return x.current; })) return t;
  return threads.size() == 1 ? &threads.front() : nullptr;
}

std::vector<Variant> thread_variants(Reading& reading) {
  const GroupingThread* thread = deciding_thread(reading.event.threads);
  if (thread == nullptr) return {};
  std::vector<Variant> variants;
  for (const auto& [name, variant] :
       {std::pair{"app", StackVariant::app}, {"system", StackVariant::system}}) {
    Variant one{name, {}, {}};
    const std::string key =
        stack_key(reading.stack(*thread), variant, reading.explain ? &one.parts : nullptr);
    if (key.empty() || (!variants.empty() && variants.front().key == "s" + key)) continue;
    one.key = "s" + key;
    variants.push_back(std::move(one));
  }
  return variants;
}

std::vector<Variant> message_variants(Reading& reading) {
  const GroupingInput& e = reading.event;
  const std::string_view message = trim(e.message.empty() ? e.formatted : e.message);
  if (message.empty()) return {};
  const std::string text = reading.algorithm.parameterise(message);
  return {{"message", "g" + text, {{"message", text, true, {}}}}};
}

std::vector<Variant> default_variants(Reading& reading) {
  for (const auto strategy : {exception_variants, thread_variants, message_variants}) {
    if (auto variants = strategy(reading); !variants.empty()) return variants;
  }
  const GroupingInput& e = reading.event;
  return {{"fallback",
           "l" + e.level + '\x1f' + e.logger + '\x1f' + e.transaction,
           {{"level", e.level, true, {}},
            {"logger", e.logger, true, {}},
            {"transaction", e.transaction, true, {}}}}};
}

// ---- Fingerprints
// ----------------------------------------------------------------------------------------------

/// `{{ name }}` with any spaces; empty when the text is not one.
std::string_view variable_name(std::string_view text) {
  text = trim(text);
  if (!text.starts_with("{{") || !text.ends_with("}}") || text.size() < 5) return {};
  return trim(text.substr(2, text.size() - 4));
}

/// What a variable asks for: the event, and the frame that the error is about.
struct VariableSource {
  const GroupingInput& event;
  const GroupingFrame* frame = nullptr;
  int version = kGroupingVersion;  // 1 knew less

  std::string of_stack(std::string_view name) const {
    if (frame == nullptr) return {};
    if (name == "function") return frame->function;
    if (name == "module") return frame->module;
    if (name == "package" && version > 1) return frame->package;
    if (name == "abs_path") return frame->abs_path;
    return frame->filename;
  }
  std::string value(std::string_view name) const {
    const GroupingException none;
    const GroupingException& main = event.exceptions.empty() ? none : event.exceptions.back();
    if (name == "transaction") return event.transaction;
    if (name == "error.type" || name == "type") return main.type;
    if (name == "error.value" || name == "value") return main.value;
    if (name == "level") return event.level;
    if (name == "logger") return event.logger;
    if (name == "release" && version > 1) return event.release;
    if (name == "environment" && version > 1) return event.environment;
    if (name == "message") return event.formatted.empty() ? event.message : event.formatted;
    if (name == "function" || name == "module" || (name == "package" && version > 1)) return of_stack(name);
    if (name.starts_with("stack.")) return of_stack(name.substr(6));
    if (name.starts_with("tags.")) {
      for (const auto& [key, text] : event.tags) {
        if (key == name.substr(5)) return text;
      }
    }
    return {};
  }
  /// A text with variables in it, filled in.
  std::string filled(std::string_view text) const {
    std::string out;
    while (true) {
      const auto begin = text.find("{{");
      const auto end = begin == std::string_view::npos ? begin : text.find("}}", begin);
      if (end == std::string_view::npos) return out.append(text);
      out.append(text.substr(0, begin)).append(value(variable_name(text.substr(begin, end + 2 - begin))));
      text.remove_prefix(end + 2);
    }
  }
};

struct Fingerprint {
  bool given = false;
  bool has_default = false;
  std::string salt;  // all values but {{ default }}
  std::vector<GroupingPart> parts;
};

Fingerprint read_fingerprint(const std::vector<std::string>& values, const VariableSource& source) {
  Fingerprint print;
  for (const std::string& item : values) {
    print.given = true;
    const std::string_view name = variable_name(item);
    if (name == "default") {
      print.has_default = true;
      continue;
    }
    std::string value = name.empty() ? item : source.value(name);
    if (!name.empty() && value.empty()) value = "<no " + std::string(name) + ">";
    print.parts.push_back({"fingerprint", value, true, {}});
    print.salt.append("f").append(value).push_back('\x1f');
  }
  return print;
}

// ---- Title
// -----------------------------------------------------------------------------------------------------

const GroupingException* main_exception(const GroupingInput& event) {
  if (event.exceptions.empty()) return nullptr;
  const TakingPart taking = taking_part(event);
  // A group with one distinct cause is about that cause.
  const auto& first = taking.chains.front().front();
  const bool alike = std::all_of(taking.chains.begin(), taking.chains.end(),
                                 [&](const Chain& c) { return c.front()->type == first->type; });
  return taking.group && alike ? first : &event.exceptions.back();
}

const GroupingFrame* main_frame(Reading& reading, const GroupingException* main) {
  if (main != nullptr) return culprit_frame(reading.stack(*main));
  const GroupingThread* thread = deciding_thread(reading.event.threads);
  return thread == nullptr ? nullptr : culprit_frame(reading.stack(*thread));
}

void describe(const GroupingInput& event, const GroupingException* main, const GroupingFrame* frame,
              GroupingResult& out) {
  if (main != nullptr) {
    out.type = main->synthetic && frame != nullptr ? std::string() : main->type;
    out.value = main->value;
  }
  std::string title = out.type;
  if (main != nullptr) {
    const std::string line = first_lines(main->value, 1);
    title += (title.empty() || line.empty() ? "" : ": ") + line;
  } else {
    title = first_lines(event.formatted.empty() ? event.message : event.formatted, 1);
  }
  if (title.empty() && frame != nullptr) title = frame->function;
  if (title.empty()) title = "<unlabeled event>";
  out.title = truncate_utf8(title, kMaxTitleBytes);
  out.culprit = culprit_of(frame, event.platform);
  if (out.culprit.empty()) out.culprit = event.culprit.empty() ? event.transaction : event.culprit;
}

std::vector<Variant> variants_of(Reading& reading, const Fingerprint& print) {
  if (!reading.event.checksum.empty() && reading.algorithm.version > 1)
    return {{"checksum", "k" + reading.event.checksum, {{"checksum", reading.event.checksum, true, {}}}}};
  if (print.given && !print.has_default) return {{"custom", print.salt, print.parts}};
  std::vector<Variant> variants = default_variants(reading);
  if (print.salt.empty()) return variants;
  for (Variant& v : variants) {
    v.name = "hybrid-" + v.name;
    v.key = print.salt + v.key;
    v.parts.insert(v.parts.begin(), print.parts.begin(), print.parts.end());
  }
  return variants;
}

}  // namespace

GroupingResult group_event(const GroupingInput& event, const GroupingRules& rules, Explain explain) {
  GroupingResult out;
  const GroupingException* main = main_exception(event);
  Reading reading(event, rules, current_algorithm(), explain == Explain::yes);
  const GroupingFrame* frame = main_frame(reading, main);
  describe(event, main, frame, out);
  const VariableSource source{event, frame};
  const FingerprintMatch* rule = rules.fingerprint(event);
  const Fingerprint print = read_fingerprint(rule == nullptr ? event.fingerprint : rule->values, source);
  if (rule != nullptr) {
    out.rule = rule->rule;
    if (!rule->title.empty()) out.title = truncate_utf8(source.filled(rule->title), kMaxTitleBytes);
  }
  const auto known = [&](const std::string& hash) {
    return std::any_of(out.variants.begin(), out.variants.end(),
                       [&](const auto& v) { return v.hash == hash; });
  };
  for (Variant& variant : variants_of(reading, print)) {
    std::string hash = hash_of(reading.algorithm, variant.key);
    if (known(hash)) continue;
    if (!reading.explain) variant.parts.clear();
    out.variants.push_back({std::move(variant.name), std::move(hash), std::move(variant.parts)});
  }
  Reading before(event, rules, previous_algorithm(), false);
  const GroupingFrame* last =
      event.exceptions.empty() ? nullptr : culprit_frame(before.stack(event.exceptions.back()));
  const VariableSource then{event, last, 1};
  const Fingerprint print_then = rule == nullptr ? read_fingerprint(event.fingerprint, then) : print;
  for (const Variant& variant : variants_of(before, print_then))
    out.before.push_back(hash_of(before.algorithm, variant.key));
  return out;
}

}  // namespace telltale::errors
