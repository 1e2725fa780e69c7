#include "api/sign_in.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

constexpr std::string_view kSafeCookie = "__Host-telltale";
constexpr std::string_view kPlainCookie = "telltale_session";

std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string_view::npos ? std::string_view()
                                          : url.substr(0, url.find_first_of("/?#", scheme + 3));
}

bool plain_host(std::string_view host) {
  if (host.empty() || host.size() > 255) return false;
  for (const char c : host) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
    if (!good) return false;
  }
  return true;
}

/// TLS here, or at a proxy in front whose address the settings name.
bool is_safe(const Services& services, const net::HttpRequest& request) {
  if (request.tls) return true;
  constexpr std::string_view kHttps = "https://";
  const std::string_view own = origin_of(services.external_url);
  return own.starts_with(kHttps) && equal_ignore_case(own.substr(kHttps.size()), request.header("host"));
}

Result<> check_change(const Services& services, const net::HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return {};
  if (request.header("x-telltale").empty()) {
    return fail(ErrorKind::permission_denied, "X-Telltale: a change with a session needs this header");
  }
  TT_TRY(require_own_origin(services, request));
  if (request.header("origin").empty() && request.header("sec-fetch-site").empty()) {
    return fail(ErrorKind::permission_denied, "Origin: a change with a session needs this header");
  }
  return {};
}

Result<accounts::Principal> principal_of(const Services& services, const net::HttpRequest& request) {
  const auto token = session_token(services, request);
  if (!token || !request.header("authorization").empty()) {
    return services.accounts.authenticate_header(request.header("authorization"), request.remote_address);
  }
  TT_TRY(check_change(services, request));
  return services.sessions.authenticate(*token);
}

}  // namespace

namespace {

/// `whole_server`: of every project, too.
Result<accounts::Principal> authorised(const Services& services, const net::HttpRequest& request,
                                       accounts::Scope scope, bool whole_server) {
  auto principal = principal_of(services, request);
  Result<> allowed;
  if (principal) allowed = principal->require(scope);
  if (principal && allowed && whole_server && principal->project.value != 0)
    allowed = fail(ErrorKind::permission_denied,
                   fmt::format("token '{}' is for project {} only; this is for admins of every project",
                               principal->name, principal->project.value));
  if (principal && allowed) return principal;
  const Error error = principal ? allowed.error() : principal.error();
  if (error.kind() == ErrorKind::permission_denied) {
    services.log.warn("auth", {{"event", "request"},
                               {"outcome", "refused"},
                               {"by", principal ? std::string_view(principal->name) : std::string_view()},
                               {"wanted", to_string(scope)},
                               {"method", request.method},
                               {"path", truncate_utf8(request.path, limits::kMaxLoggedAgentBytes)},
                               {"remote", request.remote_address}});
  }
  return tl::unexpected<Error>(error);
}

}  // namespace

Result<accounts::Principal> authorise(const Services& services, const net::HttpRequest& request,
                                      accounts::Scope scope) {
  return authorised(services, request, scope, false);
}

Result<accounts::Principal> authorise_server_admin(const Services& services,
                                                   const net::HttpRequest& request) {
  return authorised(services, request, accounts::Scope::admin, true);
}

std::string session_cookie_name(const Services& services, const net::HttpRequest& request) {
  return std::string(is_safe(services, request) ? kSafeCookie : kPlainCookie);
}

std::string session_cookie(const Services& services, const net::HttpRequest& request, std::string_view token,
                           Nanos lasts) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lasts).count();
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
                     session_cookie_name(services, request), token, token.empty() ? 0 : seconds,
                     is_safe(services, request) ? "; Secure" : "");
}

std::optional<std::string> session_token(const Services& services, const net::HttpRequest& request) {
  const std::string name = session_cookie_name(services, request);
  for (const auto& [header, value] : request.headers) {
    if (!equal_ignore_case(header, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
        return std::string(pair.substr(name.size() + 1));
      }
    }
  }
  return std::nullopt;
}

Result<> require_own_origin(const Services& services, const net::HttpRequest& request) {
  const auto foreign = [] {
    return fail(
        ErrorKind::permission_denied,
        "Origin: not this server's; behind a proxy, set server.external_url to the address people use");
  };
  // A browser's own word, which no page can set.
  if (const auto site = request.header("sec-fetch-site"); !site.empty()) {
    return site == "same-origin" || site == "none" ? Result<>() : Result<>(foreign());
  }
  const std::string_view origin = request.header("origin");
  if (origin.empty() || equal_ignore_case(origin, origin_of(services.external_url))) return {};
  const std::string own = fmt::format("{}://{}", request.tls ? "https" : "http", request.header("host"));
  return equal_ignore_case(origin, own) ? Result<>() : Result<>(foreign());
}

accounts::Caller caller_of(const net::HttpRequest& request) {
  return {request.remote_address, std::string(request.header("user-agent"))};
}

Result<accounts::Principal> authorise_session(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto principal, authorise(services, request, accounts::Scope::read));
  if (principal.session == 0) {
    return fail(ErrorKind::permission_denied, "this is for people who are signed in, not for tokens");
  }
  return principal;
}

std::string base_url(const Services& services, const net::HttpRequest& request) {
  std::string url = services.external_url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.empty()) return url;
  const std::string_view host = request.header("host");
  return fmt::format("{}://{}", request.tls ? "https" : "http", plain_host(host) ? host : "127.0.0.1:8355");
}

}  // namespace telltale::api
