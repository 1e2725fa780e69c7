// Whom new issues are assigned to: a project's rules and its code owners.
#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "errors/ownership.hpp"

namespace telltale::api {
namespace {

net::HttpResponse ownership_answer(const Result<errors::OwnershipTexts>& texts) {
  if (!texts) return error_response(texts.error());
  JsonWriter w;
  w.begin_object().key("ownership").raw(errors::ownership_json(*texts)).end_object();
  return net::HttpResponse::json(w.take());
}

Result<errors::OwnershipTexts> get_ownership(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, accounts::Scope::read));
  return services.ownership->texts(project.id);
}

Result<errors::OwnershipTexts> take_ownership(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, accounts::Scope::admin));
  TT_ASSIGN(auto texts, errors::parse_ownership_texts(request.body));
  TT_TRY(services.ownership->change(services.records, project.id, texts));
  services.log.info("ownership rules changed", {{"project", project.id.value}});
  return texts;
}

}  // namespace

void add_ownership_routes(net::Router& router, const Services& services) {
  if (services.ownership == nullptr) return;
  const std::string path = "/api/telltale/v1/projects/{id}/ownership";
  router.add("GET", path, [&services](const net::HttpRequest& r, WorkContext&) {
    return ownership_answer(get_ownership(services, r));
  });
  router.add("PUT", path, [&services](const net::HttpRequest& r, WorkContext&) {
    return ownership_answer(take_ownership(services, r));
  });
}

}  // namespace telltale::api
