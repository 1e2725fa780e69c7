// One person's data of a running server.
#include <fmt/format.h>
#include <simdjson.h>

#include "net/http.hpp"
#include "server/cli.hpp"

namespace telltale::server {

Result<std::string> run_erase(std::vector<std::string> args, QueryTarget target,
                              transport::HttpClient& client) {
  TT_ASSIGN(const auto url, take_option(args, "--url"));
  TT_ASSIGN(const auto user_id, take_option(args, "--user-id"));
  TT_ASSIGN(const auto email, take_option(args, "--email"));
  TT_ASSIGN(const auto project, take_option(args, "--project"));
  const bool dry_run = std::erase(args, "--dry-run") > 0;
  if (!args.empty()) return fail(ErrorKind::invalid_argument, "erase: unknown argument " + args.front());
  if (user_id.has_value() == email.has_value())
    return fail(ErrorKind::invalid_argument, "erase: wants either --user-id or --email");
  if (url) target.url = *url;
  while (target.url.ends_with('/')) target.url.pop_back();
  transport::OutboundRequest request;
  request.method = "DELETE";
  request.url =
      fmt::format("{}/api/telltale/v1/persons?{}={}&dry_run={}", target.url, user_id ? "user_id" : "email",
                  net::percent_encode(user_id ? *user_id : *email), dry_run);
  if (project) request.url += "&project=" + net::percent_encode(*project);
  if (!target.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + target.token);
  request.timeout = std::chrono::hours(1);
  request.user_given = false;
  TT_ASSIGN(const auto response, client.send(request));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const bool json = parser.parse(response.body).get(document) == simdjson::SUCCESS;
  if (response.status != 200 || !json) {
    return fail(ErrorKind::execution,
                fmt::format("{} answered {}: {}", target.url, response.status, response.body.substr(0, 500)));
  }
  std::string out;
  for (const char* what : {"logs", "spans", "errors", "issues"}) {
    std::uint64_t rows = 0;
    if (document[what].get(rows) != simdjson::SUCCESS) rows = 0;
    out += fmt::format("{:<8}{}{}\n", what, rows,
                       dry_run && std::string_view(what) == "issues" ? " (not counted)" : "");
  }
  return out + (dry_run ? "nothing was erased: --dry-run\n" : "erased\n");
}

}  // namespace telltale::server
