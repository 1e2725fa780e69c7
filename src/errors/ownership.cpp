#include "errors/ownership.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "errors/glob.hpp"

namespace telltale::errors {

struct Ownership::Rule {
  enum class Of : unsigned char { path, module, url, tag };
  Of of = Of::path;
  std::string tag;
  std::vector<Glob> patterns;  // any
  std::string owner;

  bool matches(const OwnershipFacts& facts) const {
    const auto any = [&](std::string_view text) {
      return std::any_of(patterns.begin(), patterns.end(), [&](const Glob& g) { return g.matches(text); });
    };
    switch (of) {
      case Of::path:
        return std::any_of(facts.paths.begin(), facts.paths.end(), any);
      case Of::module:
        return std::any_of(facts.modules.begin(), facts.modules.end(), any);
      case Of::url:
        return !facts.url.empty() && any(facts.url);
      case Of::tag:
        return std::any_of(facts.tags.begin(), facts.tags.end(),
                           [&](const auto& t) { return t.first == tag && any(t.second); });
    }
    return false;
  }
};

namespace {

/// Words of a line; a backslash keeps the character behind it.
std::vector<std::string> owner_words(std::string_view line) {
  std::vector<std::string> out;
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escaped = line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == ' ' || line[i + 1] == '#');
    if (!escaped && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) {
      inside = false;
      continue;
    }
    if (!inside) out.emplace_back();
    inside = true;
    out.back().push_back(escaped ? line[++i] : line[i]);
  }
  return out;
}

/// The file's patterns in ours: with the folder of that name, and from any folder on.
std::vector<std::string> codeowner_patterns(std::string_view pattern) {
  while (pattern.starts_with('/')) pattern.remove_prefix(1);
  const std::string from_anywhere = "**/" + std::string(pattern);
  if (pattern.empty() || pattern == "*") return {"**"};
  if (pattern.ends_with('/')) return {from_anywhere + "**"};
  if (pattern.ends_with('*')) return {from_anywhere};
  return {from_anywhere, from_anywhere + "/**"};
}

template <class Take>
Result<> each_line(std::string_view list, std::string_view text, Take take) {
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    if (auto taken = take(line.substr(begin)); !taken)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}, line {}: {}", list, number, taken.error().message()));
  }
  return {};
}

}  // namespace

Ownership::Ownership() = default;
Ownership::~Ownership() = default;
bool Ownership::empty() const { return rules_.empty(); }

Result<std::shared_ptr<const Ownership>> Ownership::parse(const OwnershipTexts& texts) {
  std::shared_ptr<Ownership> out(new Ownership);
  const auto keep = [&](Rule rule) -> Result<> {
    if (out->rules_.size() >= limits::kMaxOwnershipRules)
      return fail(ErrorKind::invalid_argument, fmt::format("more than {} rules", limits::kMaxOwnershipRules));
    out->rules_.push_back(std::move(rule));
    return {};
  };
  TT_TRY(each_line("codeowners", texts.codeowners, [&](std::string_view line) -> Result<> {
    if (line.starts_with('[') || line.starts_with("^[")) return {};  // a section's name
    auto words = owner_words(line);
    const auto comment =
        std::find_if(words.begin() + 1, words.end(), [](const auto& w) { return w.starts_with('#'); });
    words.erase(comment, words.end());
    Rule rule;
    if (words.size() > 1) rule.owner = words[1];
    for (const std::string& pattern : codeowner_patterns(words[0])) {
      TT_ASSIGN(auto glob, Glob::parse(pattern, Glob::Kind::path));
      rule.patterns.push_back(std::move(glob));
    }
    return keep(std::move(rule));
  }));
  TT_TRY(each_line("rules", texts.rules, [&](std::string_view line) -> Result<> {
    auto words = owner_words(line);
    const auto colon = words[0].find(':');
    const std::string name = words[0].substr(0, colon);
    Rule rule;
    auto kind = Glob::Kind::words;
    if (name == "path") {
      kind = Glob::Kind::path;
    } else if (name == "module") {
      rule.of = Rule::Of::module;
      kind = Glob::Kind::text;
    } else if (name == "url") {
      rule.of = Rule::Of::url;
    } else if (name.starts_with("tags.") && name.size() > 5) {
      rule.of = Rule::Of::tag;
      rule.tag = name.substr(5);
    } else {
      return fail(ErrorKind::invalid_argument,
                  "begins with path:, module:, url: or tags.NAME: and a pattern");
    }
    if (colon == std::string::npos || colon + 1 == words[0].size())
      return fail(ErrorKind::invalid_argument, "no pattern behind " + name + ":");
    if (words.size() < 2) return fail(ErrorKind::invalid_argument, "no owner behind the pattern");
    TT_ASSIGN(auto glob, Glob::parse(words[0].substr(colon + 1), kind));
    rule.patterns.push_back(std::move(glob));
    rule.owner = words[1];
    return keep(std::move(rule));
  }));
  return std::shared_ptr<const Ownership>(std::move(out));
}

std::string Ownership::owner(const OwnershipFacts& facts) const {
  const auto found =
      std::find_if(rules_.rbegin(), rules_.rend(), [&](const Rule& rule) { return rule.matches(facts); });
  return found == rules_.rend() ? std::string() : found->owner;
}

OwnershipFacts ownership_facts(const GroupingInput& event, std::string url) {
  OwnershipFacts out;
  out.url = std::move(url);
  out.tags = event.tags;
  std::vector<const GroupingFrame*> frames;
  for (const auto& exception : event.exceptions)
    for (const auto& frame : exception.frames) frames.push_back(&frame);
  for (const auto& thread : event.threads)
    for (const auto& frame : thread.frames) frames.push_back(&frame);
  const bool own =
      std::any_of(frames.begin(), frames.end(), [](const auto* f) { return f->in_app.value_or(false); });
  for (const GroupingFrame* frame : frames) {
    if (own && !frame->in_app.value_or(false)) continue;
    for (const std::string* path : {&frame->filename, &frame->abs_path})
      if (!path->empty()) out.paths.push_back(Glob::path_form(*path));
    if (!frame->module.empty()) out.modules.push_back(frame->module);
  }
  return out;
}

// ---- As projects keep them
// -----------------------------------------------------------------------------------

Result<OwnershipTexts> parse_ownership_texts(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "ownership: wants an object");
  OwnershipTexts out;
  for (const auto field : object) {
    std::string_view text;
    if (field.key != "rules" && field.key != "codeowners")
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: unknown; there are rules and codeowners", field.key));
    if (field.value.get(text) != simdjson::SUCCESS)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: wants a text, a rule a line", field.key));
    (field.key == "rules" ? out.rules : out.codeowners) = text;
  }
  if (out.rules.size() + out.codeowners.size() > limits::kMaxOwnershipBytes)
    return fail(ErrorKind::too_large,
                fmt::format("ownership: more than {} bytes of rules", limits::kMaxOwnershipBytes));
  TT_ASSIGN(const auto rules, Ownership::parse(out));
  (void)rules;
  return out;
}

std::string ownership_json(const OwnershipTexts& texts) {
  JsonWriter w;
  w.begin_object().field("rules", texts.rules).field("codeowners", texts.codeowners).end_object();
  return w.take();
}

Result<> ProjectOwnership::load(storage::RecordStore& records) {
  TT_ASSIGN(const auto kept, records.settings().list(kOwnershipSetting));
  for (const auto& setting : kept) {
    const std::string id = setting.key.substr(kOwnershipSetting.size());
    std::uint32_t project = 0;
    std::from_chars(id.data(), id.data() + id.size(), project);
    TT_ASSIGN(auto texts, parse_ownership_texts(setting.value));
    TT_TRY(set(ProjectId{project}, std::move(texts)));
  }
  return {};
}

std::shared_ptr<const Ownership> ProjectOwnership::of(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  return found == own_.end() || found->second.rules->empty() ? nullptr : found->second.rules;
}

OwnershipTexts ProjectOwnership::texts(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  return found == own_.end() ? OwnershipTexts() : found->second.texts;
}

Result<> ProjectOwnership::set(ProjectId project, OwnershipTexts texts) {
  TT_ASSIGN(auto rules, Ownership::parse(texts));
  MutexLock lock(mutex_);
  own_[project] = {std::move(texts), std::move(rules)};
  return {};
}

Result<> ProjectOwnership::change(storage::RecordStore& records, ProjectId project, OwnershipTexts texts) {
  const MutexLock lock(changing_);
  TT_TRY(records.settings().put(std::string(kOwnershipSetting) + std::to_string(project.value),
                                ownership_json(texts)));
  return set(project, std::move(texts));
}

}  // namespace telltale::errors
