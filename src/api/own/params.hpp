// Parameters that searches and live tails share.
#pragma once

#include "api/services.hpp"

namespace telltale::api {

/// `query` is text anywhere in the row; every other parameter that is not one of a search's own is a field
/// that must equal its value.
storage::EventFilter filter_params(const net::HttpRequest& request);

/// Projects of the credential, narrowed by `project=`.
Result<storage::Projects> query_projects(const Services& services, const net::HttpRequest& request,
                                         accounts::Scope scope = accounts::Scope::read);

}  // namespace telltale::api
