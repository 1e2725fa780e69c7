#include "alerting/kept_rules.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::alerting {
namespace {

using simdjson::dom::element;

constexpr std::string_view kSeverity = "severity";
constexpr Millis kLeastInterval = std::chrono::seconds(5);
constexpr Millis kLongest = std::chrono::hours(24 * 365);

tl::unexpected<Error> bad_member(std::string_view member, std::string_view what) {
  return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", member, what));
}

Result<std::string> member_text(std::string_view member, element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return bad_member(member, "not a string");
  if (text.size() > limits::kMaxRuleTextBytes)
    return bad_member(member, fmt::format("at most {} bytes", limits::kMaxRuleTextBytes));
  return std::string(text);
}

Result<Millis> member_duration(std::string_view member, element value, Millis least) {
  TT_ASSIGN(const std::string text, member_text(member, value));
  const auto d = parse_duration(text.empty() ? "0s" : text);
  if (!d) return bad_member(member, d.error().message());
  const auto out = std::chrono::duration_cast<Millis>(*d);
  if (out < least || out > kLongest)
    return bad_member(member, fmt::format("{} to {}", format_duration(least), format_duration(kLongest)));
  return out;
}

bool label_name(std::string_view name) {
  const auto good = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), good);
}

Result<StringPairs> member_pairs(std::string_view member, element value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return bad_member(member, "not an object");
  std::map<std::string, std::string> sorted;
  for (const auto field : object) {
    const std::string name(field.key);
    if (!label_name(name) || name.starts_with("__") || (member == "labels" && name == "alertname"))
      return bad_member(member, fmt::format("\"{}\" cannot be a name", name));
    TT_ASSIGN(sorted[name], member_text(member, field.value));
  }
  if (sorted.size() > limits::kMaxRulePairs)
    return bad_member(member, fmt::format("at most {} (kMaxRulePairs)", limits::kMaxRulePairs));
  return StringPairs(sorted.begin(), sorted.end());
}

void set_severity(Rule& rule, const std::string& severity) {
  std::map<std::string, std::string> labels(rule.labels.begin(), rule.labels.end());
  labels.erase(std::string(kSeverity));
  if (!severity.empty()) labels[std::string(kSeverity)] = severity;
  rule.labels.assign(labels.begin(), labels.end());
}

Result<std::vector<std::string>> member_names(std::string_view member, element value) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return bad_member(member, "not a list");
  std::vector<std::string> out;
  for (const element item : array) {
    TT_ASSIGN(auto name, member_text(member, item));
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  }
  if (out.size() > limits::kMaxRuleReceivers)
    return bad_member(member, fmt::format("at most {} (kMaxRuleReceivers)", limits::kMaxRuleReceivers));
  return out;
}

/// All but severity, which is a label and comes after them.
Result<> take_member(std::string_view key, element value, RuleDefinition& d) {
  Rule& r = d.rule;
  if (key == "name") {
    TT_ASSIGN(r.name, member_text(key, value));
  } else if (key == "language") {
    TT_ASSIGN(const auto name, member_text(key, value));
    const auto language = rule_language_from(name);
    if (!language) return bad_member(key, "logql or promql");
    r.language = *language;
  } else if (key == "expr") {
    TT_ASSIGN(r.expr, member_text(key, value));
  } else if (key == "for") {
    TT_ASSIGN(r.hold, member_duration(key, value, Millis(0)));
  } else if (key == "keep_firing_for") {
    TT_ASSIGN(r.keep_firing_for, member_duration(key, value, Millis(0)));
  } else if (key == "interval") {
    TT_ASSIGN(d.interval, member_duration(key, value, kLeastInterval));
  } else if (key == "labels") {
    TT_ASSIGN(r.labels, member_pairs(key, value));
  } else if (key == "annotations") {
    TT_ASSIGN(r.annotations, member_pairs(key, value));
  } else if (key == "receivers") {
    TT_ASSIGN(r.receivers, member_names(key, value));
  } else if (key == "paused") {
    if (value.get(d.paused) != simdjson::SUCCESS) return bad_member(key, "not a boolean");
  } else if (key != kSeverity) {
    return bad_member(key, "unknown field");
  }
  return {};
}

void write_pairs(JsonWriter& w, std::string_view name, const StringPairs& pairs) {
  w.key(name).begin_object();
  for (const auto& [key, value] : pairs) w.field(key, value);
  w.end_object();
}

std::string definition_text(const RuleDefinition& d) {
  JsonWriter w;
  w.begin_object();
  write_members(w, d);
  w.end_object();
  return w.take();
}

Result<RuleRecord> read_record(storage::KeptRule kept) {
  RuleRecord out;
  if (auto done = change_definition(kept.definition, out.definition); !done)
    return tl::unexpected<Error>(std::move(done).error().within("alert rule " + kept.name));
  out.definition.rule.id = kept.id;
  out.kept = std::move(kept);
  return out;
}

}  // namespace

Result<> change_definition(std::string_view json, RuleDefinition& definition) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  RuleDefinition d = definition;
  d.rule.alert = true;
  for (const auto field : object) TT_TRY(take_member(field.key, field.value, d));
  element severity;
  if (object[kSeverity].get(severity) == simdjson::SUCCESS) {
    TT_ASSIGN(const auto text, member_text(kSeverity, severity));
    set_severity(d.rule, text);
  }
  if (d.rule.name.empty() || d.rule.name.size() > limits::kMaxRuleNameBytes || !is_utf8(d.rule.name))
    return bad_member("name", fmt::format("1 to {} bytes of text", limits::kMaxRuleNameBytes));
  if (d.rule.expr.empty()) return bad_member("expr", "missing");
  // Which features are on is asked by who takes the rule, who has the engine.
  if (auto checked = check_expression(d.rule.language, d.rule.expr, promql::Features::all()); !checked)
    return bad_member("expr", checked.error().message());
  definition = std::move(d);
  return {};
}

void write_members(JsonWriter& w, const RuleDefinition& d) {
  const Rule& r = d.rule;
  w.field("name", r.name).field("language", to_string(r.language)).field("expr", r.expr);
  w.field("for", format_duration(r.hold)).field("keep_firing_for", format_duration(r.keep_firing_for));
  w.field("interval", format_duration(d.interval));
  std::string_view severity;
  for (const auto& [name, value] : r.labels)
    if (name == kSeverity) severity = value;
  w.field(kSeverity, severity);
  write_pairs(w, "labels", r.labels);
  write_pairs(w, "annotations", r.annotations);
  w.key("receivers").begin_array();
  for (const auto& name : r.receivers) w.string(name);
  w.end_array().field("paused", d.paused);
}

Result<std::vector<RuleRecord>> KeptRules::all() const {
  TT_ASSIGN(auto kept, records_.kept_rules().list());
  std::vector<RuleRecord> out;
  for (auto& rule : kept) {
    auto record = read_record(std::move(rule));
    if (record) {
      out.push_back(*std::move(record));
    } else {
      log_.error("an alert rule cannot be read and rests", {{"reason", record.error().message()}});
    }
  }
  return out;
}

Result<> KeptRules::hand_over(ProjectId project) {
  TT_ASSIGN(const auto records, all());
  std::vector<RuleGroup> groups;
  for (const RuleRecord& record : records) {
    if (record.kept.project != project || record.definition.paused) continue;
    RuleGroup group;
    group.name = record.kept.name;
    group.file = kApiRulesFile;
    group.interval = record.definition.interval;
    group.rules.push_back(record.definition.rule);
    groups.push_back(std::move(group));
  }
  rules_.set_groups(project, std::move(groups), RuleOrigin::api);
  return {};
}

Result<> KeptRules::load() {
  const MutexLock lock(mutex_);
  TT_ASSIGN(const auto records, all());
  std::set<ProjectId> projects;
  for (const RuleRecord& record : records) projects.insert(record.kept.project);
  for (const ProjectId project : projects) TT_TRY(hand_over(project));
  return {};
}

Result<std::vector<RuleRecord>> KeptRules::list(const storage::Projects& projects) const {
  TT_ASSIGN(auto out, all());
  std::erase_if(out, [&](const RuleRecord& r) {
    return std::find(projects.begin(), projects.end(), r.kept.project) == projects.end();
  });
  std::sort(out.begin(), out.end(), [](const RuleRecord& a, const RuleRecord& b) {
    return std::tie(a.kept.name, a.kept.id) < std::tie(b.kept.name, b.kept.id);
  });
  return out;
}

Result<RuleRecord> KeptRules::get(std::int64_t id) const {
  TT_ASSIGN(auto kept, records_.kept_rules().get(id));
  return read_record(std::move(kept));
}

Result<RuleRecord> KeptRules::add(ProjectId project, RuleDefinition definition, std::string created_by) {
  const MutexLock lock(mutex_);
  TT_ASSIGN(const auto known, list({project}));
  if (known.size() >= limits::kMaxKeptRules)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("there are {} alert rules in this project (kMaxKeptRules)", known.size()));
  storage::KeptRule kept;
  kept.project = project;
  kept.name = definition.rule.name;
  kept.definition = definition_text(definition);
  kept.created = kept.updated = clock_.now();
  kept.created_by = std::move(created_by);
  TT_ASSIGN(kept.id, records_.kept_rules().add(kept));
  log_.info("alert rule made", {{"rule", kept.name}, {"project", project.value}, {"by", kept.created_by}});
  TT_TRY(hand_over(project));
  return read_record(std::move(kept));
}

Result<RuleRecord> KeptRules::change(std::int64_t id, RuleDefinition definition) {
  const MutexLock lock(mutex_);
  TT_ASSIGN(auto kept, records_.kept_rules().get(id));
  kept.name = definition.rule.name;
  kept.definition = definition_text(definition);
  kept.updated = clock_.now();
  TT_TRY(records_.kept_rules().update(kept));
  log_.info("alert rule changed", {{"rule", kept.name}, {"project", kept.project.value}});
  TT_TRY(hand_over(kept.project));
  return read_record(std::move(kept));
}

Result<> KeptRules::remove(std::int64_t id) {
  const MutexLock lock(mutex_);
  TT_ASSIGN(const auto kept, records_.kept_rules().get(id));
  TT_TRY(records_.kept_rules().remove(id));
  log_.info("alert rule removed", {{"rule", kept.name}, {"project", kept.project.value}});
  return hand_over(kept.project);
}

}  // namespace telltale::alerting
