// The server itself: is it well, its metrics, reload, backup.
#include "api/own/data_routes.hpp"

namespace telltale::api {
namespace {

Result<std::string> run_backup(const Services& services, const net::HttpRequest& request) {
  if (auto principal = authorise(services, request, accounts::Scope::admin); !principal) {
    return tl::unexpected<Error>(std::move(principal).error());
  }
  const auto directory = request.param("directory");
  if (!directory || directory->empty()) return fail(ErrorKind::invalid_argument, "directory: missing");
  return services.backup(std::string(*directory));
}

}  // namespace

void add_server_routes(net::Router& router, const Services& services) {
  router.add("GET", "/-/healthy", [](const net::HttpRequest&, WorkContext&) {
    return net::HttpResponse::text("Telltale is healthy.\n");
  });
  router.add("GET", "/-/ready", [&services](const net::HttpRequest&, WorkContext&) {
    if (services.ready()) return net::HttpResponse::text("Telltale is ready.\n");
    auto response = net::HttpResponse::text("Telltale is starting: the journal is being replayed.\n", 503);
    add_error_headers(response);
    return response;
  });
  router.add("POST|PUT", "/-/reload", [&services](const net::HttpRequest& r, WorkContext&) {
    if (const auto admin = authorise(services, r, accounts::Scope::admin); !admin)
      return error_response(admin.error());
    if (const auto done = services.reload(); !done) return error_response(done.error());
    return net::HttpResponse::text("Reloaded.\n");
  });
  router.add("GET", "/metrics", [&services](const net::HttpRequest& r, WorkContext&) {
    if (auto page = page_for_browser(services, r)) return *std::move(page);
    if (const auto reader = authorise(services, r, accounts::Scope::read); !reader)
      return error_response(reader.error());
    return net::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", services.registry.render(), {}};
  });
  router.add("POST", "/api/telltale/v1/backup", [&services](const net::HttpRequest& r, WorkContext&) {
    auto report = run_backup(services, r);
    return report ? net::HttpResponse::json(*std::move(report)) : error_response(report.error());
  });
}

}  // namespace telltale::api
