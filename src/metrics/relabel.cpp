#include "metrics/relabel.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "base/text.hpp"
#include "metrics/md5.hpp"

namespace telltale::metrics {
namespace {

constexpr std::pair<std::string_view, RelabelAction> kActions[] = {
    {"replace", RelabelAction::replace},     {"keep", RelabelAction::keep},
    {"drop", RelabelAction::drop},           {"keepequal", RelabelAction::keepequal},
    {"dropequal", RelabelAction::dropequal}, {"hashmod", RelabelAction::hashmod},
    {"labelmap", RelabelAction::labelmap},   {"labeldrop", RelabelAction::labeldrop},
    {"labelkeep", RelabelAction::labelkeep}, {"lowercase", RelabelAction::lowercase},
    {"uppercase", RelabelAction::uppercase},
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool full_match(const re2::RE2& regex, std::string_view text) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

/// Go's template syntax: $1, ${1}, $name, ${name}, $$; an unknown group is empty.
std::string expand(const std::string& pattern, const re2::RE2& regex,
                   const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '$') {
      out += pattern[i++];
      continue;
    }
    if (i + 1 < pattern.size() && pattern[i + 1] == '$') {
      out += '$';
      i += 2;
      continue;
    }
    const bool braced = i + 1 < pattern.size() && pattern[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < pattern.size() && is_word(pattern[end])) ++end;
    if (end == begin || (braced && (end == pattern.size() || pattern[end] != '}'))) {
      out += pattern[i++];
      continue;
    }
    const std::string name = pattern.substr(begin, end - begin);
    std::size_t group = groups.size();
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      if (name.size() < 4) group = std::stoul(name);
    } else if (const auto it = regex.NamedCapturingGroups().find(name);
               it != regex.NamedCapturingGroups().end()) {
      group = static_cast<std::size_t>(it->second);
    }
    if (group < groups.size() && groups[group].data() != nullptr)
      out.append(groups[group].data(), groups[group].size());
    i = braced ? end + 1 : end;
  }
  return out;
}

/// The groups of a full match, the whole first; empty when there is none.
std::vector<re2::StringPiece> match_groups(const re2::RE2& regex, std::string_view text) {
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  if (!regex.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_BOTH,
                   groups.data(), static_cast<int>(groups.size()))) {
    groups.clear();
  }
  return groups;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

/// False: dropped.
bool apply_rule(const RelabelRule& rule, Labels& labels) {
  std::string value;
  for (std::size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) value += rule.separator;
    value += labels.get(rule.source_labels[i]);
  }
  switch (rule.action) {
    case RelabelAction::keep:
      return full_match(*rule.compiled, value);
    case RelabelAction::drop:
      return !full_match(*rule.compiled, value);
    case RelabelAction::keepequal:
      return labels.get(rule.target_label) == value;
    case RelabelAction::dropequal:
      return labels.get(rule.target_label) != value;
    case RelabelAction::replace: {
      const auto groups = match_groups(*rule.compiled, value);
      if (groups.empty()) return true;
      const std::string target = expand(rule.target_label, *rule.compiled, groups);
      if (!target.empty()) labels.set(target, expand(rule.replacement, *rule.compiled, groups));
      return true;
    }
    case RelabelAction::lowercase:
      labels.set(rule.target_label, to_lower(value));
      return true;
    case RelabelAction::uppercase:
      labels.set(rule.target_label, to_upper(value));
      return true;
    case RelabelAction::hashmod:
      labels.set(rule.target_label, std::to_string(md5_tail(value) % rule.modulus));
      return true;
    case RelabelAction::labelmap: {
      const Labels before = labels;
      for (const Label& l : before) {
        const auto groups = match_groups(*rule.compiled, l.name);
        if (!groups.empty()) labels.set(expand(rule.replacement, *rule.compiled, groups), l.value);
      }
      return true;
    }
    case RelabelAction::labeldrop:
    case RelabelAction::labelkeep: {
      const Labels before = labels;
      const bool drop_matching = rule.action == RelabelAction::labeldrop;
      for (const Label& l : before) {
        if (full_match(*rule.compiled, l.name) == drop_matching) labels.erase(l.name);
      }
      return true;
    }
  }
  return true;
}

}  // namespace

Result<RelabelAction> relabel_action_from(std::string_view name) {
  const std::string lower = to_lower(name);
  for (const auto& [text, action] : kActions) {
    if (text == lower) return action;
  }
  return fail(ErrorKind::invalid_argument, "action: unknown relabel action \"" + std::string(name) + "\"");
}

std::string_view to_string(RelabelAction action) {
  for (const auto& [text, a] : kActions) {
    if (a == action) return text;
  }
  return "replace";
}

Result<> RelabelRule::prepare() {
  const bool needs_target = action == RelabelAction::replace || action == RelabelAction::hashmod ||
                            action == RelabelAction::lowercase || action == RelabelAction::uppercase ||
                            action == RelabelAction::keepequal || action == RelabelAction::dropequal;
  if (needs_target && target_label.empty()) {
    return fail(ErrorKind::invalid_argument, "target_label: this relabel action needs it");
  }
  if (action == RelabelAction::hashmod && modulus == 0) {
    return fail(ErrorKind::invalid_argument, "modulus: hashmod needs one above zero");
  }
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  auto made = std::make_shared<const re2::RE2>(regex, options);
  if (!made->ok()) return fail(ErrorKind::invalid_argument, "regex: \"" + regex + "\": " + made->error());
  compiled = std::move(made);
  return {};
}

bool relabel(const std::vector<RelabelRule>& rules, Labels& labels) {
  return std::all_of(rules.begin(), rules.end(),
                     [&labels](const RelabelRule& r) { return apply_rule(r, labels); });
}

}  // namespace telltale::metrics
