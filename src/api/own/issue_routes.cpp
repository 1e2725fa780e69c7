// Issues: the list, one, and what people do to them.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "errors/issue_store.hpp"

namespace telltale::api {
namespace {

Result<storage::Issue> issue_of(const Services& services, const net::HttpRequest& request,
                                accounts::Scope scope) {
  TT_ASSIGN(const auto projects, query_projects(services, request, scope));
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  auto issue = problem == std::errc() && end == text.data() + text.size()
                   ? services.records.issues().get(storage::IssueId{id})
                   : services.records.issues().find_by_short_id(text);
  if (!issue) return issue;
  if (std::find(projects.begin(), projects.end(), issue->project) == projects.end()) {
    return fail(ErrorKind::not_found, "issue " + text + ": not found");
  }
  return issue;
}

Result<std::vector<storage::Issue>> list_issues(const Services& services, const net::HttpRequest& request) {
  storage::IssueQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.seen, range_params(request));
  query.text = std::string(request.param("query").value_or(""));
  query.release = std::string(request.param("release").value_or(""));
  if (const auto status = request.param("status"); status && !status->empty()) {
    const auto known = storage::issue_status_from(*status);
    if (!known) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
    query.statuses.push_back(*known);
  }
  return services.records.issues().search(query);
}

Result<storage::Issue> change_issue(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::write));
  simdjson::dom::parser parser;
  simdjson::dom::object body;
  if (parser.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  errors::IssueUpdate update;
  for (const auto field : body) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: not a string", field.key));
    }
    if (field.key == "status") {
      update.status = storage::issue_status_from(text);
      if (!update.status) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
    } else if (field.key == "assignee") {
      update.assignee = std::string(text);
    } else if (field.key == "resolved_in") {
      update.resolved_in = std::string(text);
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
    }
  }
  return errors::update_issue(services.records, services.clock, issue.id, update);
}

}  // namespace

void add_issue_routes(net::Router& router, const Services& services) {
  const auto write_one = [](JsonWriter& w, const storage::Issue& issue) {
    w.key("issue");
    write_issue(w, issue);
  };
  router.add("GET", "/api/telltale/v1/issues", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<storage::Issue>>(list_issues(services, r),
                                               [](JsonWriter& w, const auto& issues) {
                                                 w.key("issues").begin_array();
                                                 for (const auto& issue : issues) write_issue(w, issue);
                                                 w.end_array();
                                               });
  });
  router.add("GET", "/api/telltale/v1/issues/{id}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<storage::Issue>(issue_of(services, r, accounts::Scope::read), write_one);
             });
  router.add("PUT", "/api/telltale/v1/issues/{id}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<storage::Issue>(change_issue(services, r), write_one);
             });
}

}  // namespace telltale::api
