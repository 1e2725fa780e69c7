// Pushgateway's /metrics/job/… and /api/v1/import/prometheus.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

void add_push_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
