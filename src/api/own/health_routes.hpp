// How applications do, beside their errors.
#pragma once

#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api {

/// An object.
void write_commit(JsonWriter& w, const storage::Commit& commit);

/// releases · releases/{version} and its /health, /commits, /deploys, /comparison
void add_release_routes(net::Router& router, const Services& services);
/// monitors · monitors/{id} and its /check-ins
void add_monitor_routes(net::Router& router, const Services& services);
/// feedback · feedback/{id} · issues/{id}/feedback · projects/{id}/outcomes
void add_feedback_routes(net::Router& router, const Services& services);

/// attachments · attachments/{id} and its /content
void add_attachment_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
