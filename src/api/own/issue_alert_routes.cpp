// Of which issues a project's people hear: its rules as one list.
#include <algorithm>

#include <fmt/format.h>

#include "alerting/issue_alert_rules.hpp"
#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/rule_routes.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using alerting::IssueAlertRule;
using Own = alerting::ProjectIssueAlerts::Own;

net::HttpResponse issue_alerts_answer(const Result<Own>& own) {
  if (!own) return error_response(own.error());
  JsonWriter w;
  w.begin_object().key("issue_alerts").begin_object();
  alerting::write_issue_alerts(w, own->rules);
  w.field("is_default", own->is_default).end_object().end_object();
  return net::HttpResponse::json(w.take());
}

/// Receivers that a rule was just given must be there; one that is gone from the settings may stay.
Result<> check_names(const Services& services, ProjectId project, const std::vector<IssueAlertRule>& before,
                     const std::vector<IssueAlertRule>& rules) {
  const auto known = services.receivers ? services.receivers(project) : std::vector<ReceiverName>();
  const auto had = [&before](const std::string& name) {
    return std::any_of(before.begin(), before.end(), [&](const IssueAlertRule& r) {
      return std::find(r.receivers.begin(), r.receivers.end(), name) != r.receivers.end();
    });
  };
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const std::string& name : rules[i].receivers) {
      const bool is_known =
          std::any_of(known.begin(), known.end(), [&](const auto& r) { return r.name == name; });
      if (!is_known && !had(name))
        return fail(ErrorKind::invalid_argument,
                    fmt::format("rules[{}].receivers: there is none named \"{}\"", i, name));
    }
  }
  return {};
}

Result<Own> get_issue_alerts(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  return services.issue_alerts->of(project.id);
}

Result<Own> take_issue_alerts(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::write));
  TT_ASSIGN(auto rules, alerting::parse_issue_alerts(request.body, services.clock.now()));
  TT_TRY(check_names(services, project.id, services.issue_alerts->of(project.id).rules, rules));
  TT_TRY(services.issue_alerts->change(services.records, project.id, std::move(rules)));
  services.log.info("issue alerts changed", {{"project", project.id.value}});
  return services.issue_alerts->of(project.id);
}

Result<> reset_issue_alerts(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::write));
  return services.issue_alerts->reset(services.records, project.id);
}

}  // namespace

void add_issue_alert_routes(net::Router& router, const Services& services) {
  if (services.issue_alerts == nullptr) return;
  const std::string path = "/api/telltale/v1/projects/{id}/issue-alerts";
  router.add("GET", path, [&services](const net::HttpRequest& r, WorkContext&) {
    return issue_alerts_answer(get_issue_alerts(services, r));
  });
  router.add("PUT", path, [&services](const net::HttpRequest& r, WorkContext&) {
    return issue_alerts_answer(take_issue_alerts(services, r));
  });
  router.add("DELETE", path, [&services](const net::HttpRequest& r, WorkContext&) {
    const auto done = reset_issue_alerts(services, r);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
}

}  // namespace telltale::api
