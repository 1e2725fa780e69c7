#include "alerting/rule_file.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>

#include <yaml-cpp/yaml.h>

#include "alerting/rule_query.hpp"

namespace telltale::alerting {
namespace {

class FileReader {
 public:
  FileReader(std::string file, promql::Features features) : file_(std::move(file)), features_(features) {}

  std::vector<RuleGroup> read(const YAML::Node& root) {
    std::vector<RuleGroup> groups;
    if (root.IsNull()) return groups;
    if (!map_with(root, {"groups"}, "file")) return groups;
    const YAML::Node list = root["groups"];
    if (list && !list.IsNull() && !list.IsSequence()) problem(list, "groups: must be a list");
    std::set<std::string> names;
    for (std::size_t i = 0; list && list.IsSequence() && i < list.size(); ++i) {
      RuleGroup g = group(list[i]);
      if (!names.insert(g.name).second)
        problem(list[i], "groupname: \"" + g.name + "\" is repeated in the same file");
      groups.push_back(std::move(g));
    }
    return groups;
  }

  std::string problems;

 private:
  void problem(const YAML::Node& at, const std::string& what) {
    problems +=
        (problems.empty() ? "" : "\n") + file_ + ":" + std::to_string(at.Mark().line + 1) + ": " + what;
  }

  bool map_with(const YAML::Node& n, std::initializer_list<std::string_view> keys, const std::string& what) {
    if (!n.IsMap()) {
      problem(n, what + ": must be a mapping");
      return false;
    }
    for (const auto& entry : n) {
      const std::string key = entry.first.Scalar();
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        problem(entry.first, what + ": unknown field " + key);
    }
    return true;
  }

  std::string text(const YAML::Node& n, const char* key) {
    const YAML::Node v = n[key];
    if (!v || v.IsNull()) return "";
    if (v.IsScalar()) return v.Scalar();
    problem(v, std::string(key) + ": must be a string");
    return "";
  }

  Millis duration(const YAML::Node& n, const char* key) {
    const std::string value = text(n, key);
    if (value.empty()) return Millis(0);
    auto parsed = parse_duration(value);
    if (parsed) return std::chrono::duration_cast<Millis>(*parsed);
    problem(n[key], std::string(key) + ": " + parsed.error().message());
    return Millis(0);
  }

  StringPairs pairs(const YAML::Node& n, const char* key) {
    StringPairs out;
    const YAML::Node v = n[key];
    if (!v || v.IsNull()) return out;
    if (!v.IsMap()) {
      problem(v, std::string(key) + ": must be a mapping");
      return out;
    }
    for (const auto& entry : v) {
      const std::string name = entry.first.Scalar();
      if (name.empty() || name == kMetricName)
        problem(entry.first, std::string(key) + ": invalid name \"" + name + "\"");
      out.emplace_back(name, entry.second.IsScalar() ? entry.second.Scalar() : "");
    }
    return out;
  }

  RuleGroup group(const YAML::Node& n) {
    RuleGroup g;
    g.file = file_;
    if (!map_with(n, {"name", "type", "interval", "query_offset", "limit", "labels", "rules"}, "group"))
      return g;
    g.name = text(n, "name");
    if (g.name.empty()) problem(n, "group: name must not be empty");
    const RuleLanguage language = language_of(n, RuleLanguage::promql);
    g.interval = duration(n, "interval");
    g.query_offset = duration(n, "query_offset");
    g.limit = static_cast<std::size_t>(std::max(0, n["limit"] ? n["limit"].as<int>(0) : 0));
    g.labels = pairs(n, "labels");
    const YAML::Node rules = n["rules"];
    if (rules && !rules.IsNull() && !rules.IsSequence()) problem(rules, "rules: must be a list");
    for (std::size_t i = 0; rules && rules.IsSequence() && i < rules.size(); ++i)
      g.rules.push_back(rule(rules[i], language));
    return g;
  }

  RuleLanguage language_of(const YAML::Node& n, RuleLanguage otherwise) {
    const std::string name = text(n, "type");
    if (name.empty()) return otherwise;
    const auto language = rule_language_from(name);
    if (!language) problem(n["type"], "type: promql or logql, not \"" + name + "\"");
    return language.value_or(otherwise);
  }

  Rule rule(const YAML::Node& n, RuleLanguage language) {
    Rule r;
    r.line = n.Mark().line + 1;
    if (!map_with(n, {"record", "alert", "type", "expr", "for", "keep_firing_for", "labels", "annotations"},
                  "rule"))
      return r;
    const std::string record = text(n, "record");
    r.name = text(n, "alert");
    r.alert = !r.name.empty();
    if (r.alert && !record.empty()) problem(n, "rule: only one of 'record' and 'alert' must be set");
    if (!r.alert && record.empty()) problem(n, "rule: one of 'record' or 'alert' must be set");
    if (!r.alert) r.name = record;
    r.language = language_of(n, language);
    r.expr = text(n, "expr");
    r.hold = duration(n, "for");
    r.keep_firing_for = duration(n, "keep_firing_for");
    r.labels = pairs(n, "labels");
    r.annotations = pairs(n, "annotations");
    if (!r.alert) {
      if (n["for"]) problem(n["for"], "rule " + r.name + ": invalid field 'for' in recording rule");
      if (n["keep_firing_for"])
        problem(n, "rule " + r.name + ": invalid field 'keep_firing_for' in recording rule");
      if (n["annotations"]) problem(n, "rule " + r.name + ": invalid field 'annotations' in recording rule");
    }
    if (r.expr.empty()) {
      problem(n, "rule " + r.name + ": field 'expr' must be set");
    } else if (auto checked = check_expression(r.language, r.expr, features_); !checked) {
      problem(n["expr"], "rule " + r.name + ": " + checked.error().message());
    }
    return r;
  }

  const std::string file_;
  const promql::Features features_;
};

}  // namespace

std::string_view to_string(RuleLanguage language) {
  return language == RuleLanguage::logql ? "logql" : "promql";
}

std::optional<RuleLanguage> rule_language_from(std::string_view name) {
  if (name == "promql" || name == "prometheus") return RuleLanguage::promql;
  if (name == "logql" || name == "loki") return RuleLanguage::logql;
  return std::nullopt;
}

std::string_view to_string(RuleOrigin origin) { return origin == RuleOrigin::api ? "api" : "file"; }

Result<std::vector<RuleGroup>> parse_rule_file(std::string_view yaml, const std::string& file,
                                               promql::Features features) {
  try {
    FileReader reader(file, features);
    std::vector<RuleGroup> groups = reader.read(YAML::Load(std::string(yaml)));
    if (!reader.problems.empty()) return fail(ErrorKind::invalid_argument, reader.problems);
    return groups;
  } catch (const YAML::Exception& e) {
    return fail(ErrorKind::invalid_argument, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
}

}  // namespace telltale::alerting
