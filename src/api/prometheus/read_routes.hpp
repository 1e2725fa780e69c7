// POST /api/v1/read and /federate.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

void add_read_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
