// Issues, as Sentry's command line lists and changes them.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/issue_body.hpp"
#include "api/own/json_body.ipp"
#include "api/own/search_params.hpp"
#include "api/sentry/web_api.hpp"
#include "base/limits.hpp"
#include "errors/commit_resolution.hpp"
#include "errors/issue_changes.hpp"

namespace telltale::api::web_api {
namespace {

using accounts::Scope;
using storage::ArchiveUntil;
using storage::Issue;

constexpr std::int64_t kMinutesAnHour = 60;

/// Sentry's words for an order; empty where there is no such order here.
std::string_view sort_of(std::string_view word) {
  if (word.empty() || word == "date") return "last_seen";
  if (word == "new") return "first_seen";
  if (word == "freq") return "events";
  if (word == "user") return "users";
  return word == "trends" ? "trend" : "";
}

/// What the own API's list would be asked for one project (or, with 0, for all of the caller's).
Result<net::HttpRequest> own_request(const net::HttpRequest& request, ProjectId project, std::size_t offset,
                                     std::size_t limit) {
  net::HttpRequest own = request;
  own.body.clear();
  own.form_cache.reset();
  own.query = {{"query", std::string(request.param("query").value_or(""))},
               {"offset", fmt::format("{}", offset)},
               {"limit", fmt::format("{}", limit)}};
  if (project.value != 0) own.query.emplace_back("project", fmt::format("{}", project.value));
  const std::string_view sort = sort_of(request.param("sort").value_or(""));
  if (sort.empty()) return fail(ErrorKind::invalid_argument, "sort: date, new, freq, user or trends");
  own.query.emplace_back("sort", std::string(sort));
  std::string_view status = request.param("status").value_or("");
  if (status == "muted") status = "ignored";
  own.query.emplace_back("status", std::string(status));
  return own;
}

/// The project of the path, or that `project` names by id or slug; 0: all of the caller's.
Result<ProjectId> asked_project(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto projects, projects_of(services, request, scope));
  if (request.path_params.contains("project")) return projects.front().id;
  const auto named = request.params("project");
  if (named.empty() || (named.size() == 1 && named.front() == "-1")) return ProjectId{0};
  if (named.size() > 1) return fail(ErrorKind::invalid_argument, "project: one at a time, or none for all");
  TT_ASSIGN(const auto project, find_project(projects, named.front()));
  return project.id;
}

void write_issue_object(JsonWriter& w, const Services& services, const Issue& issue) {
  w.begin_object().field("id", fmt::format("{}", issue.id.value)).field("shortId", issue.short_id);
  w.field("title", issue.title).field("culprit", issue.culprit).field("level", to_string(issue.level));
  w.field("status", to_string(issue.status)).field("substatus", to_string(issue.substatus));
  w.key("statusDetails").begin_object();
  if (!issue.resolved_in.empty() && !issue.resolved_next) w.field("inRelease", issue.resolved_in);
  if (issue.resolved_next) w.field("inNextRelease", true);
  w.end_object().field("platform", issue.platform).field("type", issue.type.empty() ? "default" : "error");
  w.key("metadata").begin_object().field("type", issue.type).field("title", issue.title).end_object();
  w.key("assignedTo");
  issue.assignee.empty() ? w.null() : w.begin_object().field("name", issue.assignee).end_object();
  w.field("count", fmt::format("{}", issue.event_count)).field("userCount", issue.user_count);
  write_when(w, "firstSeen", issue.first_seen);
  write_when(w, "lastSeen", issue.last_seen);
  w.field("isPublic", false).field("logger", "").field("priority", to_string(issue.priority));
  w.field("permalink", fmt::format("{}/issues/{}", services.external_url, issue.id.value));
  w.key("annotations").begin_array().end_array().key("project");
  const auto project = services.records.projects().get(issue.project);
  project ? write_project(w, *project) : (void)w.null();
  w.end_object();
}

net::HttpResponse list_issues(const Services& services, const net::HttpRequest& request,
                              WorkContext& context) {
  std::size_t offset = 0;
  const auto issues = [&]() -> Result<std::vector<Issue>> {
    TT_ASSIGN(const auto project, asked_project(services, request, Scope::read));
    TT_ASSIGN(offset, offset_param(request));
    TT_ASSIGN(const auto own, own_request(request, project, offset, kPage + 1));
    TT_ASSIGN(const auto plan, issue_search(services, own, Scope::read, context));
    return services.records.issues().search(plan.records);
  }();
  if (!issues) return detail(issues.error());
  JsonWriter w;
  w.begin_array();
  for (std::size_t i = 0; i < std::min(issues->size(), kPage); ++i)
    write_issue_object(w, services, (*issues)[i]);
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, offset, issues->size() > kPage);
  return response;
}

Result<std::optional<std::uint64_t>> count_of(JsonMembers& members, std::string_view name,
                                              std::uint64_t most) {
  const auto text = members.raw(name);
  if (!text || *text == "false") return std::optional<std::uint64_t>();
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (problem != std::errc() || end != text->data() + text->size() || number == 0 || number > most)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a number from 1 to {}", name, most));
  return std::optional(number);
}

/// Until when an ignored issue stays away; times are minutes.
Result<> read_archive(JsonMembers& details, UnixNanos now, errors::IssueUpdate& update) {
  constexpr std::uint64_t kMaxMinutes = std::uint64_t{10} * 366 * 24 * 60;
  for (const char* name : {"ignoreDuration", "snoozeDuration"}) {
    TT_ASSIGN(const auto minutes, count_of(details, name, kMaxMinutes));
    if (!minutes) continue;
    update.archive = storage::IssueArchive{};
    update.archive->until = ArchiveUntil::time;
    update.archive->time = now + std::chrono::minutes(*minutes);
  }
  for (const auto& [count, window, until] : {std::tuple{"ignoreCount", "ignoreWindow", ArchiveUntil::events},
                                             {"ignoreUserCount", "ignoreUserWindow", ArchiveUntil::users}}) {
    TT_ASSIGN(const auto number, count_of(details, count, limits::kMaxArchiveCount));
    TT_ASSIGN(const auto minutes,
              count_of(details, window, std::uint64_t{limits::kMaxArchiveHours} * kMinutesAnHour));
    if (!number) continue;
    update.archive = storage::IssueArchive{};
    update.archive->until = until;
    update.archive->count = *number;
    if (minutes)
      update.archive->window_hours =
          static_cast<std::uint32_t>((*minutes + kMinutesAnHour - 1) / kMinutesAnHour);
  }
  return {};
}

Result<> read_status(JsonMembers& members, UnixNanos now, IssueChangeBody& change) {
  errors::IssueUpdate& update = change.update;
  TT_ASSIGN(const auto status, members.text("status", kMaxTextBytes));
  TT_ASSIGN(auto details, JsonBody::parse(members.raw("statusDetails").value_or("{}")));
  if (!status) return {};
  if (*status == "resolved" || *status == "resolvedInNextRelease") {
    update.status = storage::IssueStatus::resolved;
    TT_ASSIGN(const auto next, details.members().boolean("inNextRelease"));
    TT_ASSIGN(const auto in_release, details.members().text("inRelease", kMaxTextBytes));
    update.resolved_in_next = next.value_or(false) || *status == "resolvedInNextRelease";
    if (details.members().has("inCommit")) {
      TT_ASSIGN(auto commit, JsonBody::parse(details.members().raw("inCommit").value_or("{}")));
      TT_ASSIGN(const auto sha, commit.members().text("commit", kMaxTextBytes));
      if (!sha || sha->empty()) return fail(ErrorKind::invalid_argument, "inCommit: commit: missing");
      change.commit = *sha;
    }
    if (in_release && *in_release != "latest") update.resolved_in = *in_release;
  } else if (*status == "unresolved") {
    update.status = storage::IssueStatus::unresolved;
  } else if (*status == "ignored" || *status == "muted") {
    update.status = storage::IssueStatus::ignored;
    TT_TRY(read_archive(details.members(), now, update));
    TT_TRY(read_archive(members, now, update));
  } else {
    return fail(ErrorKind::invalid_argument,
                "status: resolved, resolvedInNextRelease, unresolved, ignored or muted");
  }
  return {};
}

Result<IssueChangeBody> read_update(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto body, JsonBody::parse(request.body));
  IssueChangeBody change;
  errors::IssueUpdate& update = change.update;
  TT_TRY(read_status(body.members(), services.clock.now(), change));
  if (body.members().has("assignedTo")) {
    TT_ASSIGN(const auto who, body.members().text("assignedTo", kMaxTextBytes));
    update.assignee = who.value_or("");
  }
  TT_ASSIGN(const auto priority, body.members().text("priority", kMaxTextBytes));
  if (priority) {
    update.priority = storage::issue_priority_from(*priority);
    if (!update.priority) return fail(ErrorKind::invalid_argument, "priority: low, medium or high");
  }
  return change;
}

/// In a commit, or as the update says.
Result<> apply_change(const Services& services, const errors::IssueActor& actor,
                      const std::vector<storage::IssueId>& ids, const IssueChangeBody& change) {
  return services.records.transaction([&]() -> Result<> {
    errors::IssueUpdate update = change.update;
    if (!change.commit.empty()) update.status.reset();
    if (change.commit.empty() || update.assignee || update.priority)
      TT_TRY(errors::update_issues(services.records, services.clock, actor, ids, update));
    if (change.commit.empty()) return {};
    for (const auto id : ids)
      TT_TRY(errors::resolve_in_commit(services.records, services.clock, actor, id, change.commit));
    return {};
  });
}

Result<Issue> path_issue(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto projects, projects_of(services, request, scope));
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  auto issue = problem == std::errc() && end == text.data() + text.size()
                   ? services.records.issues().get(storage::IssueId{id})
                   : services.records.issues().find_by_short_id(text);
  if (!issue) return issue;
  const bool own = std::any_of(projects.begin(), projects.end(),
                               [&](const auto& project) { return project.id == issue->project; });
  if (!own) return fail(ErrorKind::not_found, "issue " + text + ": not found");
  return issue;
}

/// Those that the address names by `id`, else all that `status` and `query` select.
Result<std::vector<storage::IssueId>> selected(const Services& services, const net::HttpRequest& request,
                                               WorkContext& context) {
  TT_ASSIGN(const auto project, asked_project(services, request, Scope::write));
  std::vector<storage::IssueId> ids;
  for (const auto text : request.params("id")) {
    net::HttpRequest named = request;
    named.path_params["id"] = std::string(text);
    TT_ASSIGN(const auto issue, path_issue(services, named, Scope::write));
    if (std::find(ids.begin(), ids.end(), issue.id) == ids.end()) ids.push_back(issue.id);
    if (ids.size() > limits::kMaxBulkIssues)
      return fail(ErrorKind::invalid_argument, fmt::format("id: more than {}", limits::kMaxBulkIssues));
  }
  if (!ids.empty()) return ids;
  // What would narrow the selection and is not understood must not be passed over.
  for (const std::string_view name : {"environment", "start", "end", "statsPeriod"})
    if (request.param(name))
      return fail(ErrorKind::invalid_argument, fmt::format("{}: say it in query, or name ids", name));
  TT_ASSIGN(const auto own, own_request(request, project, 0, limits::kMaxBulkIssues));
  TT_ASSIGN(auto plan, issue_search(services, own, Scope::write, context));
  if (!plan.complete)
    return fail(ErrorKind::execution, "query: not every event was looked at in time; narrow it");
  plan.records.limit = limits::kMaxBulkIssues + 1;
  TT_ASSIGN(const auto issues, services.records.issues().search(plan.records));
  if (issues.size() > limits::kMaxBulkIssues)
    return fail(ErrorKind::invalid_argument,
                fmt::format("more than {} issues match: name them, or a query", limits::kMaxBulkIssues));
  for (const auto& issue : issues) ids.push_back(issue.id);
  return ids;
}

net::HttpResponse change_many(const Services& services, const net::HttpRequest& request,
                              WorkContext& context) {
  const auto done = [&]() -> Result<errors::IssueUpdate> {
    TT_ASSIGN(const auto actor, actor_of(services, request, Scope::write));
    TT_ASSIGN(const auto change, read_update(services, request));
    TT_ASSIGN(const auto ids, selected(services, request, context));
    if (!ids.empty()) TT_TRY(apply_change(services, actor, ids, change));
    return change.update;
  }();
  if (!done) return detail(done.error());
  JsonWriter w;
  w.begin_object();
  if (done->status) w.field("status", to_string(*done->status));
  w.key("statusDetails").begin_object().end_object().end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse one_issue(const Services& services, const Result<Issue>& issue) {
  if (!issue) return detail(issue.error());
  JsonWriter w;
  write_issue_object(w, services, *issue);
  return net::HttpResponse::json(w.take());
}

Result<Issue> change_one(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, path_issue(services, request, Scope::write));
  TT_ASSIGN(const auto change, read_update(services, request));
  TT_ASSIGN(const auto actor, actor_of(services, request, Scope::write));
  TT_TRY(apply_change(services, actor, {issue.id}, change));
  return services.records.issues().get(issue.id);
}

}  // namespace

void add_issue_routes(net::Router& router, const Services& services) {
  const auto options = query_route(services, "sentry_web_issues");
  for (const char* path : {"/api/0/projects/{org}/{project}/issues", "/api/0/organizations/{org}/issues"}) {
    router.add(
        "GET", path,
        [&services](const net::HttpRequest& r, WorkContext& c) { return list_issues(services, r, c); },
        options);
    router.add(
        "PUT", path,
        [&services](const net::HttpRequest& r, WorkContext& c) { return change_many(services, r, c); },
        options);
  }
  for (const char* path : {"/api/0/issues/{id}", "/api/0/organizations/{org}/issues/{id}"}) {
    router.add("GET", path, [&services](const net::HttpRequest& r, WorkContext&) {
      return one_issue(services, path_issue(services, r, Scope::read));
    });
    router.add("PUT", path, [&services](const net::HttpRequest& r, WorkContext&) {
      return one_issue(services, change_one(services, r));
    });
  }
}

}  // namespace telltale::api::web_api
