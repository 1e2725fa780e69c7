// GET /api/telltale/v1/openapi.json: the description of this API, written by hand in openapi.json. A test
// holds the routes against it.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// Needs no credential: the document says nothing of this server but its version.
void add_openapi_route(net::Router& router);

}  // namespace telltale::api
