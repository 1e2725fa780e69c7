#include "api/own/openapi.hpp"

#include "api/embedded.hpp"
#include "base/check.hpp"

namespace telltale::api {

void add_openapi_route(net::Router& router) {
  const EmbeddedFile* document = find_embedded("openapi.json");
  TT_CHECK(document != nullptr);
  router.add("GET", "/api/telltale/v1/openapi.json", [document](const net::HttpRequest&, WorkContext&) {
    return net::HttpResponse::json(std::string(document->plain));
  });
}

}  // namespace telltale::api
