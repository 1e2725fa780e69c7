// From options to a redactor: names are looked up, expressions compiled, everything wrong is said by name.
#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "redact/redactor_impl.hpp"

namespace telltale::redact {
namespace {

RE2::Options operator_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(limits::kMaxRedactionRegexMemory);
  return options;
}

Result<std::shared_ptr<const re2::RE2>> compile(const char* what, const std::string& text) {
  if (text.empty() || text.size() > limits::kMaxRedactionRegexBytes)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: an expression has 1 to {} bytes", what, limits::kMaxRedactionRegexBytes));
  auto re = std::make_shared<const RE2>(text, operator_options());
  if (!re->ok())
    return fail(ErrorKind::invalid_argument, fmt::format("{}: \"{}\": {}", what, text, re->error()));
  if (re->NumberOfCapturingGroups() > 1)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: \"{}\": more than one group", what, text));
  return std::shared_ptr<const re2::RE2>(std::move(re));
}

Result<std::vector<std::string>> lowered(const char* what, const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  if (keys.size() > limits::kMaxRedactionEntries)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: more than {}", what, limits::kMaxRedactionEntries));
  for (const auto& key : keys) {
    if (key.empty() || key.size() > limits::kMaxAttributeNameBytes)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: an empty or overlong key", what));
    out.push_back(to_lower(key));
  }
  return out;
}

bool is_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// In a scan of many texts no anchor holds: such a pattern is tried on every text. ("(" does not compile.)
std::string scan_expression(const std::string& regex) {
  const bool anchored = regex.find_first_of("^$") != std::string::npos ||
                        regex.find("\\A") != std::string::npos || regex.find("\\z") != std::string::npos;
  return anchored ? "(" : regex;
}

/// Rules that a name of a rule, a group or "all" means; none: unknown.
std::vector<RuleId> rules_named(const std::vector<RuleInfo>& rules, std::string_view name) {
  std::vector<RuleId> out;
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (name == "all" || rules[i].name == name || to_string(rules[i].group) == name)
      out.push_back(static_cast<RuleId>(i));
  return out;
}

Result<std::vector<RuleId>> known(const std::vector<RuleInfo>& rules, const char* what,
                                  std::string_view name) {
  auto ids = rules_named(rules, name);
  if (ids.empty())
    return fail(ErrorKind::invalid_argument, fmt::format("{}: no rule is named \"{}\"", what, name));
  return ids;
}

}  // namespace

Result<std::unique_ptr<const Redactor>> Redactor::create(Options options) {
  static std::atomic<std::uint64_t> serials{0};
  auto impl = std::make_unique<Impl>();
  impl->serial = ++serials;
  TT_ASSIGN(impl->sensitive_lower, lowered("sensitive_keys", options.sensitive_keys));
  TT_ASSIGN(impl->safe_lower, lowered("safe_keys", options.safe_keys));
  const auto builtin = builtin_rules();
  impl->rules.assign(builtin.begin(), builtin.end());
  if (options.patterns.size() > limits::kMaxRedactionPatterns ||
      options.safe_values.size() > limits::kMaxRedactionEntries)
    return fail(ErrorKind::invalid_argument, "patterns: too many");
  impl->custom_detector = kFirstShape + vendor_shapes().size();
  std::vector<ScanPattern> scans;
  if (!impl->sensitive_lower.empty()) scans = key_patterns(impl->sensitive_lower);
  impl->custom_names.reserve(options.patterns.size());
  for (const CustomPattern& pattern : options.patterns) {
    if (!is_rule_name(pattern.name))
      return fail(ErrorKind::invalid_argument, "patterns: a name has 1 to 64 letters, digits or _");
    if (!rules_named(impl->rules, pattern.name).empty())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("patterns: the name \"{}\" is taken", pattern.name));
    TT_ASSIGN(auto regex, compile("patterns", pattern.regex));
    const auto rule = static_cast<RuleId>(impl->rules.size());
    impl->custom_names.push_back(pattern.name);
    impl->rules.push_back({impl->custom_names.back(), Group::custom, true});
    scans.push_back({scan_expression(pattern.regex), impl->custom_detector + impl->custom.size(), false});
    impl->custom.push_back({std::move(regex), rule});
  }
  for (const auto& value : options.safe_values) {
    TT_ASSIGN(auto regex, compile("safe_values", value));
    impl->safe_values.push_back(std::move(regex));
  }
  impl->methods.assign(impl->rules.size(), Method::replace);
  for (const RuleInfo& rule : impl->rules) impl->enabled.push_back(rule.enabled ? 1 : 0);
  for (const auto& name : options.enable) {
    TT_ASSIGN(const auto ids, known(impl->rules, "enable", name));
    for (const RuleId id : ids) impl->enabled[id] = 1;
  }
  for (const auto& name : options.disable) {
    TT_ASSIGN(const auto ids, known(impl->rules, "disable", name));
    for (const RuleId id : ids) impl->enabled[id] = 0;
  }
  // The more particular name has the last word: all, then groups, then rules.
  for (const int pass : {0, 1, 2}) {
    for (const auto& [name, method] : options.methods) {
      const bool rule = rule_named(name) < builtin.size() ||
                        std::any_of(options.patterns.begin(), options.patterns.end(),
                                    [&, n = name](const auto& p) { return p.name == n; });
      if ((name == "all" ? 0 : rule ? 2 : 1) != pass) continue;
      TT_ASSIGN(const auto ids, known(impl->rules, "methods", name));
      for (const RuleId id : ids) impl->methods[id] = method;
    }
  }
  const bool hashes =
      std::find(impl->methods.begin(), impl->methods.end(), Method::hash) != impl->methods.end();
  if (hashes && options.hash_key.empty())
    return fail(ErrorKind::invalid_argument, "methods: hash needs a key");
  impl->hash_key = std::move(options.hash_key);
  if (impl->on(kEmailRule) || impl->on(kIpRule)) {
    for (ScanPattern& pattern : optional_patterns()) scans.push_back(std::move(pattern));
  }
  if (!scans.empty()) impl->own = std::make_unique<Prefilter>(scans);
  return std::unique_ptr<const Redactor>(new Redactor(std::move(impl)));
}

}  // namespace telltale::redact
