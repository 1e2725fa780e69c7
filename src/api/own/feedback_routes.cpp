// What people say of an application, and what of a project's data was not kept.
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/json_body.ipp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"
#include "health/release_health.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using storage::Feedback;

constexpr std::string_view kFeedback = "feedback";

void write_feedback(JsonWriter& w, const Services& services, const Feedback& f) {
  const auto& i = f.item;
  w.begin_object().field("id", f.id).field("project", std::uint64_t{f.project.value});
  w.field("status", storage::status_name(f.status)).field("time", format_rfc3339(i.time));
  w.field("message", i.message).field("email", i.email).field("name", i.name).field("url", i.url);
  w.field("environment", i.environment).field("release", i.release).field("user_id", i.user_id);
  w.field("source", i.source);
  if (i.event_id.present()) w.field("event_id", i.event_id.hex());
  if (i.trace_id.present()) w.field("trace_id", i.trace_id.hex());
  if (!i.replay_id.empty()) w.field("replay_id", i.replay_id);
  if (f.issue) {
    if (const auto issue = services.records.issues().get(storage::IssueId{*f.issue})) {
      w.key("issue").begin_object().field("id", issue->id.value).field("short_id", issue->short_id);
      w.field("title", issue->title).end_object();
    }
  }
  w.end_object();
}

struct FeedbackList {
  std::vector<Feedback> feedback;
  std::uint64_t total = 0;
};

Result<FeedbackList> list_feedback(const Services& services, const net::HttpRequest& request,
                                   storage::FeedbackQuery query) {
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.offset, number_param(request, "offset", 0, 0, 1'000'000));
  if (const auto status = request.param("status"); status && !status->empty()) {
    query.status = storage::feedback_status_from(*status);
    if (!query.status) return fail(ErrorKind::invalid_argument, "status: open, resolved or archived");
  }
  query.text = std::string(request.param("query").value_or(""));
  FeedbackList out;
  TT_ASSIGN(out.feedback, services.records.feedback().list(query));
  TT_ASSIGN(out.total, services.records.feedback().count(query));
  return out;
}

net::HttpResponse feedback_answer(const Services& services, Result<FeedbackList> list) {
  return answer<FeedbackList>(std::move(list), [&services](JsonWriter& w, const FeedbackList& l) {
    w.key("feedback").begin_array();
    for (const auto& feedback : l.feedback) write_feedback(w, services, feedback);
    w.end_array().field("total", l.total);
  });
}

net::HttpResponse all_feedback(const Services& services, const net::HttpRequest& request) {
  storage::FeedbackQuery query;
  auto projects = query_projects(services, request);
  if (!projects) return error_response(projects.error());
  query.projects = *std::move(projects);
  return feedback_answer(services, list_feedback(services, request, std::move(query)));
}

net::HttpResponse issue_feedback(const Services& services, const net::HttpRequest& request) {
  const auto issue = issue_of(services, request, Scope::read);
  if (!issue) return error_response(issue.error());
  storage::FeedbackQuery query;
  query.projects = {issue->project};
  query.issue = issue->id.value;
  return feedback_answer(services, list_feedback(services, request, std::move(query)));
}

Result<Feedback> change_feedback(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise(services, request, Scope::write));
  TT_ASSIGN(const auto id, path_id(request, kFeedback));
  TT_ASSIGN(const auto feedback, services.records.feedback().get(id));
  TT_TRY(require_in(who, feedback.project, Scope::write, kFeedback, id));
  TT_ASSIGN(auto body, JsonBody::parse(request.body));
  TT_ASSIGN(const auto name, body.members().text("status", 16));
  TT_TRY(body.members().finish());
  const auto status = storage::feedback_status_from(name.value_or(""));
  if (!status) return fail(ErrorKind::invalid_argument, "status: open, resolved or archived");
  TT_TRY(services.records.feedback().set_status(id, *status));
  return services.records.feedback().get(id);
}

}  // namespace

void add_feedback_routes(net::Router& router, const Services& services) {
  if (services.release_health == nullptr) return;
  const auto options = query_route(services);
  router.add(
      "GET", "/api/telltale/v1/feedback",
      [&services](const net::HttpRequest& r, WorkContext&) { return all_feedback(services, r); }, options);
  router.add("PUT", "/api/telltale/v1/feedback/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<Feedback>(change_feedback(services, r), [&services](JsonWriter& w, const Feedback& f) {
      w.key("feedback");
      write_feedback(w, services, f);
    });
  });
  router.add(
      "GET", "/api/telltale/v1/issues/{id}/feedback",
      [&services](const net::HttpRequest& r, WorkContext&) { return issue_feedback(services, r); }, options);
}

}  // namespace telltale::api
