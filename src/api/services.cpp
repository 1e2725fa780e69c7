#include "api/services.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/json.hpp"

namespace telltale::api {

Result<storage::Projects> readable_projects(const Services& services, const accounts::Principal& principal) {
  if (principal.project.value != 0) return storage::Projects{principal.project};
  TT_ASSIGN(const auto all, services.records.projects().list());
  storage::Projects ids;
  for (const auto& project : all) ids.push_back(project.id);
  return ids;
}

void add_error_headers(net::HttpResponse& response) {
  if (response.status == 401) {
    // No Basic, though it is taken: a browser would ask for it in a window of its own.
    response.headers.emplace_back("WWW-Authenticate", R"(Bearer realm="telltale")");
  }
  if (response.status == 429 || response.status == 503) response.headers.emplace_back("Retry-After", "5");
}

net::HttpResponse error_response(const Error& error) {
  JsonWriter w;
  w.begin_object().key("error").begin_object();
  w.field("kind", to_string(error.kind())).field("message", error.message());
  w.end_object().end_object();
  auto response = net::HttpResponse::json(w.take(), net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

Result<UnixNanos> parse_time_param(std::string_view field, std::string_view text) {
  double seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem == std::errc() && end == text.data() + text.size() && std::fabs(seconds) < 9.2e9) {
    const double whole = std::floor(seconds);
    return UnixNanos{static_cast<std::int64_t>(whole) * 1'000'000'000 +
                     static_cast<std::int64_t>(std::llround((seconds - whole) * 1e9))};
  }
  auto time = parse_rfc3339(text);
  if (!time) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", field, time.error().message()));
  return time;
}

}  // namespace telltale::api
