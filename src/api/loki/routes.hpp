// Loki's read side, one function a subject. All take GET and, as a form, POST.
#pragma once

#include <functional>
#include <string>

#include "api/services.hpp"

namespace telltale::api::loki {

void add_query_routes(net::Router& router, const Services& services);
void add_label_routes(net::Router& router, const Services& services);
void add_field_routes(net::Router& router, const Services& services);
void add_status_routes(net::Router& router, const Services& services);
/// These take POST, PUT, GET and DELETE; for admins.
void add_delete_routes(net::Router& router, const Services& services);

/// Answers JSON.
using JsonHandler =
    std::function<Result<std::string>(const Services&, const net::HttpRequest&, WorkContext&)>;
void add_json_route(net::Router& router, const Services& services, std::string path, std::string name,
                    JsonHandler handler);

}  // namespace telltale::api::loki
