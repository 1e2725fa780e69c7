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
/// overview
void add_overview_routes(net::Router& router, const Services& services);
/// around · search
void add_find_routes(net::Router& router, const Services& services);
/// /-/healthy · /-/ready · /-/reload · /metrics · backup
void add_server_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
