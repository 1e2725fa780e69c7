// Sentry's web API as its command line calls it, under /api/0/. There is one organization here: whatever name
// a path has for it is taken, and the credential decides which projects it means. Errors are
// `{"detail": "…"}`. For this folder's .cpp files only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api::web_api {

inline constexpr std::string_view kOrganization = "telltale";
inline constexpr std::size_t kPage = 100;  // entries of a list
inline constexpr std::size_t kMaxTextBytes = 1024;

net::HttpResponse detail(const Error& error);

/// The caller's projects, of which the path's {project} (a slug or a number) leaves one.
Result<std::vector<storage::Project>> projects_of(const Services& services, const net::HttpRequest& request,
                                                  accounts::Scope scope);
/// One of `projects` by slug or number; not_found names it.
Result<storage::Project> find_project(const std::vector<storage::Project>& projects, std::string_view name);

/// `cursor=0:OFFSET:0`; 0 without one.
Result<std::size_t> offset_param(const net::HttpRequest& request);
/// The Link header of a list that begins at `offset` and goes on when `more`.
void add_link(net::HttpResponse& response, const net::HttpRequest& request, std::size_t offset, bool more);

void write_project(JsonWriter& w, const storage::Project& project);
void write_when(JsonWriter& w, std::string_view name, const std::optional<UnixNanos>& time);

void add_release_routes(net::Router& router, const Services& services);
void add_issue_routes(net::Router& router, const Services& services);

}  // namespace telltale::api::web_api
