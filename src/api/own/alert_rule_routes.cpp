// Alerting rules that people make, with what they say at present; those of files are in /api/v1/rules.
#include <algorithm>

#include <fmt/format.h>

#include "alerting/kept_rules.hpp"
#include "api/own/answer.hpp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using alerting::RuleRecord;
using alerting::RuleStatus;

constexpr std::string_view kAlertRule = "alert rule";

void write_strings(JsonWriter& w, std::string_view name, const Labels& labels) {
  w.key(name).begin_object();
  for (const auto& label : labels) w.field(label.name, label.value);
  w.end_object();
}

void write_rule_status(JsonWriter& w, const RuleStatus& status) {
  w.key("status").begin_object().field("state", to_string(status.state)).field("health", status.health);
  w.field("last_error", status.last_error).key("last_evaluation");
  if (status.last_evaluation.ms == 0) {
    w.null();
  } else {
    w.string(format_rfc3339(UnixNanos::from_millis(status.last_evaluation)));
  }
  w.field("evaluation_seconds", status.evaluation_seconds).key("alerts").begin_array();
  for (const auto& alert : status.alerts) {
    w.begin_object().field("state", to_string(alert.state));
    write_strings(w, "labels", alert.labels);
    write_strings(w, "annotations", alert.annotations);
    w.field("value", alert.value);
    w.field("active_at", format_rfc3339(UnixNanos::from_millis(alert.active_at))).end_object();
  }
  w.end_array().end_object();
}

struct AlertRules {
  std::vector<RuleRecord> rules;
  std::vector<alerting::GroupStatus> groups;  // of their projects
};

void write_alert_rule(JsonWriter& w, const RuleRecord& record,
                      const std::vector<alerting::GroupStatus>& groups) {
  w.begin_object().field("id", record.kept.id).field("project", std::uint64_t{record.kept.project.value});
  write_members(w, record.definition);
  w.field("created", format_rfc3339(record.kept.created));
  w.field("updated", format_rfc3339(record.kept.updated)).field("created_by", record.kept.created_by);
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const alerting::GroupStatus& g) {
    return g.group.origin == alerting::RuleOrigin::api && g.rules.front().rule.id == record.kept.id;
  });
  write_rule_status(w, found == groups.end() ? RuleStatus() : found->rules.front());
  w.end_object();
}

Result<AlertRules> with_status(const Services& services, Result<RuleRecord> record) {
  if (!record) return tl::unexpected<Error>(std::move(record).error());
  AlertRules out;
  out.groups = services.rules.status({record->kept.project});
  out.rules.push_back(*std::move(record));
  return out;
}

/// Names that a rule was just given must be there.
Result<> check_receivers(const Services& services, ProjectId project, const alerting::RuleDefinition& d) {
  const auto known = services.receivers ? services.receivers(project) : std::vector<ReceiverName>();
  for (const auto& name : d.rule.receivers) {
    if (std::none_of(known.begin(), known.end(), [&](const auto& r) { return r.name == name; }))
      return fail(ErrorKind::invalid_argument, fmt::format("receivers: there is none named \"{}\"", name));
  }
  return {};
}

/// What is off by promql.features is better said now than each time the rule is evaluated.
Result<> check_features(const Services& services, const alerting::RuleDefinition& d) {
  if (d.rule.language != alerting::RuleLanguage::promql) return {};
  const auto checked = services.promql.check(d.rule.expr);
  if (!checked) return fail(ErrorKind::invalid_argument, "expr: " + checked.error().message());
  return {};
}

Result<AlertRules> make_alert_rule(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto body, project_body(services, request, Scope::write));
  alerting::RuleDefinition definition;
  TT_TRY(alerting::change_definition(body.rest, definition));
  TT_TRY(check_features(services, definition));
  TT_TRY(check_receivers(services, body.project, definition));
  return with_status(services, services.alert_rules->add(body.project, std::move(definition), body.who.name));
}

Result<RuleRecord> find_alert_rule(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  TT_ASSIGN(const auto id, path_id(request, kAlertRule));
  TT_ASSIGN(auto record, services.alert_rules->get(id));
  TT_TRY(require_in(who, record.kept.project, scope, kAlertRule, id));
  return record;
}

Result<AlertRules> change_alert_rule(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto record, find_alert_rule(services, request, Scope::write));
  const auto before = record.definition.rule.receivers;
  TT_TRY(alerting::change_definition(request.body, record.definition));
  TT_TRY(check_features(services, record.definition));
  if (record.definition.rule.receivers != before)
    TT_TRY(check_receivers(services, record.kept.project, record.definition));
  return with_status(services, services.alert_rules->change(record.kept.id, std::move(record.definition)));
}

Result<> remove_alert_rule(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto record, find_alert_rule(services, request, Scope::write));
  return services.alert_rules->remove(record.kept.id);
}

Result<AlertRules> list_alert_rules(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  AlertRules out;
  TT_ASSIGN(out.rules, services.alert_rules->list(projects));
  out.groups = services.rules.status(projects);
  return out;
}

Result<std::vector<ReceiverName>> list_receivers(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  std::vector<ReceiverName> out;
  for (const ProjectId project : projects) {
    for (auto& receiver : services.receivers ? services.receivers(project) : std::vector<ReceiverName>()) {
      if (std::none_of(out.begin(), out.end(), [&](const auto& r) { return r.name == receiver.name; }))
        out.push_back(std::move(receiver));
    }
  }
  return out;
}

net::HttpResponse one_alert_rule(const Result<AlertRules>& found, int status) {
  if (!found) return error_response(found.error());
  JsonWriter w;
  w.begin_object().key("rule");
  write_alert_rule(w, found->rules.front(), found->groups);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

}  // namespace

void add_alert_rule_routes(net::Router& router, const Services& services) {
  if (services.alert_rules == nullptr) return;
  constexpr const char* kAll = "/api/telltale/v1/alert-rules";
  constexpr const char* kOne = "/api/telltale/v1/alert-rules/{id}";
  router.add("GET", kAll, [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<AlertRules>(list_alert_rules(services, r), [](JsonWriter& w, const AlertRules& found) {
      w.key("rules").begin_array();
      for (const auto& rule : found.rules) write_alert_rule(w, rule, found.groups);
      w.end_array();
    });
  });
  router.add("POST", kAll, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_alert_rule(make_alert_rule(services, r), 201);
  });
  router.add("GET", kOne, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_alert_rule(with_status(services, find_alert_rule(services, r, Scope::read)), 200);
  });
  router.add("PUT", kOne, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_alert_rule(change_alert_rule(services, r), 200);
  });
  router.add("DELETE", kOne, [&services](const net::HttpRequest& r, WorkContext&) {
    const auto done = remove_alert_rule(services, r);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
  router.add("GET", "/api/telltale/v1/receivers", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<ReceiverName>>(list_receivers(services, r),
                                             [](JsonWriter& w, const auto& receivers) {
                                               w.key("receivers").begin_array();
                                               for (const auto& receiver : receivers) {
                                                 w.begin_object().field("name", receiver.name);
                                                 w.field("type", receiver.type).end_object();
                                               }
                                               w.end_array();
                                             });
  });
}

}  // namespace telltale::api
