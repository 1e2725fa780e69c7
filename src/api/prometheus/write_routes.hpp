// POST /api/v1/write.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

void add_remote_write_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
