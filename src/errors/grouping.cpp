#include "errors/grouping.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "errors/frames.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxTitleBytes = 256;
constexpr std::size_t kMaxChain = 50;  // exceptions of one event that take part

struct Variant {
  std::string name;
  std::string key;
};

std::string hash_of(std::string_view key) {
  return hash128("telltale-grouping-" + std::to_string(kGroupingVersion) + '\x1d' + std::string(key)).hex();
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

// ---- Exceptions
// ------------------------------------------------------------------------------------------------

/// Exceptions that take part. A group (several children of one parent) is represented by its distinct leaves;
/// a plain chain by itself.
std::vector<const GroupingException*> taking_part(const GroupingInput& input) {
  std::vector<const GroupingException*> all;
  std::map<std::int64_t, int> children;
  for (const GroupingException& e : input.exceptions) {
    if (all.size() < kMaxChain) all.push_back(&e);
    if (e.parent_id) ++children[*e.parent_id];
  }
  const bool group =
      std::any_of(children.begin(), children.end(), [](const auto& c) { return c.second > 1; });
  if (!group) return all;
  std::vector<const GroupingException*> leaves;
  for (const GroupingException* e : all) {
    if (!e->exception_id || !children.contains(*e->exception_id)) leaves.push_back(e);
  }
  return leaves.empty() ? all : leaves;
}

std::string exception_key(const GroupingException& e, std::string_view platform, StackVariant variant,
                          bool& has_frames) {
  std::string key;
  if (!e.synthetic) key.append("t").append(e.type).push_back('\x1f');
  const std::string stack = stack_key(e.frames, platform, variant);
  if (!stack.empty()) {
    has_frames = true;
    return key.append("s").append(stack);
  }
  return key.append("v").append(parameterise(first_lines(e.value, 2))).append("\x1f");
}

/// Empty when the exceptions say nothing in this variant. A group's parts are ordered and each counted once,
/// since their order and number vary from run to run.
std::string chain_key(const GroupingInput& input, StackVariant variant, bool& has_frames) {
  const auto exceptions = taking_part(input);
  const bool group = exceptions.size() != std::min(input.exceptions.size(), kMaxChain);
  std::vector<std::string> parts;
  bool says_something = false;
  for (const GroupingException* e : exceptions) {
    parts.push_back(exception_key(*e, input.platform, variant, has_frames));
    says_something |= !e->frames.empty() || !trim(e->value).empty() || (!e->synthetic && !e->type.empty());
  }
  if (!says_something) return {};
  if (group) {
    std::sort(parts.begin(), parts.end());
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  }
  std::string key;
  for (const std::string& part : parts) key.append("x").append(part).push_back('\x1d');
  return key;
}

std::vector<Variant> exception_variants(const GroupingInput& input) {
  bool app_frames = false;
  bool system_frames = false;
  std::string app = chain_key(input, StackVariant::app, app_frames);
  std::string system = chain_key(input, StackVariant::system, system_frames);
  if (system.empty()) return {};
  // Without a frame of the program's own the app variant would be types and messages only: too coarse beside
  // a stack.
  if (!app_frames && system_frames) return {{"system", std::move(system)}};
  if (!system_frames) return {{"exception", std::move(system)}};
  if (app == system) return {{"app", std::move(app)}};
  return {{"app", std::move(app)}, {"system", std::move(system)}};
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

std::vector<Variant> thread_variants(const GroupingInput& input) {
  const GroupingThread* thread = deciding_thread(input.threads);
  if (thread == nullptr) return {};
  std::string app = stack_key(thread->frames, input.platform, StackVariant::app);
  std::string system = stack_key(thread->frames, input.platform, StackVariant::system);
  std::vector<Variant> variants;
  if (!app.empty()) variants.push_back({"app", "s" + app});
  if (!system.empty() && system != app) variants.push_back({"system", "s" + system});
  return variants;
}

std::vector<Variant> message_variants(const GroupingInput& input) {
  const std::string_view message = trim(input.message.empty() ? input.formatted : input.message);
  if (message.empty()) return {};
  return {{"message", "g" + parameterise(message)}};
}

std::vector<Variant> default_variants(const GroupingInput& input) {
  for (const auto strategy : {exception_variants, thread_variants, message_variants}) {
    if (auto variants = strategy(input); !variants.empty()) return variants;
  }
  return {{"fallback", "l" + input.level + '\x1f' + input.logger + '\x1f' + input.transaction}};
}

// ---- Fingerprints
// ----------------------------------------------------------------------------------------------

/// `{{ name }}` with any spaces; empty when the text is not one.
std::string_view variable_name(std::string_view text) {
  text = trim(text);
  if (!text.starts_with("{{") || !text.ends_with("}}") || text.size() < 5) return {};
  return trim(text.substr(2, text.size() - 4));
}

std::string stack_variable(const GroupingInput& input, std::string_view name) {
  const GroupingFrame* frame =
      input.exceptions.empty() ? nullptr : culprit_frame(input.exceptions.back().frames);
  if (frame == nullptr) return {};
  if (name == "function") return frame->function;
  if (name == "module") return frame->module;
  if (name == "abs_path") return frame->abs_path;
  return frame->filename;
}

std::string variable_value(const GroupingInput& input, std::string_view name) {
  const GroupingException none;
  const GroupingException& main = input.exceptions.empty() ? none : input.exceptions.back();
  if (name == "transaction") return input.transaction;
  if (name == "error.type" || name == "type") return main.type;
  if (name == "error.value" || name == "value") return main.value;
  if (name == "level") return input.level;
  if (name == "logger") return input.logger;
  if (name == "message") return input.formatted.empty() ? input.message : input.formatted;
  if (name == "function" || name == "module") return stack_variable(input, name);
  if (name.starts_with("stack.")) return stack_variable(input, name.substr(6));
  if (name.starts_with("tags.")) {
    for (const auto& [key, value] : input.tags) {
      if (key == name.substr(5)) return value;
    }
  }
  return {};
}

struct Fingerprint {
  bool given = false;
  bool has_default = false;
  std::string salt;  // all values but {{ default }}
};

Fingerprint read_fingerprint(const GroupingInput& input) {
  Fingerprint print;
  for (const std::string& item : input.fingerprint) {
    print.given = true;
    const std::string_view name = variable_name(item);
    if (name == "default") {
      print.has_default = true;
      continue;
    }
    std::string value = name.empty() ? item : variable_value(input, name);
    if (!name.empty() && value.empty()) value = "<no " + std::string(name) + ">";
    print.salt.append("f").append(value).push_back('\x1f');
  }
  return print;
}

// ---- Title
// -----------------------------------------------------------------------------------------------------

const GroupingException* main_exception(const GroupingInput& input) {
  if (input.exceptions.empty()) return nullptr;
  const auto parts = taking_part(input);
  // A group with one distinct cause is about that cause.
  const bool group = parts.size() != std::min(input.exceptions.size(), kMaxChain);
  const bool alike =
      std::all_of(parts.begin(), parts.end(), [&](const auto* e) { return e->type == parts[0]->type; });
  return group && alike ? parts.back() : &input.exceptions.back();
}

void describe(const GroupingInput& input, GroupingResult& out) {
  const GroupingException* main = main_exception(input);
  const GroupingFrame* frame = nullptr;
  if (main != nullptr) {
    frame = culprit_frame(main->frames);
    out.type = main->synthetic && frame != nullptr ? std::string() : main->type;
    out.value = main->value;
  } else if (const GroupingThread* thread = deciding_thread(input.threads)) {
    frame = culprit_frame(thread->frames);
  }
  std::string title = out.type;
  if (main != nullptr) {
    const std::string line = first_lines(main->value, 1);
    title += (title.empty() || line.empty() ? "" : ": ") + line;
  } else {
    title = first_lines(input.formatted.empty() ? input.message : input.formatted, 1);
  }
  if (title.empty() && frame != nullptr) title = frame->function;
  if (title.empty()) title = "<unlabeled event>";
  out.title = truncate_utf8(title, kMaxTitleBytes);
  out.culprit = culprit_of(frame, input.platform);
  if (out.culprit.empty()) out.culprit = input.culprit.empty() ? input.transaction : input.culprit;
}

}  // namespace

GroupingResult group_event(const GroupingInput& input) {
  GroupingResult out;
  const Fingerprint print = read_fingerprint(input);
  std::vector<Variant> variants;
  if (print.given && !print.has_default) {
    variants.push_back({"custom", print.salt});
  } else {
    variants = default_variants(input);
    if (!print.salt.empty()) {
      for (Variant& v : variants) v = {"hybrid-" + v.name, print.salt + v.key};
    }
  }
  for (const Variant& variant : variants) {
    std::string hash = hash_of(variant.key);
    if (std::find(out.hashes.begin(), out.hashes.end(), hash) != out.hashes.end()) continue;
    out.hashes.push_back(std::move(hash));
    out.variants.push_back(variant.name);
  }
  describe(input, out);
  return out;
}

}  // namespace telltale::errors
