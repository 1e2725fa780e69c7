// Issues: the list, one, and what people do to them.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/issue_body.hpp"
#include "api/own/params.hpp"
#include "api/own/search_params.hpp"
#include "api/sign_in.hpp"
#include "base/issue_limits.hpp"
#include "base/limits.hpp"
#include "errors/commit_resolution.hpp"
#include "errors/issue_changes.hpp"
#include "errors/issue_views.hpp"
#include "errors/similar.hpp"
#include "errors/suspects.hpp"

namespace telltale::api {

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

namespace {

struct IssueList {
  std::vector<storage::Issue> issues;
  std::vector<IssueExtras> extras;
  std::uint64_t total = 0;
  std::optional<UnixNanos> reached;  // events before it were not looked at
};

Result<IssueList> list_issues(const Services& services, const net::HttpRequest& request,
                              WorkContext& context) {
  TT_ASSIGN(const auto plan, issue_search(services, request, accounts::Scope::read, context));
  const storage::IssueQuery& query = plan.records;
  IssueList out;
  TT_ASSIGN(out.issues, services.records.issues().search(query));
  TT_ASSIGN(out.total, services.records.issues().count(query));
  TT_ASSIGN(const auto who, authorise(services, request, accounts::Scope::read));
  if (!plan.complete) out.reached = plan.reached;
  for (const auto& issue : out.issues) {
    TT_TRY(context.check());
    IssueExtras extras;
    TT_ASSIGN(extras.trend, errors::issue_trend(services.records, issue.id, query.trend_at));
    if (who.user != 0) {
      TT_ASSIGN(extras.mark, services.records.issue_activity().mark(who.user, issue.id));
    }
    out.extras.push_back(std::move(extras));
  }
  return out;
}

void write_issue_list(JsonWriter& w, const IssueList& list) {
  w.key("issues").begin_array();
  for (std::size_t i = 0; i < list.issues.size(); ++i) write_issue(w, list.issues[i], list.extras[i]);
  w.end_array().field("total", list.total).field("complete", !list.reached);
  if (list.reached) w.field("reached", format_rfc3339(*list.reached));
}

struct OneIssue {
  storage::Issue issue;
  IssueExtras extras;
};

Result<OneIssue> one_issue(const Services& services, const net::HttpRequest& request) {
  OneIssue out;
  TT_ASSIGN(out.issue, issue_of(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto who, authorise(services, request, accounts::Scope::read));
  if (out.issue.parts > 1) {
    TT_ASSIGN(out.extras.merged, services.records.issues().parts(out.issue.id));
    out.extras.merged.erase(out.extras.merged.begin());
  }
  TT_ASSIGN(out.extras.awaits_commit, errors::awaited_commit(services.records, out.issue));
  TT_ASSIGN(out.extras.comments, services.records.issue_activity().count_comments(out.issue.id));
  TT_ASSIGN(out.extras.left_out, services.records.issues().left_out(out.issue.id));
  if (who.user != 0) {
    TT_ASSIGN(out.extras.mark, services.records.issue_activity().mark(who.user, out.issue.id));
  }
  return out;
}

Result<storage::Issue> change_issue(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::write));
  TT_ASSIGN(const auto change, issue_change_body(request, false));
  TT_ASSIGN(const auto actor, actor_of(services, request, accounts::Scope::write));
  if (!change.commit.empty())
    return errors::resolve_in_commit(services.records, services.clock, actor, issue.id, change.commit);
  return errors::update_issue(services.records, services.clock, actor, issue.id, change.update);
}

/// Every issue that the address's `query` and parameters select.
Result<std::vector<storage::IssueId>> selected_issues(const Services& services,
                                                      const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(auto plan, issue_search(services, request, accounts::Scope::write, context));
  if (!plan.complete)
    return fail(ErrorKind::execution, "query: not every event was looked at in time; narrow the range");
  plan.records.offset = 0;
  plan.records.limit = kMaxQueriedIssues + 1;
  TT_ASSIGN(const auto issues, services.records.issues().search(plan.records));
  if (issues.size() > kMaxQueriedIssues)
    return fail(ErrorKind::invalid_argument,
                fmt::format("query: column 1: more than {} issues match", kMaxQueriedIssues));
  std::vector<storage::IssueId> ids;
  for (const auto& issue : issues) ids.push_back(issue.id);
  return ids;
}

Result<std::vector<storage::Issue>> change_issues(const Services& services, const net::HttpRequest& request,
                                                  WorkContext& context) {
  TT_ASSIGN(const auto actor, actor_of(services, request, accounts::Scope::write));
  TT_ASSIGN(auto change, issue_change_body(request, true));
  if (change.ids.empty()) {
    TT_ASSIGN(change.ids, selected_issues(services, request, context));
    if (change.ids.empty()) return std::vector<storage::Issue>();
  }
  TT_TRY(require_issues(services, request, accounts::Scope::write, change.ids));
  if (!change.commit.empty())
    return errors::resolve_all_in_commit(services.records, services.clock, actor, change.ids, change.commit);
  return errors::update_issues(services.records, services.clock, actor, change.ids, change.update);
}

Result<Rows> events_of_issue(const Services& services, const net::HttpRequest& request,
                             WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::read));
  errors::IssueEventsQuery query;
  TT_ASSIGN(query.range, range_params(request));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.order, order_param(request));
  query.with_payload = request.param("payload").value_or("") == "true";
  query.event_id = std::string(request.param("event_id").value_or(""));
  return errors::issue_events(services.events, services.records, issue, query, context);
}

Result<search::Facets> tags_of_issue(const Services& services, const net::HttpRequest& request,
                                     WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto limit, number_param(request, "limit", 10, 1, limits::kMaxFacetAnswers));
  return errors::issue_tags(services.events, services.records, issue, limit, context);
}

void write_tags(JsonWriter& w, const search::Facets& tags) {
  w.key("tags").begin_array();
  for (const auto& tag : tags.facets) {
    w.begin_object().field("key", tag.field).key("values").begin_array();
    for (const auto& value : tag.values)
      w.begin_object().field("value", value.value).field("count", value.count).end_object();
    w.end_array().end_object();
  }
  w.end_array();
}

Result<std::vector<std::string>> environments(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request, accounts::Scope::read));
  return services.records.issues().environments(projects);
}

struct IssueStats {
  std::vector<storage::HourCount> hours;
  std::vector<storage::ReleaseCount> releases;
};

Result<IssueStats> stats_of_issue(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto range, range_params(request));
  IssueStats out;
  TT_ASSIGN(out.hours, services.records.issues().hour_counts(issue.id, range));
  TT_ASSIGN(out.releases, services.records.issues().releases(issue.id));
  return out;
}

void write_stats(JsonWriter& w, const IssueStats& stats) {
  w.key("hours").begin_array();
  for (const auto& hour : stats.hours)
    w.begin_array().number(unix_seconds(hour.hour)).unsigned_integer(hour.count).end_array();
  w.end_array().key("releases").begin_array();
  for (const auto& release : stats.releases) {
    w.begin_object().field("release", release.release);
    w.field("first_seen", format_rfc3339(release.first_seen));
    w.field("last_seen", format_rfc3339(release.last_seen)).field("count", release.count).end_object();
  }
  w.end_array();
}

// ---- Commits that may have brought it
// ------------------------------------------------------------------------

using errors::Suspect;

/// The event of `event_id`, else the issue's newest.
Result<std::optional<EventRow>> event_of_issue(const Services& services, const net::HttpRequest& request,
                                               const storage::Issue& issue, WorkContext& context) {
  errors::IssueEventsQuery query;
  query.limit = 1;
  query.with_payload = true;
  query.event_id = std::string(request.param("event_id").value_or(""));
  TT_ASSIGN(auto rows, errors::issue_events(services.events, services.records, issue, query, context));
  return rows.empty() ? std::optional<EventRow>() : std::optional(std::move(rows.front()));
}

Result<std::vector<Suspect>> suspects_of(const Services& services, const net::HttpRequest& request,
                                         WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto event, event_of_issue(services, request, issue, context));
  if (!event) return std::vector<Suspect>();
  // An error that came as a log record or a span has no frames.
  const auto input = ingest::stored_grouping_input(event->payload);
  if (!input) return std::vector<Suspect>();
  std::vector<errors::ReleaseCommits> releases;
  // What brought it came with the release that it began in; the event's own knows where it came back.
  for (const auto& version : {issue.first_release, event->ids.release}) {
    if (version.empty() || (!releases.empty() && releases.front().release == version)) continue;
    const auto release = services.records.releases().get(issue.project, version);
    if (!release && release.error().kind() == ErrorKind::not_found) continue;
    if (!release) return tl::unexpected<Error>(release.error());
    TT_ASSIGN(auto commits, services.records.releases().commits(release->id));
    releases.push_back({version, std::move(commits)});
  }
  return errors::suspect_commits(*input, releases);
}

void write_suspects(JsonWriter& w, const std::vector<Suspect>& suspects) {
  w.key("suspects").begin_array();
  for (const auto& s : suspects) {
    w.begin_object().field("release", s.release).field("path", s.path).key("commit");
    write_commit(w, s.commit);
    w.key("frame").begin_object().field("function", s.frame.function);
    w.field("line", s.frame.lineno).end_object().end_object();
  }
  w.end_array();
}

Result<std::vector<errors::SimilarIssue>> similar_to(const Services& services,
                                                     const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto limit, number_param(request, "limit", 10, 1, limits::kMaxSimilarIssues));
  return errors::similar_issues(services.records, issue, limit);
}

void write_similar(JsonWriter& w, const std::vector<errors::SimilarIssue>& issues) {
  w.key("similar").begin_array();
  for (const auto& one : issues) {
    w.begin_object().key("likeness").number(one.likeness);
    w.field("same_type", one.same_type).field("same_place", one.same_place).key("issue");
    write_issue(w, one.issue);
    w.end_object();
  }
  w.end_array();
}

}  // namespace

void add_issue_routes(net::Router& router, const Services& services) {
  const std::string path = "/api/telltale/v1/issues";
  const auto write_one = [](JsonWriter& w, const storage::Issue& issue) {
    w.key("issue");
    write_issue(w, issue);
  };
  const auto options = query_route(services);
  router.add(
      "GET", path,
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<IssueList>(list_issues(services, r, c), write_issue_list);
      },
      options);
  router.add(
      "PUT", path,
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<std::vector<storage::Issue>>(change_issues(services, r, c),
                                                   [](JsonWriter& w, const auto& issues) {
                                                     w.key("issues").begin_array();
                                                     for (const auto& issue : issues) write_issue(w, issue);
                                                     w.end_array();
                                                   });
      },
      options);
  router.add("GET", "/api/telltale/v1/environments", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<std::string>>(environments(services, r), [](JsonWriter& w, const auto& names) {
      w.key("environments").begin_array();
      for (const std::string& name : names) w.string(name);
      w.end_array();
    });
  });
  router.add("GET", path + "/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<OneIssue>(one_issue(services, r), [](JsonWriter& w, const OneIssue& one) {
      w.key("issue");
      write_issue(w, one.issue, one.extras);
    });
  });
  router.add("PUT", path + "/{id}", [&services, write_one](const net::HttpRequest& r, WorkContext&) {
    return answer<storage::Issue>(change_issue(services, r), write_one);
  });
  router.add(
      "GET", path + "/{id}/events",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Rows>(events_of_issue(services, r, c),
                            [](JsonWriter& w, const Rows& rows) { write_rows(w, "rows", rows); });
      },
      options);
  router.add(
      "GET", path + "/{id}/tags",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<search::Facets>(tags_of_issue(services, r, c), write_tags);
      },
      options);
  router.add(
      "GET", path + "/{id}/suspects",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<std::vector<Suspect>>(suspects_of(services, r, c), write_suspects);
      },
      options);
  router.add("GET", path + "/{id}/similar", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<errors::SimilarIssue>>(similar_to(services, r), write_similar);
  });
  router.add("GET", path + "/{id}/stats", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<IssueStats>(stats_of_issue(services, r), write_stats);
  });
}

}  // namespace telltale::api
