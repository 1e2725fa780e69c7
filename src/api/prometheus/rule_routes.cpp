// Rules and alerts, as Prometheus lists them and, of those over log lines, as Loki's ruler does.
#include <algorithm>

#include "api/prometheus/answer.hpp"
#include "promql/parser.hpp"

namespace telltale::api {
namespace {

enum class RuleList : unsigned char { every, logql };

bool listed(const alerting::RuleStatus& status, RuleList list) {
  return list == RuleList::every || status.rule.language == alerting::RuleLanguage::logql;
}

/// Members beyond Prometheus' own come last.
void write_alert(JsonWriter& w, const alerting::Alert& alert, const alerting::Rule& rule,
                 alerting::RuleOrigin origin) {
  w.begin_object().key("labels");
  write_labels(w, alert.labels);
  w.key("annotations");
  write_labels(w, alert.annotations);
  w.field("state", alerting::to_string(alert.state));
  w.field("activeAt", format_rfc3339(UnixNanos::from_millis(alert.active_at)));
  w.field("value", promql::format_value(alert.value)).field("origin", to_string(origin));
  if (rule.id != 0) w.field("ruleId", rule.id);
  w.end_object();
}

void write_rule(JsonWriter& w, const alerting::RuleStatus& status, alerting::RuleOrigin origin) {
  const auto& rule = status.rule;
  w.begin_object().field("name", rule.name).field("query", rule.expr).field("health", status.health);
  w.field("type", rule.alert ? "alerting" : "recording").field("lastError", status.last_error);
  w.field("lastEvaluation", format_rfc3339(UnixNanos::from_millis(status.last_evaluation)));
  w.field("evaluationTime", status.evaluation_seconds).key("labels");
  write_labels(w, Labels([&] {
                 std::vector<Label> labels;
                 for (const auto& [name, value] : rule.labels) labels.push_back({name, value});
                 return labels;
               }()));
  if (rule.alert) {
    w.field("duration", std::chrono::duration<double>(rule.hold).count());
    w.field("keepFiringFor", std::chrono::duration<double>(rule.keep_firing_for).count());
    w.field("state", alerting::to_string(status.state)).key("annotations").begin_object();
    for (const auto& [name, value] : rule.annotations) w.field(name, value);
    w.end_object().key("alerts").begin_array();
    for (const auto& alert : status.alerts) write_alert(w, alert, rule, origin);
    w.end_array();
  }
  w.field("language", to_string(rule.language)).field("origin", to_string(origin));
  if (rule.id != 0) w.field("id", rule.id);
  w.end_object();
}

net::HttpResponse prometheus_rules(const Services& services, const net::HttpRequest& request,
                                   bool only_alerts, RuleList list) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  const auto projects = readable_projects(services, *principal);
  if (!projects) return prometheus_error(projects.error());
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.key(only_alerts ? "alerts" : "groups").begin_array();
  for (const auto& group : services.rules.status(*projects)) {
    if (only_alerts) {
      for (const auto& rule : group.rules) {
        if (!listed(rule, list)) continue;
        for (const auto& alert : rule.alerts) write_alert(w, alert, rule.rule, group.group.origin);
      }
      continue;
    }
    if (list == RuleList::logql && std::none_of(group.rules.begin(), group.rules.end(),
                                                [&](const auto& rule) { return listed(rule, list); }))
      continue;
    w.begin_object().field("name", group.group.name).field("file", group.group.file);
    w.field("interval", std::chrono::duration<double>(group.interval).count());
    w.field("lastEvaluation", format_rfc3339(UnixNanos::from_millis(group.last_evaluation)));
    w.field("evaluationTime", group.evaluation_seconds).key("rules").begin_array();
    for (const auto& rule : group.rules) {
      if (listed(rule, list)) write_rule(w, rule, group.group.origin);
    }
    w.end_array().field("origin", to_string(group.group.origin)).end_object();
  }
  w.end_array().end_object().end_object();
  return net::HttpResponse::json(w.take());
}

void append_yaml_pairs(std::string& out, std::string_view name, const alerting::StringPairs& pairs) {
  if (pairs.empty()) return;
  out += "            ";
  out += name;
  out += ":\n";
  for (const auto& [key, value] : pairs) {
    out += "                ";
    append_json_string(out, key);
    out += ": ";
    append_json_string(out, value);
    out += '\n';
  }
}

void append_yaml_rule(std::string& out, const alerting::Rule& rule) {
  const auto field = [&out](std::string_view name, std::string_view value) {
    out += name;
    append_json_string(out, value);
    out += '\n';
  };
  field(rule.alert ? "          - alert: " : "          - record: ", rule.name);
  field("            expr: ", rule.expr);
  if (rule.hold.count() > 0) field("            for: ", format_duration(rule.hold));
  if (rule.keep_firing_for.count() > 0)
    field("            keep_firing_for: ", format_duration(rule.keep_firing_for));
  append_yaml_pairs(out, "labels", rule.labels);
  append_yaml_pairs(out, "annotations", rule.annotations);
}

/// A map from the file to its groups, as Loki's ruler answers in YAML; texts are quoted as in JSON, which
/// YAML reads.
net::HttpResponse loki_rules(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  const auto projects = readable_projects(services, *principal);
  if (!projects) return prometheus_error(projects.error());
  std::map<std::string, std::string> files;
  for (const auto& group : services.rules.status(*projects)) {
    std::string rules;
    for (const auto& rule : group.rules)
      if (listed(rule, RuleList::logql)) append_yaml_rule(rules, rule.rule);
    if (rules.empty()) continue;
    std::string& out = files[group.group.file];
    out += "    - name: ";
    append_json_string(out, group.group.name);
    out += "\n      interval: " + format_duration(group.interval) + "\n      rules:\n" + rules;
  }
  if (files.empty()) return prometheus_error(Error(ErrorKind::not_found, "no rule groups found"));
  std::string body;
  for (const auto& [file, groups] : files) {
    append_json_string(body, file);
    body += ":\n" + groups;
  }
  return {200, "application/yaml", std::move(body), {}, nullptr};
}

}  // namespace

void add_rule_list_routes(net::Router& router, const Services& services) {
  const auto add = [&](const char* path, const char* name, bool only_alerts, RuleList list) {
    net::RouteOptions options;
    options.name = name;
    options.work = services.query_limits;
    router.add(
        "GET", path,
        [&services, only_alerts, list](const net::HttpRequest& r, WorkContext&) {
          return prometheus_rules(services, r, only_alerts, list);
        },
        options);
  };
  add("/api/v1/rules", "prom_rules", false, RuleList::every);
  add("/api/v1/alerts", "prom_alerts", true, RuleList::every);
  add("/prometheus/api/v1/rules", "loki_prom_rules", false, RuleList::logql);
  add("/prometheus/api/v1/alerts", "loki_prom_alerts", true, RuleList::logql);
  router.add("GET", "/loki/api/v1/rules",
             [&services](const net::HttpRequest& r, WorkContext&) { return loki_rules(services, r); });
}

}  // namespace telltale::api
