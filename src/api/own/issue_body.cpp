#include "api/own/issue_body.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/params.hpp"
#include "base/limits.hpp"

namespace telltale::api {
namespace {

using storage::ArchiveUntil;

Result<std::string_view> text_member(std::string_view name, simdjson::dom::element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: not a string", name));
  return text;
}

Result<std::uint64_t> count_member(std::string_view name, simdjson::dom::element value, std::uint64_t most) {
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number == 0 || number > most)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a number from 1 to {}", name, most));
  return number;
}

Result<> read_archive_member(std::string_view key, simdjson::dom::element value, storage::IssueArchive& out) {
  if (key == "until") {
    TT_ASSIGN(const auto text, text_member("archive.until", value));
    constexpr std::string_view kNames[] = {"forever", "escalating", "time", "events", "users"};
    const auto known = std::find(std::begin(kNames), std::end(kNames), text);
    if (known == std::end(kNames))
      return fail(ErrorKind::invalid_argument, "archive.until: forever, escalating, time, events or users");
    out.until = static_cast<ArchiveUntil>(known - std::begin(kNames));
  } else if (key == "time") {
    TT_ASSIGN(const auto text, text_member("archive.time", value));
    TT_ASSIGN(out.time, parse_time_param("archive.time", text));
  } else if (key == "count") {
    TT_ASSIGN(out.count, count_member("archive.count", value, limits::kMaxArchiveCount));
  } else if (key == "window_hours") {
    TT_ASSIGN(const auto hours, count_member("archive.window_hours", value, limits::kMaxArchiveHours));
    out.window_hours = static_cast<std::uint32_t>(hours);
  } else {
    return fail(ErrorKind::invalid_argument, fmt::format("archive.{}: unknown field", key));
  }
  return {};
}

Result<storage::IssueArchive> read_archive(simdjson::dom::element value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "archive: not an object");
  storage::IssueArchive out;
  for (const auto field : object) TT_TRY(read_archive_member(field.key, field.value, out));
  const bool counts = out.until == ArchiveUntil::events || out.until == ArchiveUntil::users;
  if (counts != (out.count != 0))
    return fail(ErrorKind::invalid_argument, "archive.count: goes with until events or users");
  if (out.window_hours != 0 && !counts)
    return fail(ErrorKind::invalid_argument, "archive.window_hours: goes with until events or users");
  if ((out.until == ArchiveUntil::time) != (out.time != UnixNanos()))
    return fail(ErrorKind::invalid_argument, "archive.time: goes with until time");
  return out;
}

Result<> read_issue_member(std::string_view name, simdjson::dom::element value, errors::IssueUpdate& update) {
  if (name == "archive") {
    TT_ASSIGN(update.archive, read_archive(value));
    return {};
  }
  if (name == "resolved_in_next") {
    if (value.get(update.resolved_in_next) != simdjson::SUCCESS)
      return fail(ErrorKind::invalid_argument, "resolved_in_next: not true or false");
    return {};
  }
  const bool known = name == "status" || name == "assignee" || name == "resolved_in" || name == "priority";
  if (!known) return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", name));
  TT_ASSIGN(const auto text, text_member(name, value));
  if (name == "status") {
    update.status = storage::issue_status_from(text);
    if (!update.status) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
  } else if (name == "assignee") {
    update.assignee = std::string(text);
  } else if (name == "priority") {
    update.priority = storage::issue_priority_from(text);
    if (!update.priority) return fail(ErrorKind::invalid_argument, "priority: low, medium or high");
  } else {
    update.resolved_in = std::string(text);
  }
  return {};
}

Result<std::vector<storage::IssueId>> read_issue_ids(simdjson::dom::element value) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return fail(ErrorKind::invalid_argument, "ids: not an array");
  std::vector<storage::IssueId> ids;
  for (const auto item : array) {
    std::int64_t id = 0;
    if (item.get(id) != simdjson::SUCCESS) return fail(ErrorKind::invalid_argument, "ids: not a number");
    ids.push_back(storage::IssueId{id});
    if (ids.size() > limits::kMaxBulkIssues) {
      return fail(ErrorKind::invalid_argument, fmt::format("ids: more than {}", limits::kMaxBulkIssues));
    }
  }
  return ids;
}

}  // namespace

Result<std::vector<storage::IssueId>> body_issue_ids(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element found;
  if (parser.parse(json.data(), json.size()).at_key("ids").get(found) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "ids: missing or empty");
  TT_ASSIGN(auto ids, read_issue_ids(found));
  if (ids.empty()) return fail(ErrorKind::invalid_argument, "ids: missing or empty");
  return ids;
}

Result<IssueChangeBody> issue_change_body(const net::HttpRequest& request, bool many) {
  simdjson::dom::parser parser;
  simdjson::dom::object body;
  if (parser.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  IssueChangeBody out;
  const std::size_t changes = body.size() - (many && body["ids"].error() == simdjson::SUCCESS ? 1 : 0);
  for (const auto field : body) {
    if (many && field.key == "ids") {
      TT_ASSIGN(out.ids, read_issue_ids(field.value));
    } else if (field.key == "resolved_in_commit") {
      TT_ASSIGN(out.commit, text_member(field.key, field.value));
      if (out.commit.empty() || changes > 1)
        return fail(ErrorKind::invalid_argument, "resolved_in_commit: a commit, and nothing beside it");
    } else {
      TT_TRY(read_issue_member(field.key, field.value, out.update));
    }
  }
  if (many && out.ids.empty() && !request.param("query"))
    return fail(ErrorKind::invalid_argument, "ids: missing or empty");
  return out;
}

Result<errors::IssueActor> actor_of(const Services& services, const net::HttpRequest& request,
                                    accounts::Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  if (who.user == 0) return errors::IssueActor{0, who.name};
  TT_ASSIGN(const auto user, services.sessions.user(who.user));
  return errors::IssueActor{who.user, user.name.empty() ? user.email : user.name};
}

Result<> require_issues(const Services& services, const net::HttpRequest& request, accounts::Scope scope,
                        const std::vector<storage::IssueId>& ids) {
  TT_ASSIGN(const auto projects, query_projects(services, request, scope));
  // An issue of another project is as unknown as one that does not exist.
  for (const auto id : ids) {
    const auto issue = services.records.issues().get(id);
    if (!issue && issue.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(issue.error());
    if (!issue || std::find(projects.begin(), projects.end(), issue->project) == projects.end())
      return fail(ErrorKind::not_found, fmt::format("issue {}: not found", id.value));
  }
  return {};
}

}  // namespace telltale::api
