// Our own API: every subject adds its routes.
#include "api/own/account_routes.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/openapi.hpp"
#include "api/own/rule_routes.hpp"

namespace telltale::api {

void add_own_routes(net::Router& router, const Services& services) {
  add_search_routes(router, services);
  add_log_routes(router, services);
  add_trace_routes(router, services);
  add_issue_routes(router, services);
  add_issue_life_routes(router, services);
  add_ownership_routes(router, services);
  add_grouping_routes(router, services);
  add_overview_routes(router, services);
  add_find_routes(router, services);
  add_suggest_routes(router, services);
  add_server_routes(router, services);
  add_account_routes(router, services);
  add_session_routes(router, services);
  add_project_routes(router, services);
  add_saved_routes(router, services);
  add_log_metric_routes(router, services);
  add_alert_rule_routes(router, services);
  add_issue_alert_routes(router, services);
  add_upkeep_routes(router, services);
  add_release_routes(router, services);
  add_monitor_routes(router, services);
  add_feedback_routes(router, services);
  add_attachment_routes(router, services);
  add_openapi_route(router);
}

}  // namespace telltale::api
