// What requests say about issues: which, by whom, and what is to be changed. Errors name the member.
#pragma once

#include <string_view>
#include <vector>

#include "api/services.hpp"
#include "errors/issue_changes.hpp"

namespace telltale::api {

/// Issues that one change may be about when a query says which; by their ids limits::kMaxBulkIssues.
inline constexpr std::size_t kMaxQueriedIssues = 10'000;

struct IssueChangeBody {
  errors::IssueUpdate update;
  std::string commit;  // `resolved_in_commit`, which stands alone
  std::vector<storage::IssueId> ids;
};
/// `many`: with `ids`, which must not be empty unless a `query` in the address says which issues.
Result<IssueChangeBody> issue_change_body(const net::HttpRequest& request, bool many);

/// The member `ids` of a JSON object, which must not be empty; at most limits::kMaxBulkIssues.
Result<std::vector<storage::IssueId>> body_issue_ids(std::string_view json);

/// Who asks, as activity names them: a person by name or address, a token by its name.
Result<errors::IssueActor> actor_of(const Services& services, const net::HttpRequest& request,
                                    accounts::Scope scope);

/// not_found names the first that does not exist or is of a project the caller may not touch.
Result<> require_issues(const Services& services, const net::HttpRequest& request, accounts::Scope scope,
                        const std::vector<storage::IssueId>& ids);

}  // namespace telltale::api
