// Sentry's ingest: envelopes, the older store endpoint and browsers' reports of violated policies, under a
// project's DSN key.
#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "api/services.hpp"
#include "base/health_limits.hpp"
#include "base/input_limits.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/health.hpp"

namespace telltale::api {
namespace {

// Browsers ask before they send; the answer is the same for every project (facts: Relay's CORS middleware).
void add_sentry_cors(net::HttpResponse& response) {
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "x-sentry-error, x-sentry-rate-limits, retry-after");
}

net::HttpResponse sentry_preflight(const net::HttpRequest&, WorkContext&) {
  auto response = net::HttpResponse::empty(200);
  add_sentry_cors(response);
  response.headers.emplace_back("Access-Control-Allow-Methods", "POST");
  response.headers.emplace_back("Access-Control-Max-Age", "3600");
  response.headers.emplace_back(
      "Access-Control-Allow-Headers",
      "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, "
      "content-type, authentication, authorization, content-encoding, transfer-encoding");
  return response;
}

net::HttpResponse sentry_error(const Error& error) {
  JsonWriter w;
  w.begin_object().field("detail", error.message()).key("causes").begin_array().end_array().end_object();
  auto response = net::HttpResponse::json(w.take(), net::http_status(error.kind()));
  add_error_headers(response);
  if (response.status == 429) response.headers.emplace_back("X-Sentry-Rate-Limits", "5::organization");
  response.headers.emplace_back("X-Sentry-Error", error.message().substr(0, error.message().find('\n')));
  add_sentry_cors(response);
  return response;
}

Result<ProjectId> sentry_project(const net::HttpRequest& request) {
  const auto found = request.path_params.find("project");
  const std::string text = found == request.path_params.end() ? "" : found->second;
  std::uint32_t id = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || id > 100'000'000)
      return fail(ErrorKind::not_found, "project: not a project id");
    id = id * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (id == 0) return fail(ErrorKind::not_found, "project: not a project id");
  return ProjectId{id};
}

struct SentryCaller {
  ProjectId project;
  ingest::SentrySender sender;
};

Result<SentryCaller> sentry_authenticate(const Services& services, const net::HttpRequest& request,
                                         std::string_view envelope_dsn, std::string_view path_key = {}) {
  TT_ASSIGN(const ProjectId project, sentry_project(request));
  wire::sentry::AuthSources sources;
  sources.x_sentry_auth = request.header("x-sentry-auth");
  sources.authorization = request.header("authorization");
  sources.query_key = path_key.empty() ? request.param("sentry_key").value_or("") : path_key;
  sources.query_client = request.param("sentry_client").value_or("");
  sources.query_version = request.param("sentry_version").value_or("");
  sources.envelope_dsn = envelope_dsn;
  TT_ASSIGN(const auto auth, wire::sentry::parse_auth(sources));
  TT_ASSIGN(const ProjectId allowed, services.accounts.authenticate_dsn(auth.public_key, project));
  return SentryCaller{allowed, {Id128::parse(auth.public_key).value_or(Id128{}), request.remote_address}};
}

/// `60:error:key:key_limit, 3600::key:key_limit`: which categories to hold back, and for how many seconds.
net::HttpResponse sentry_limited(const ingest::Outcome& outcome) {
  std::string header;
  std::int64_t longest = 1;
  for (const auto& limited : outcome.limited) {
    longest = std::max(longest, limited.retry_after_s);
    header += fmt::format("{}{}:{}:key:key_limit", header.empty() ? "" : ", ", limited.retry_after_s,
                          limited.all_categories ? "" : limited.category);
  }
  std::vector<std::string_view> names;
  for (const auto& limited : outcome.limited) names.push_back(limited.category);
  const std::string detail = fmt::format("this key has sent enough for now: {}", fmt::join(names, ", "));
  JsonWriter w;
  w.begin_object().field("detail", detail).key("causes").begin_array().end_array().end_object();
  auto response = net::HttpResponse::json(w.take(), 429);
  response.headers.emplace_back("Retry-After", std::to_string(longest));
  response.headers.emplace_back("X-Sentry-Rate-Limits", header);
  response.headers.emplace_back("X-Sentry-Error", detail);
  add_sentry_cors(response);
  return response;
}

net::HttpResponse sentry_outcome(const Result<ingest::Outcome>& outcome) {
  if (!outcome) return sentry_error(outcome.error());
  // What else came with it is taken.
  if (!outcome->limited.empty()) return sentry_limited(*outcome);
  // An envelope none of whose items could be read is the client's error; otherwise the good part counts.
  if (outcome->accepted == 0 && outcome->duplicates == 0 && outcome->filtered == 0 &&
      !outcome->rejected.empty()) {
    return sentry_error(Error(ErrorKind::invalid_argument, outcome->rejected.front().reason));
  }
  JsonWriter w;
  w.begin_object();
  if (outcome->event_id.present()) w.field("id", outcome->event_id.hex());
  w.end_object();
  auto response = net::HttpResponse::json(w.take());
  add_sentry_cors(response);
  return response;
}

net::HttpResponse sentry_envelope(const Services& services, const net::HttpRequest& request) {
  // The header's dsn is one of the ways to say who sends; a broken header is reported after the other ways
  // failed. Nothing behind that line is read for somebody unknown.
  const auto header = wire::sentry::parse_envelope_header(request.body);
  const auto caller = sentry_authenticate(services, request, header ? header->dsn : std::string());
  if (!caller) return sentry_error(caller.error());
  if (!header) return sentry_error(header.error());
  return sentry_outcome(services.ingest.sentry_envelope(caller->project, request.body, caller->sender));
}

net::HttpResponse sentry_store(const Services& services, const net::HttpRequest& request) {
  const auto caller = sentry_authenticate(services, request, {});
  if (!caller) return sentry_error(caller.error());
  return sentry_outcome(services.ingest.sentry_store(caller->project, request.body, caller->sender));
}

net::HttpResponse sentry_security(const Services& services, const net::HttpRequest& request) {
  const auto caller = sentry_authenticate(services, request, {});
  if (!caller) return sentry_error(caller.error());
  const wire::sentry::SecurityOrigin origin{std::string(request.param("sentry_release").value_or("")),
                                            std::string(request.param("sentry_environment").value_or("")),
                                            std::string(request.header("user-agent"))};
  return sentry_outcome(
      services.ingest.sentry_security(caller->project, request.body, origin, caller->sender));
}

net::HttpResponse sentry_minidump(const Services& services, const net::HttpRequest& request) {
  const auto caller = sentry_authenticate(services, request, {});
  if (!caller) return sentry_error(caller.error());
  const auto outcome = services.ingest.sentry_minidump(caller->project, request.header("content-type"),
                                                       request.body, caller->sender);
  if (!outcome || !outcome->limited.empty()) return sentry_outcome(outcome);
  // A crash reporter expects the id alone, as a UUID is written.
  std::string id = outcome->event_id.hex();
  for (const std::size_t at : {8, 13, 18, 23}) id.insert(at, 1, '-');
  auto response = net::HttpResponse::text(std::move(id));
  add_sentry_cors(response);
  return response;
}

net::HttpResponse sentry_event_files(const Services& services, const net::HttpRequest& request) {
  const auto caller = sentry_authenticate(services, request, {});
  if (!caller) return sentry_error(caller.error());
  const auto event = Id128::parse(request.path_params.find("event")->second);
  if (!event || !event->present())
    return sentry_error(Error(ErrorKind::invalid_argument, "event: not an event's id"));
  const auto outcome = services.ingest.sentry_attachments(
      caller->project, *event, request.header("content-type"), request.body, caller->sender);
  if (!outcome || outcome->accepted == 0 || !outcome->limited.empty()) return sentry_outcome(outcome);
  auto response = net::HttpResponse::json("[]", 201);
  add_sentry_cors(response);
  return response;
}

/// A check-in without an SDK: everything in the address, nothing in the body; or a body as an SDK's item has
/// it.
Result<wire::sentry::CheckInItem> cron_item(const net::HttpRequest& request) {
  wire::sentry::CheckInItem item;
  const auto slug = request.path_params.find("slug");
  item.monitor_slug = slug == request.path_params.end() ? "" : slug->second;
  if (!request.body.empty() && request.body.front() == '{') {
    TT_ASSIGN(item, wire::sentry::parse_check_in(request.body, item.monitor_slug));
  }
  if (const auto status = request.param("status"); status || request.body.empty()) {
    const auto known = wire::sentry::job_status_from(status.value_or(""));
    if (!known) return fail(ErrorKind::invalid_argument, "status: in_progress, ok or error");
    item.status = *known;
  }
  if (const auto id = request.param("check_in_id"); id && !id->empty()) {
    const auto parsed = Id128::parse(*id);
    if (!parsed) return fail(ErrorKind::invalid_argument, "check_in_id: not an id");
    item.id = *parsed;
  }
  if (const auto environment = request.param("environment")) item.environment = std::string(*environment);
  if (const auto duration = request.param("duration"); duration && !duration->empty()) {
    const auto [end, problem] =
        std::from_chars(duration->data(), duration->data() + duration->size(), item.duration_s);
    if (problem != std::errc() || end != duration->data() + duration->size() || !(item.duration_s >= 0))
      return fail(ErrorKind::invalid_argument, "duration: not a number of seconds");
  }
  return item;
}

net::HttpResponse sentry_cron(const Services& services, const net::HttpRequest& request) {
  const auto key = request.path_params.find("key");
  const auto caller = sentry_authenticate(
      services, request, {}, key == request.path_params.end() ? "" : std::string_view(key->second));
  if (!caller) return sentry_error(caller.error());
  auto item = cron_item(request);
  if (!item) return sentry_error(item.error());
  const auto outcome = services.ingest.sentry_check_in(caller->project, *std::move(item), caller->sender);
  if (!outcome || !outcome->limited.empty()) return sentry_outcome(outcome);
  auto response = net::HttpResponse::empty(202);
  add_sentry_cors(response);
  return response;
}

}  // namespace

void add_sentry_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.bulk = true;
  options.max_decoded_bytes = limits::kMaxEnvelopeBytes;
  options.name = "sentry_envelope";
  router.add(
      "POST", "/api/{project}/envelope",
      [&services](const net::HttpRequest& r, WorkContext&) { return sentry_envelope(services, r); }, options);
  options.name = "sentry_minidump";
  router.add(
      "POST", "/api/{project}/minidump",
      [&services](const net::HttpRequest& r, WorkContext&) { return sentry_minidump(services, r); }, options);
  options.name = "sentry_attachments";
  router.add(
      "POST", "/api/{project}/events/{event}/attachments",
      [&services](const net::HttpRequest& r, WorkContext&) { return sentry_event_files(services, r); },
      options);
  options.name = "sentry_store";
  options.max_decoded_bytes = limits::kMaxErrorEventBytes;
  router.add(
      "POST", "/api/{project}/store",
      [&services](const net::HttpRequest& r, WorkContext&) { return sentry_store(services, r); }, options);
  options.name = "sentry_security";
  options.max_decoded_bytes = limits::kMaxSecurityReportBytes;
  for (const char* pattern : {"/api/{project}/security", "/api/{project}/csp-report"}) {
    router.add(
        "POST", pattern,
        [&services](const net::HttpRequest& r, WorkContext&) { return sentry_security(services, r); },
        options);
  }
  options.name = "sentry_cron";
  options.max_decoded_bytes = limits::kMaxCheckInBytes;
  for (const char* pattern : {"/api/{project}/cron/{slug}", "/api/{project}/cron/{slug}/{key}"}) {
    for (const char* method : {"GET", "POST"}) {
      router.add(
          method, pattern,
          [&services](const net::HttpRequest& r, WorkContext&) { return sentry_cron(services, r); }, options);
    }
  }
  for (const char* pattern : {"/api/{project}/envelope", "/api/{project}/store", "/api/{project}/security",
                              "/api/{project}/csp-report", "/api/{project}/events/{event}/attachments"}) {
    router.add("OPTIONS", pattern, sentry_preflight, {});
  }
}

}  // namespace telltale::api
