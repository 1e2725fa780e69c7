#include "alerting/issue_alert_rules.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "search/condition.hpp"

namespace telltale::alerting {
namespace {

using simdjson::dom::element;

struct News {
  std::string_view name;
  bool IssueAlertRule::*flag;
};
constexpr News kNews[] = {{"new", &IssueAlertRule::fresh},
                          {"regressed", &IssueAlertRule::regressed},
                          {"escalating", &IssueAlertRule::escalating},
                          {"unarchived", &IssueAlertRule::unarchived}};

/// One rule's members, each error with the member's path in front.
class RuleReader {
 public:
  RuleReader(std::size_t number, UnixNanos now) : where_(fmt::format("rules[{}]", number)), now_(now) {}

  Result<IssueAlertRule> read(element value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return bad("", "not an object");
    for (const auto field : object) TT_TRY(take(field.key, field.value));
    if (rule_.name.empty()) return bad("name", "missing");
    const bool any_news =
        std::any_of(std::begin(kNews), std::end(kNews), [&](const News& n) { return rule_.*n.flag; });
    if (!any_news && !rule_.events.asked() && !rule_.users.asked())
      return bad("on", "name something that is news, or say how many events or users are");
    return std::move(rule_);
  }

 private:
  tl::unexpected<Error> bad(std::string_view member, std::string_view what) const {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}{}{}: {}", where_, member.empty() ? "" : ".", member, what));
  }

  Result<std::string> text(std::string_view member, element value, std::size_t most) const {
    std::string_view out;
    if (value.get(out) != simdjson::SUCCESS) return bad(member, "not a string");
    if (out.size() > most) return bad(member, fmt::format("at most {} bytes", most));
    return std::string(out);
  }
  Result<Nanos> duration(std::string_view member, element value, Nanos least, Nanos most) const {
    TT_ASSIGN(const std::string written, text(member, value, limits::kMaxRuleTextBytes));
    const auto out = parse_duration(written);
    if (!out) return bad(member, out.error().message());
    if (*out < least || *out > most)
      return bad(member, fmt::format("{} to {}", format_duration(least), format_duration(most)));
    return *out;
  }
  Result<std::vector<std::string>> texts(std::string_view member, element value) const {
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return bad(member, "not a list");
    std::vector<std::string> out;
    for (const element item : array) {
      TT_ASSIGN(auto one, text(member, item, kMaxIssueAlertNameBytes));
      if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    }
    return out;
  }

  Result<IssueFrequency> frequency(std::string_view member, element value) const {
    IssueFrequency out;
    if (value.is_null()) return out;
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return bad(member, "not an object");
    bool has_count = false;
    for (const auto field : object) {
      const std::string path = fmt::format("{}.{}", member, std::string_view(field.key));
      if (field.key == "more_than") {
        if (field.value.get(out.count) != simdjson::SUCCESS || out.count > kMaxIssueAlertCount)
          return bad(path, fmt::format("a number from 0 to {}", kMaxIssueAlertCount));
        has_count = true;
      } else if (field.key == "within") {
        TT_ASSIGN(out.within, duration(path, field.value, kLeastIssueAlertWindow, kMostIssueAlertWindow));
      } else {
        return bad(path, "unknown field");
      }
    }
    if (!has_count || !out.asked()) return bad(member, "more_than and within");
    return out;
  }

  Result<> take_news(element value) {
    TT_ASSIGN(const auto names, texts("on", value));
    for (const std::string& name : names) {
      const auto* news =
          std::find_if(std::begin(kNews), std::end(kNews), [&](const News& n) { return n.name == name; });
      if (news == std::end(kNews))
        return bad("on", fmt::format("\"{}\": one of new, regressed, escalating, unarchived", name));
      rule_.*news->flag = true;
    }
    return {};
  }

  Result<> take(std::string_view key, element value) {
    if (key == "name") {
      TT_ASSIGN(rule_.name, text(key, value, kMaxIssueAlertNameBytes));
      if (!is_utf8(rule_.name)) return bad(key, "not UTF-8");
    } else if (key == "on") {
      TT_TRY(take_news(value));
    } else if (key == "events") {
      TT_ASSIGN(rule_.events, frequency(key, value));
    } else if (key == "users") {
      TT_ASSIGN(rule_.users, frequency(key, value));
    } else if (key == "query") {
      TT_ASSIGN(rule_.query, text(key, value, kMaxIssueAlertQueryBytes));
      const auto read = search::understand(rule_.query, {search::Subject::issues, now_, {}});
      if (!read) return bad(key, read.error().message());
    } else if (key == "receivers") {
      TT_ASSIGN(rule_.receivers, texts(key, value));
      if (rule_.receivers.size() > limits::kMaxRuleReceivers)
        return bad(key, fmt::format("at most {} (kMaxRuleReceivers)", limits::kMaxRuleReceivers));
    } else if (key == "at_most_every") {
      TT_ASSIGN(rule_.at_most_every, duration(key, value, Nanos(0), kMostIssueAlertDigest));
    } else if (key == "digest") {
      TT_ASSIGN(rule_.digest, duration(key, value, Nanos(0), kMostIssueAlertDigest));
      if (rule_.digest.count() > 0 && rule_.digest < kLeastIssueAlertWindow)
        return bad(key, fmt::format("0s, or at least {}", format_duration(kLeastIssueAlertWindow)));
    } else if (key == "paused") {
      if (value.get(rule_.paused) != simdjson::SUCCESS) return bad(key, "not a boolean");
    } else {
      return bad(key, "unknown field");
    }
    return {};
  }

  const std::string where_;
  const UnixNanos now_;
  IssueAlertRule rule_;
};

void write_frequency(JsonWriter& w, std::string_view name, const IssueFrequency& f) {
  w.key(name);
  if (!f.asked()) {
    w.null();
    return;
  }
  w.begin_object().field("more_than", f.count).field("within", format_duration(f.within)).end_object();
}

IssueAlertRule default_rule() {
  IssueAlertRule rule;
  rule.name = "Every issue";
  for (const News& news : kNews) rule.*news.flag = true;
  return rule;
}

}  // namespace

bool IssueAlertRule::wants(errors::IssueChange change) const {
  switch (change) {
    case errors::IssueChange::fresh:
      return fresh;
    case errors::IssueChange::regressed:
      return regressed;
    case errors::IssueChange::escalating:
      return escalating;
    case errors::IssueChange::unarchived:
      return unarchived;
  }
  return false;
}

Result<std::vector<IssueAlertRule>> parse_issue_alerts(std::string_view json, UnixNanos now) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  std::vector<IssueAlertRule> out;
  std::set<std::string> names;
  bool there = false;
  for (const auto field : object) {
    if (field.key != "rules")
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", std::string_view(field.key)));
    simdjson::dom::array rules;
    if (field.value.get(rules) != simdjson::SUCCESS)
      return fail(ErrorKind::invalid_argument, "rules: not a list");
    there = true;
    for (const element value : rules) {
      if (out.size() == kMaxIssueAlertRules)
        return fail(ErrorKind::invalid_argument,
                    fmt::format("rules: at most {} (kMaxIssueAlertRules)", kMaxIssueAlertRules));
      TT_ASSIGN(auto rule, RuleReader(out.size(), now).read(value));
      if (!names.insert(rule.name).second)
        return fail(ErrorKind::invalid_argument,
                    fmt::format("rules[{}].name: \"{}\" is there twice", out.size(), rule.name));
      out.push_back(std::move(rule));
    }
  }
  if (!there) return fail(ErrorKind::invalid_argument, "rules: missing");
  return out;
}

void write_issue_alerts(JsonWriter& w, const std::vector<IssueAlertRule>& rules) {
  w.key("rules").begin_array();
  for (const IssueAlertRule& rule : rules) {
    w.begin_object().field("name", rule.name).key("on").begin_array();
    for (const News& news : kNews)
      if (rule.*news.flag) w.string(news.name);
    w.end_array();
    write_frequency(w, "events", rule.events);
    write_frequency(w, "users", rule.users);
    w.field("query", rule.query).key("receivers").begin_array();
    for (const std::string& name : rule.receivers) w.string(name);
    w.end_array().field("at_most_every", format_duration(rule.at_most_every));
    w.field("digest", format_duration(rule.digest)).field("paused", rule.paused).end_object();
  }
  w.end_array();
}

Result<> ProjectIssueAlerts::load(storage::RecordStore& records, UnixNanos now) {
  TT_ASSIGN(const auto kept, records.settings().list(kIssueAlertsSetting));
  for (const auto& setting : kept) {
    const std::string id = setting.key.substr(kIssueAlertsSetting.size());
    std::uint32_t project = 0;
    std::from_chars(id.data(), id.data() + id.size(), project);
    TT_ASSIGN(auto rules, parse_issue_alerts(setting.value, now));
    MutexLock lock(mutex_);
    own_[ProjectId{project}] = std::move(rules);
  }
  return {};
}

ProjectIssueAlerts::Own ProjectIssueAlerts::of(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  if (found == own_.end()) return {{default_rule()}, true};
  return {found->second, false};
}

std::vector<ProjectId> ProjectIssueAlerts::projects() const {
  MutexLock lock(mutex_);
  std::vector<ProjectId> out;
  for (const auto& [project, rules] : own_) out.push_back(project);
  return out;
}

Result<> ProjectIssueAlerts::change(storage::RecordStore& records, ProjectId project,
                                    std::vector<IssueAlertRule> rules) {
  const MutexLock changing(changing_);
  JsonWriter w;
  w.begin_object();
  write_issue_alerts(w, rules);
  w.end_object();
  TT_TRY(records.settings().put(std::string(kIssueAlertsSetting) + std::to_string(project.value), w.take()));
  MutexLock lock(mutex_);
  own_[project] = std::move(rules);
  return {};
}

Result<> ProjectIssueAlerts::reset(storage::RecordStore& records, ProjectId project) {
  const MutexLock changing(changing_);
  TT_TRY(records.settings().remove(std::string(kIssueAlertsSetting) + std::to_string(project.value)));
  MutexLock lock(mutex_);
  own_.erase(project);
  return {};
}

}  // namespace telltale::alerting
