// What is made of log lines and numbers: metrics out of logs, alerting rules; and of issues: whom they alert.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// log-metrics
void add_log_metric_routes(net::Router& router, const Services& services);
/// alert-rules · receivers
void add_alert_rule_routes(net::Router& router, const Services& services);
/// projects/{id}/issue-alerts
void add_issue_alert_routes(net::Router& router, const Services& services);

/// The caller with `scope` in the project that the body names by `project`, else in the credential's own.
/// `rest` receives the body without that member. invalid_argument.
struct ProjectBody {
  accounts::Principal who;
  ProjectId project;
  std::string rest;
};
Result<ProjectBody> project_body(const Services& services, const net::HttpRequest& request,
                                 accounts::Scope scope);
/// The {id} of the path; not_found, naming `what`, when it is no number.
Result<std::int64_t> path_id(const net::HttpRequest& request, std::string_view what);
/// The caller's scope in `project`; not_found, naming `what`, when they may not even read it.
Result<> require_in(const accounts::Principal& who, ProjectId project, accounts::Scope scope,
                    std::string_view what, std::int64_t id);

}  // namespace telltale::api
