#include "api/own/search_params.hpp"

#include "api/own/params.hpp"
#include "api/sign_in.hpp"
#include "base/limits.hpp"

namespace telltale::api {
namespace {

constexpr std::uint64_t kIssuePatienceMs =
    5'000;  // of reading events' JSON, unless patience_ms says otherwise

/// Whom `assigned:me` means, since people assign by e-mail address, and whose bookmarks `bookmarked:me`.
void say_who_asks(const Services& services, const net::HttpRequest& request, search::QueryContext& context) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return;
  context.user = principal->user;
  context.me = principal->name;
  if (principal->user == 0) return;
  const auto user = services.records.users().get(principal->user);
  context.me = user ? user->email : std::string();
}

Result<storage::IssueQuery> issue_query(const Services& services, const net::HttpRequest& request,
                                        accounts::Scope scope) {
  storage::IssueQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request, scope));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.offset, number_param(request, "offset", 0, 0, 1'000'000'000));
  TT_ASSIGN(query.seen, range_params(request));
  query.release = std::string(request.param("release").value_or(""));
  query.assignee = std::string(request.param("assignee").value_or(""));
  if (const auto status = request.param("status"); status && !status->empty()) {
    const auto known = storage::issue_status_from(*status);
    if (!known) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
    query.statuses.push_back(*known);
  }
  if (const auto level = request.param("level"); level && !level->empty()) {
    query.levels.push_back(level_from(*level));
    if (query.levels.back() == Level::unknown)
      return fail(ErrorKind::invalid_argument, "level: trace, debug, info, warning, error or fatal");
  }
  if (const auto name = request.param("substatus"); name && !name->empty()) {
    const auto known = storage::issue_substatus_from(*name);
    if (!known) return fail(ErrorKind::invalid_argument, "substatus: new, ongoing, regressed, escalating, …");
    query.substatuses.push_back(*known);
  }
  if (const auto name = request.param("priority"); name && !name->empty()) {
    const auto known = storage::issue_priority_from(*name);
    if (!known) return fail(ErrorKind::invalid_argument, "priority: low, medium or high");
    query.priorities.push_back(*known);
  }
  if (request.param("bookmarked").value_or("") == "true") {
    TT_ASSIGN(const auto who, authorise_session(services, request));
    query.bookmarked_by = who.user;
  }
  const auto sort = request.param("sort").value_or("");
  const auto known = storage::issue_sort_from(sort.empty() ? "last_seen" : sort);
  if (!known) return fail(ErrorKind::invalid_argument, "sort: last_seen, first_seen, events, users or trend");
  query.sort = *known;
  query.trend_at = services.clock.now();
  return query;
}

}  // namespace

Result<search::Conditions> conditions_param(const Services& services, const net::HttpRequest& request,
                                            search::Subject subject) {
  const auto text = request.param("query").value_or("");
  search::QueryContext context{subject, services.clock.now(), {}};
  if (subject == search::Subject::issues) say_who_asks(services, request, context);
  auto conditions = search::understand(text, context);
  if (!conditions) return tl::unexpected<Error>(std::move(conditions).error().within("query"));
  return conditions;
}

Result<errors::IssueSearchPlan> issue_search(const Services& services, const net::HttpRequest& request,
                                             accounts::Scope scope, WorkContext& context) {
  errors::IssueSearchQuery query;
  TT_ASSIGN(query.records, issue_query(services, request, scope));
  TT_ASSIGN(query.where, conditions_param(services, request, search::Subject::issues));
  TT_ASSIGN(const auto patience,
            number_param(request, "patience_ms", kIssuePatienceMs, 1, limits::kMaxPatienceMs));
  query.patience = std::chrono::milliseconds(patience);
  auto plan = errors::plan_issue_search(services.events, services.records, std::move(query), context);
  if (!plan && plan.error().kind() == ErrorKind::invalid_argument)
    return tl::unexpected<Error>(std::move(plan).error().within("query"));
  return plan;
}

}  // namespace telltale::api
