// InfluxDB's HTTP interface, as far as clients that write call it: both versions' /write, /ping, /health, and
// the two statements of /query that they send before. All of it is below /influx/, too.
#include <fmt/format.h>

#include "api/services.hpp"
#include "base/json.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"
#include "wire/influx/lines.hpp"

namespace telltale::api {
namespace {

enum class InfluxVersion : unsigned char { v1, v2 };

constexpr std::string_view kInfluxVersion = "1.8.10";  // whose interface this is, for clients that ask

std::string_view influx_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthenticated:
      return "unauthorized";
    case ErrorKind::permission_denied:
      return "forbidden";
    case ErrorKind::too_large:
      return "request too large";
    case ErrorKind::resource_exhausted:
      return "too many requests";
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
      return "unavailable";
    case ErrorKind::internal:
    case ErrorKind::io:
    case ErrorKind::corruption:
      return "internal error";
    default:
      return "invalid";
  }
}

net::HttpResponse influx_error(InfluxVersion version, const Error& error) {
  JsonWriter w;
  w.begin_object();
  if (version == InfluxVersion::v1) {
    w.field("error", error.message());
  } else {
    w.field("code", influx_code(error.kind())).field("message", error.message());
  }
  w.end_object();
  auto response = net::HttpResponse::json(w.take(), net::http_status(error.kind()));
  response.headers.emplace_back("X-Influxdb-Error", std::string(influx_code(error.kind())));
  add_error_headers(response);
  return response;
}

/// A header, or `u=` and `p=` with the token as the password.
Result<accounts::Principal> influx_principal(const Services& services, const net::HttpRequest& request,
                                             accounts::Scope scope) {
  const auto password = request.param("p");
  if (!request.header("authorization").empty() || !password) return authorise(services, request, scope);
  TT_ASSIGN(auto principal, services.accounts.authenticate_bearer(*password, request.remote_address));
  TT_TRY(principal.require(scope));
  return principal;
}

std::string partial_write(const ingest::MetricOutcome& outcome) {
  std::string text =
      fmt::format("partial write: {} dropped={}", outcome.rejected.front().reason, outcome.refused_samples);
  for (const auto& e : outcome.rejected) text += fmt::format("; line {}: {}", e.index, e.reason);
  return text;
}

net::HttpResponse influx_write(const Services& services, const net::HttpRequest& request,
                               InfluxVersion version) {
  const auto principal = influx_principal(services, request, accounts::Scope::ingest);
  if (!principal) return influx_error(version, principal.error());
  const auto unit = wire::influx::unit_from(request.param("precision").value_or(""));
  if (!unit) {
    return influx_error(
        version, Error(ErrorKind::invalid_argument, "precision: must be one of ns, n, us, u, ms, s, m, h"));
  }
  const auto db = request.param(version == InfluxVersion::v1 ? "db" : "bucket").value_or("");
  const auto outcome = services.ingest.influx_write(principal->default_project(), request.body, *unit, db);
  if (!outcome) return influx_error(version, outcome.error());
  if (outcome->rejected.empty()) {
    auto response = net::HttpResponse::empty(204);
    response.headers.emplace_back("X-Influxdb-Version", std::string(kInfluxVersion));
    return response;
  }
  return influx_error(version, Error(ErrorKind::invalid_argument, partial_write(*outcome)));
}

net::HttpResponse influx_ping() {
  auto response = net::HttpResponse::empty(204);
  response.headers.emplace_back("X-Influxdb-Version", std::string(kInfluxVersion));
  return response;
}

net::HttpResponse influx_health(const Services& services, const net::HttpRequest& request) {
  if (auto page = page_for_browser(services, request)) return *std::move(page);
  const bool ready = services.ready();
  JsonWriter w;
  w.begin_object().field("name", "influxdb").field("message", ready ? "ready for writes" : "not ready");
  w.field("status", ready ? "pass" : "fail").field("version", kInfluxVersion).end_object();
  return net::HttpResponse::json(w.take(), ready ? 200 : 503);
}

/// Upper case, runs of white space as one space, no semicolon at the end.
std::string statement_of(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == ';')) out.pop_back();
  return out;
}

net::HttpResponse influx_query(const Services& services, const net::HttpRequest& request,
                               WorkContext& context) {
  const auto v1 = InfluxVersion::v1;
  const std::string statement = statement_of(request.param("q").value_or(""));
  // A database is a label's value: there is nothing to be made.
  const bool create = statement.starts_with("CREATE DATABASE ");
  const auto principal =
      influx_principal(services, request, create ? accounts::Scope::ingest : accounts::Scope::read);
  if (!principal) return influx_error(v1, principal.error());
  if (create) return net::HttpResponse::json(R"({"results":[{"statement_id":0}]})");
  if (statement != "SHOW DATABASES") {
    return influx_error(v1,
                        Error(ErrorKind::invalid_argument,
                              "q: InfluxQL is not spoken here, but for SHOW DATABASES; query with PromQL"));
  }
  const auto projects = readable_projects(services, *principal);
  if (!projects) return influx_error(v1, projects.error());
  storage::LabelQuery query;
  query.projects = *projects;
  query.range = {UnixMillis{0}, services.clock.now().to_millis() + std::chrono::minutes(10)};
  const auto names = services.metrics.label_values("db", query, context);
  if (!names) return influx_error(v1, names.error());
  JsonWriter w;
  w.begin_object().key("results").begin_array().begin_object().field("statement_id", std::int64_t{0});
  w.key("series").begin_array().begin_object().field("name", "databases").key("columns").begin_array();
  w.string("name").end_array().key("values").begin_array();
  for (const auto& name : *names) w.begin_array().string(name).end_array();
  w.end_array().end_object().end_array().end_object().end_array().end_object();
  return net::HttpResponse::json(w.take());
}

}  // namespace

void add_influx_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.bulk = true;
  options.max_decoded_bytes = limits::kMaxWriteBytes;
  options.log_path = false;  // `p=` may stand in it
  const auto add = [&](const char* methods, const std::string& path, const char* name, auto handler) {
    options.name = name;
    for (const std::string prefix : {"", "/influx"}) router.add(methods, prefix + path, handler, options);
  };
  using Request = const net::HttpRequest&;
  const Services* s = &services;
  add("POST", "/write", "influx_write",
      [s](Request r, WorkContext&) { return influx_write(*s, r, InfluxVersion::v1); });
  add("POST", "/api/v2/write", "influx_write",
      [s](Request r, WorkContext&) { return influx_write(*s, r, InfluxVersion::v2); });
  options.bulk = false;
  add("GET|POST", "/ping", "influx_ping", [](Request, WorkContext&) { return influx_ping(); });
  add("GET", "/health", "influx_health", [s](Request r, WorkContext&) { return influx_health(*s, r); });
  options.work = services.query_limits;
  add("GET|POST", "/query", "influx_query",
      [s](Request r, WorkContext& c) { return influx_query(*s, r, c); });
}

}  // namespace telltale::api
