// Parameters that searches, views and live tails share. Errors name the parameter.
#pragma once

#include <initializer_list>

#include "api/services.hpp"

namespace telltale::api {

/// `query` is text anywhere in the row unless it is the search's `own`; every `where` is a condition
/// (search/where.hpp); every other parameter that is not one of a search's own, or of `own`, is a field that
/// must equal its value. `logql` is RowSearch's (api/own/row_search.hpp); where that is not asked,
/// require_no_logql() says so.
Result<storage::EventFilter> filter_params(const net::HttpRequest& request,
                                           std::initializer_list<std::string_view> own = {});

/// invalid_argument when there is a `logql`.
Result<> require_no_logql(const net::HttpRequest& request);

/// Projects of the credential, narrowed by `project=`.
Result<storage::Projects> query_projects(const Services& services, const net::HttpRequest& request,
                                         accounts::Scope scope = accounts::Scope::read);

/// A whole number from `least` to `most`.
Result<std::uint64_t> number_param(const net::HttpRequest& request, std::string_view name,
                                   std::uint64_t fallback, std::uint64_t least, std::uint64_t most);

/// `limit`: 1 to 10,000, 100 unless given.
Result<std::size_t> limit_param(const net::HttpRequest& request);

/// `order`: newest (unless given) or oldest.
Result<storage::Order> order_param(const net::HttpRequest& request);

/// `start` and `end`; everything where they are not given.
Result<TimeRange> range_params(const net::HttpRequest& request);
/// The same, bounded: `end` is now and `start` an hour before `end` unless given; within 1970 and 2200.
Result<TimeRange> window_params(const Services& services, const net::HttpRequest& request);

}  // namespace telltale::api
