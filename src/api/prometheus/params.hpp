// Parameters that several of Prometheus' routes take.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// A time parameter; invalid_argument names it.
Result<UnixMillis> time_or(const net::HttpRequest& request, std::string_view name, UnixMillis fallback);
/// `limit`; 0: none.
Result<std::size_t> limit_of(const net::HttpRequest& request);
/// One LabelQuery a match[] selector, of projects the caller may read; one without matchers when there is
/// none.
Result<std::vector<storage::LabelQuery>> label_queries(const Services& services,
                                                       const net::HttpRequest& request);
/// The same of given projects.
Result<std::vector<storage::LabelQuery>> label_queries_of(storage::Projects projects,
                                                          const Services& services,
                                                          const net::HttpRequest& request);

}  // namespace telltale::api
