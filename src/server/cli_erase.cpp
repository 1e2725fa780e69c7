// What must go of a running server's data: one person's, or log records that a query selects.
#include <thread>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "net/http.hpp"
#include "server/cli.hpp"

namespace telltale::server {
namespace {

constexpr auto kAskAgainAfter = std::chrono::milliseconds(500);

/// One server, asked as one caller.
class EraseSession {
 public:
  EraseSession(QueryTarget target, transport::HttpClient& client)
      : target_(std::move(target)), client_(client) {
    while (target_.url.ends_with('/')) target_.url.pop_back();
  }

  /// The document stays valid until the next call. Any status but a 2xx is an error.
  Result<simdjson::dom::element> ask(std::string method, const std::string& path, std::string body = {}) {
    transport::OutboundRequest request;
    request.method = std::move(method);
    request.url = target_.url + path;
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (!target_.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + target_.token);
    request.timeout = std::chrono::hours(1);
    request.user_given = false;
    TT_ASSIGN(const auto response, client_.send(request));
    simdjson::dom::element document;
    const bool json = parser_.parse(response.body).get(document) == simdjson::SUCCESS;
    if (response.status / 100 != 2 || !json) {
      return fail(ErrorKind::execution, fmt::format("{} answered {}: {}", target_.url, response.status,
                                                    response.body.substr(0, 500)));
    }
    return document;
  }

 private:
  QueryTarget target_;
  transport::HttpClient& client_;
  simdjson::dom::parser parser_;
};

std::uint64_t number_in(simdjson::dom::element document, const char* name) {
  std::uint64_t number = 0;
  return document[name].get(number) == simdjson::SUCCESS ? number : 0;
}

struct QueryErasure {
  std::string query;
  std::optional<std::string> start;
  std::optional<std::string> end;
  std::string project;  // `?project=N` or empty
  bool dry_run = false;
};

/// Waits until the rows are gone.
Result<std::string> erase_by_query(EraseSession& session, const QueryErasure& wanted) {
  JsonWriter body;
  body.begin_object().field("query", wanted.query).field("dry_run", wanted.dry_run);
  if (wanted.start) body.field("start", *wanted.start);
  if (wanted.end) body.field("end", *wanted.end);
  body.end_object();
  const std::string path = "/api/telltale/v1/deletions";
  TT_ASSIGN(const auto made, session.ask("POST", path + wanted.project, body.take()));
  if (wanted.dry_run)
    return fmt::format("logs    {}\nnothing was erased: --dry-run\n", number_in(made, "rows"));
  simdjson::dom::element deletion;
  if (made["deletion"].get(deletion) != simdjson::SUCCESS)
    return fail(ErrorKind::execution, "the answer names no deletion");
  const std::uint64_t id = number_in(deletion, "id");
  while (true) {
    std::this_thread::sleep_for(kAskAgainAfter);
    TT_ASSIGN(const auto all, session.ask("GET", path));
    simdjson::dom::array list;
    if (all["deletions"].get(list) != simdjson::SUCCESS)
      return fail(ErrorKind::execution, "the answer lists no deletions");
    for (const auto one : list) {
      std::string_view state;
      std::string_view problem;
      if (number_in(one, "id") != id || one["state"].get(state) != simdjson::SUCCESS) continue;
      if (one["problem"].get(problem) != simdjson::SUCCESS) problem = {};
      if (state == "done") return fmt::format("logs    {}\nerased\n", number_in(one, "rows"));
      if (state == "failed" || state == "cancelled")
        return fail(ErrorKind::execution, fmt::format("deletion {} is {}: {}", id, state, problem));
    }
  }
}

}  // namespace

Result<std::string> run_erase(std::vector<std::string> args, QueryTarget target,
                              transport::HttpClient& client) {
  TT_ASSIGN(const auto url, take_option(args, "--url"));
  TT_ASSIGN(const auto user_id, take_option(args, "--user-id"));
  TT_ASSIGN(const auto email, take_option(args, "--email"));
  TT_ASSIGN(const auto query, take_option(args, "--query"));
  QueryErasure by_query;
  TT_ASSIGN(by_query.start, take_option(args, "--start"));
  TT_ASSIGN(by_query.end, take_option(args, "--end"));
  TT_ASSIGN(const auto project, take_option(args, "--project"));
  const bool dry_run = std::erase(args, "--dry-run") > 0;
  if (!args.empty()) return fail(ErrorKind::invalid_argument, "erase: unknown argument " + args.front());
  if (int{user_id.has_value()} + int{email.has_value()} + int{query.has_value()} != 1)
    return fail(ErrorKind::invalid_argument, "erase: wants one of --user-id, --email and --query");
  if (!query && (by_query.start || by_query.end))
    return fail(ErrorKind::invalid_argument, "erase: --start and --end are for --query");
  if (url) target.url = *url;
  EraseSession session(std::move(target), client);
  if (query) {
    by_query.query = *query;
    by_query.dry_run = dry_run;
    if (project) by_query.project = "?project=" + net::percent_encode(*project);
    return erase_by_query(session, by_query);
  }
  std::string path = fmt::format("/api/telltale/v1/persons?{}={}&dry_run={}", user_id ? "user_id" : "email",
                                 net::percent_encode(user_id ? *user_id : *email), dry_run);
  if (project) path += "&project=" + net::percent_encode(*project);
  TT_ASSIGN(const auto document, session.ask("DELETE", path));
  std::string out;
  for (const char* what : {"logs", "spans", "errors", "issues", "feedback"}) {
    out += fmt::format("{:<9}{}{}\n", what, number_in(document, what),
                       dry_run && (std::string_view(what) == "issues" || std::string_view(what) == "feedback")
                           ? " (not counted)"
                           : "");
  }
  return out + (dry_run ? "nothing was erased: --dry-run\n" : "erased\n");
}

}  // namespace telltale::server
