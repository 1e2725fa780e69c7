// First setup, and the tokens of the API.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// POST /api/telltale/v1/setup · GET, POST /api/telltale/v1/tokens · DELETE /api/telltale/v1/tokens/{id}
void add_account_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
