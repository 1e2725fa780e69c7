// What a project masks beyond the server's settings. A policy that does not hold together changes nothing;
// one that does holds for the next request, without a restart.
#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

net::HttpResponse policy_answer(const redact::Options& policy) {
  JsonWriter w;
  w.begin_object().key("redaction").raw(redact::policy_json(policy)).key("rules").begin_array();
  for (const auto& rule : redact::builtin_rules()) {
    w.begin_object().field("name", rule.name).field("group", to_string(rule.group));
    w.field("enabled", rule.enabled).end_object();
  }
  w.end_array().end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse get_policy(const Services& services, const net::HttpRequest& request) {
  const auto project = project_of(services, request, Scope::read);
  if (!project) return error_response(project.error());
  return policy_answer(services.redactors->policy(project->id));
}

Result<redact::Options> take_policy(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(auto policy, redact::parse_policy(request.body));
  // Tried first, then kept, then in force: a policy that is in force survives a restart.
  TT_TRY(services.redactors->check(policy));
  TT_TRY(services.records.settings().put(
      std::string(redact::kPolicySetting) + std::to_string(project.id.value), redact::policy_json(policy)));
  TT_TRY(services.redactors->set_policy(project.id, policy));
  services.log.info("redaction policy changed", {{"project", project.id.value}});
  return policy;
}

}  // namespace

void add_redaction_routes(net::Router& router, const Services& services) {
  if (services.redactors == nullptr) return;
  router.add("GET", "/api/telltale/v1/projects/{id}/redaction",
             [&services](const net::HttpRequest& r, WorkContext&) { return get_policy(services, r); });
  router.add("PUT", "/api/telltale/v1/projects/{id}/redaction",
             [&services](const net::HttpRequest& r, WorkContext&) {
               const auto policy = take_policy(services, r);
               return policy ? policy_answer(*policy) : error_response(policy.error());
             });
}

}  // namespace telltale::api
