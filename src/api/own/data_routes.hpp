// What people look at: rows and views over them, traces, issues, the overview. One file a subject.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// {logs|spans|errors}, their /histogram and /facets · fields · related
void add_log_routes(net::Router& router, const Services& services);
void add_search_routes(net::Router& router, const Services& services);
/// traces · traces/{trace_id}
void add_trace_routes(net::Router& router, const Services& services);
/// issues · issues/{id} and its /events, /tags, /stats
void add_issue_routes(net::Router& router, const Services& services);
/// issues/merge · issues/marks · issues/{id}/unmerge, /parts, /activity and /comments
void add_issue_life_routes(net::Router& router, const Services& services);
/// projects/{id}/ownership
void add_ownership_routes(net::Router& router, const Services& services);
/// The issue of the path's {id}, a number or a short id; one that the caller may not see is not found.
Result<storage::Issue> issue_of(const Services& services, const net::HttpRequest& request,
                                accounts::Scope scope);
/// projects/{id}/grouping and its /preview · issues/{id}/grouping
void add_grouping_routes(net::Router& router, const Services& services);
/// suggest
void add_suggest_routes(net::Router& router, const Services& services);
/// overview
void add_overview_routes(net::Router& router, const Services& services);
/// around · search
void add_find_routes(net::Router& router, const Services& services);
/// /-/healthy · /-/ready · /-/reload · /metrics · backup
void add_server_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
