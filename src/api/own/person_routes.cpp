// Everything of one person goes: by user id, or by e-mail address. What is asked for is in no log of ours.
#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/params.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

Result<storage::PersonReport> erase_person(const Services& services, const net::HttpRequest& request,
                                           bool& dry_run) {
  storage::PersonRequest person;
  TT_ASSIGN(person.projects, query_projects(services, request, Scope::admin));
  TT_ASSIGN(const auto who, authorise(services, request, Scope::admin));
  person.user_id = request.param("user_id").value_or("");
  person.email = request.param("email").value_or("");
  const std::string wanted(request.param("dry_run").value_or("false"));
  if (wanted != "true" && wanted != "false")
    return fail(ErrorKind::invalid_argument, "dry_run: true or false");
  dry_run = person.dry_run = wanted == "true";
  if (!services.erase_person) return fail(ErrorKind::unsupported, "this store erases nothing");
  TT_ASSIGN(const auto report, services.erase_person(person));
  services.log.info(dry_run ? "a person's data counted" : "a person's data erased",
                    {{"by", who.name},
                     {"logs", report.logs},
                     {"spans", report.spans},
                     {"errors", report.errors},
                     {"issues", report.issues}});
  return report;
}

}  // namespace

void add_person_routes(net::Router& router, const Services& services) {
  net::RouteOptions options = query_route(services);
  options.work.timeout = std::chrono::hours(1);
  router.add(
      "DELETE", "/api/telltale/v1/persons",
      [&services](const net::HttpRequest& r, WorkContext&) {
        bool dry_run = false;
        return answer<storage::PersonReport>(
            erase_person(services, r, dry_run), [&](JsonWriter& w, const storage::PersonReport& report) {
              w.field("dry_run", dry_run).field("logs", report.logs).field("spans", report.spans);
              w.field("errors", report.errors).field("issues", report.issues);
              w.field("feedback", report.feedback);
            });
      },
      options);
}

}  // namespace telltale::api
