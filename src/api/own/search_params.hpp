// `query=` in the search language (docs/search.md). What is wrong with it is answered as `query: column N:
// …`.
#pragma once

#include "api/services.hpp"
#include "errors/issue_search.hpp"
#include "search/condition.hpp"

namespace telltale::api {

/// Empty when there is none.
Result<search::Conditions> conditions_param(const Services& services, const net::HttpRequest& request,
                                            search::Subject subject);

/// The issues that `query`, the other parameters of the list and the caller's projects select, as what the
/// records are to be asked.
Result<errors::IssueSearchPlan> issue_search(const Services& services, const net::HttpRequest& request,
                                             accounts::Scope scope, WorkContext& context);

}  // namespace telltale::api
