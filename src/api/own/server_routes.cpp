// The server itself: is it well, its metrics, reload, backup.
#include <fmt/format.h>

#include "api/own/data_routes.hpp"

namespace telltale::api {
namespace {

Result<std::string> run_backup(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise_server_admin(services, request));
  const auto directory = request.param("directory");
  if (!directory || directory->empty()) return fail(ErrorKind::invalid_argument, "directory: missing");
  return services.backup(std::string(*directory));
}

/// Without the series that carry another project's `project` label. A quote inside of a label's value is
/// escaped, so that `project="` behind `{` or `,` is the label's name.
std::string of_one_project(std::string_view page, ProjectId project) {
  const std::string own = fmt::format("project=\"{}\"", project.value);
  std::string out;
  out.reserve(page.size());
  while (!page.empty()) {
    const std::string_view line = page.substr(0, std::min(page.find('\n'), page.size() - 1) + 1);
    page.remove_prefix(line.size());
    std::size_t at = line.find("{project=\"");
    if (at == std::string_view::npos) at = line.find(",project=\"");
    const bool others = at != std::string_view::npos && !line.substr(at + 1).starts_with(own);
    if (line.starts_with('#') || !others) out.append(line);
  }
  return out;
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
    if (const auto admin = authorise_server_admin(services, r); !admin) return error_response(admin.error());
    if (const auto done = services.reload(); !done) return error_response(done.error());
    return net::HttpResponse::text("Reloaded.\n");
  });
  router.add("GET", "/metrics", [&services](const net::HttpRequest& r, WorkContext&) {
    if (auto page = page_for_browser(services, r)) return *std::move(page);
    const auto reader = authorise(services, r, accounts::Scope::read);
    if (!reader) return error_response(reader.error());
    std::string page = services.registry.render();
    if (reader->project.value != 0) page = of_one_project(page, reader->project);
    return net::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", std::move(page), {}};
  });
  router.add("POST", "/api/telltale/v1/backup", [&services](const net::HttpRequest& r, WorkContext&) {
    auto report = run_backup(services, r);
    return report ? net::HttpResponse::json(*std::move(report)) : error_response(report.error());
  });
}

}  // namespace telltale::api
