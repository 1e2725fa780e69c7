// The web UI: its files, and its one page for every path that a browser opens and no API knows. The page
// carries a nonce, made anew for each answer, that its editor needs to add styles under the content security
// policy, and who is signed in, so that it can ask for its data at once.
#include <fmt/format.h>

#include "api/services.hpp"
#include "api/sign_in.hpp"
#include "api/web/files.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'{}; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";
constexpr std::string_view kNotBuilt =
    "Telltale is running; its web UI is not a part of this build.\n\n"
    "`./dev build` builds both where Node.js 20 or npm is found. By hand: `npm ci && npm run build` in web/, "
    "then\n"
    "build again, or start with --ui-dir web/dist.\n\n"
    "The API is there: see docs/api.md, and /api/telltale/v1/openapi.json here.\n";

bool wants_page(const net::HttpRequest& request) {
  if (request.header("accept").find("text/html") == std::string_view::npos) return false;
  for (const std::string_view prefix : {"/api/", "/-/", "/assets/", "/loki/", "/v1/"}) {
    if (request.path.starts_with(prefix)) return false;
  }
  return true;
}

std::string escape_attribute(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += "&quot;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Nobody's session, or one that is over: nothing. The page then asks, since a link from another site comes
/// without the cookie that a request of the page itself carries.
std::string session_meta(const Services& services, const net::HttpRequest& request) {
  if (!session_token(services, request)) return {};
  const auto session = session_json(services, request);
  if (!session) return {};
  return fmt::format("<meta name=\"session\" content=\"{}\">", escape_attribute(*session));
}

net::HttpResponse web_page(const Services& services, const net::HttpRequest& request) {
  auto index = services.web.find("index.html", "");
  if (!index) return net::HttpResponse::text(std::string(kNotBuilt));
  const std::string nonce = to_base64(secure_random(18));
  const std::string prefix = escape_attribute(services.path_prefix);
  std::string page = std::move(index->body);
  // The build knows no prefix; its addresses are absolute (`/assets/…`) or relative to the root
  // (`./assets/…`).
  for (const std::string_view name : {"src", "href"}) {
    replace_all(page, fmt::format("{}=\"./", name), fmt::format("{}=\"{}/", name, prefix));
    if (!prefix.empty()) {
      replace_all(page, fmt::format("{}=\"/assets/", name), fmt::format("{}=\"{}/assets/", name, prefix));
    }
  }
  const std::string session = session_meta(services, request);
  const std::size_t head = page.find("</head>");
  if (head != std::string::npos) {
    page.insert(head, fmt::format("<meta name=\"csp-nonce\" content=\"{}\">"
                                  "<meta name=\"base-path\" content=\"{}\">{}",
                                  nonce, prefix, session));
  }
  net::HttpResponse response{200, index->content_type, std::move(page), {}};
  response.headers.emplace_back("Cache-Control", session.empty() ? "no-cache" : "private, no-cache");
  response.headers.emplace_back("Content-Security-Policy", content_security_policy(nonce));
  return response;
}

net::HttpResponse web_file(const net::HttpRequest& request, WebFile file, bool hashed) {
  net::HttpResponse response{200, std::move(file.content_type), std::move(file.body), {}};
  response.headers.emplace_back("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (!file.etag.empty()) {
    const std::string tag = fmt::format("\"{}{}\"", file.etag, file.coding.empty() ? "" : "-" + file.coding);
    response.headers.emplace_back("ETag", tag);
    if (request.header("if-none-match").find(tag) != std::string_view::npos) {
      response.status = 304;
      response.body.clear();
    }
  }
  if (!file.coding.empty()) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (response.status == 200) response.headers.emplace_back("Content-Encoding", file.coding);
  }
  return response;
}

}  // namespace

std::string content_security_policy(std::string_view nonce) {
  return fmt::format(kPolicy, nonce.empty() ? std::string() : fmt::format(" 'nonce-{}'", nonce));
}

net::Headers security_headers() {
  return {{"Content-Security-Policy", content_security_policy("")},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cache-Control", "no-store"}};
}

std::optional<net::HttpResponse> page_for_browser(const Services& services, const net::HttpRequest& request) {
  if (!wants_page(request) || !request.header("authorization").empty()) return std::nullopt;
  return web_page(services, request);
}

net::HttpResponse web_answer(const Services& services, const net::HttpRequest& request) {
  const std::string_view path = std::string_view(request.path).substr(1);
  if (!path.empty() && path != "index.html") {
    const bool hashed = path.starts_with("assets/");
    auto file = services.web.find(path, net::choose_coding(request.header("accept-encoding")));
    if (file) return web_file(request, *std::move(file), hashed);
  }
  if (path.empty() || path == "index.html" || wants_page(request)) return web_page(services, request);
  return net::error_response(404, "not_found", "no such path");
}

void add_web_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.name = "web";
  const auto answer = [&services](const net::HttpRequest& request, WorkContext&) {
    return web_answer(services, request);
  };
  router.set_fallback(answer, options);
}

}  // namespace telltale::api
