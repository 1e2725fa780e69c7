// First setup, the tokens of the API, people and their sessions.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// POST /api/telltale/v1/setup · GET, POST /api/telltale/v1/tokens · DELETE /api/telltale/v1/tokens/{id}
void add_account_routes(net::Router& router, const Services& services);
/// auth/… · users
void add_session_routes(net::Router& router, const Services& services);
/// projects and their keys
void add_project_routes(net::Router& router, const Services& services);
/// persons
void add_person_routes(net::Router& router, const Services& services);
/// deletions
void add_deletion_routes(net::Router& router, const Services& services);
/// projects/{id}/intake, /limits, /usage, /outcomes · projects/{id}/keys/{key}/limits
void add_intake_routes(net::Router& router, const Services& services);
/// projects/{id}/redaction
void add_redaction_routes(net::Router& router, const Services& services);
/// The project of the path's {id}, once the caller has the scope in it; another's is not found.
Result<storage::Project> project_of(const Services& services, const net::HttpRequest& request,
                                    accounts::Scope scope);
/// saved-searches
void add_saved_routes(net::Router& router, const Services& services);
/// What a user who is gone kept for themselves; what they shared stays.
Result<> remove_saved_searches_of(const Services& services, std::int64_t user);
/// storage · ui-measurements
void add_upkeep_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
