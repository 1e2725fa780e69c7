// The cookie that a browser is signed in with, and whether a change comes from our own pages.
#pragma once

#include <optional>
#include <string>

#include "api/services.hpp"

namespace telltale::api {

/// `__Host-telltale` where the connection is safe from listeners, so that nobody else on the host's domain
/// can set it; `telltale_session` over plain HTTP, where browsers refuse the former.
std::string session_cookie_name(const Services& services, const net::HttpRequest& request);
/// The Set-Cookie value that keeps `token` for `lasts`; an empty token ends the cookie.
std::string session_cookie(const Services& services, const net::HttpRequest& request, std::string_view token,
                           Nanos lasts);
/// The token in the request's cookie.
std::optional<std::string> session_token(const Services& services, const net::HttpRequest& request);

/// permission_denied when a browser says that another site made this request.
Result<> require_own_origin(const Services& services, const net::HttpRequest& request);

accounts::Caller caller_of(const net::HttpRequest& request);
/// As authorise(), for somebody who is signed in with a session.
Result<accounts::Principal> authorise_session(const Services& services, const net::HttpRequest& request);

/// What `auth/session` answers whoever is signed in. Errors: those of authorise().
Result<std::string> session_json(const Services& services, const net::HttpRequest& request);

/// Where people reach this server: server.external_url, else what the request says; no slash at the end.
std::string base_url(const Services& services, const net::HttpRequest& request);

}  // namespace telltale::api
