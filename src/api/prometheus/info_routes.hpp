// What is known of numbers beside the numbers: /api/v1/query_exemplars and /api/v1/metadata.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

void add_metric_info_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
