// HTTP as handlers see it: a request that is complete, decoded and within its limits, and a response that is
// written for them. Handlers are synchronous code on a bounded pool; the event loop is behind HttpServer and
// known to nobody else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.hpp"
#include "base/result.hpp"

namespace telltale::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;                                      // upper case
  std::string path;                                        // decoded, without the external path prefix
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::map<std::string, std::string, std::less<>>
      path_params;  // of the route: {project} → path_params["project"]
  Headers headers;
  std::string body;            // after Content-Encoding
  std::string remote_address;  // of the client, through trusted proxies
  bool tls = false;
  std::string client_certificate;  // subject of the verified TLS client certificate; empty without one

  /// First header of that name, any case; empty when absent.
  std::string_view header(std::string_view name) const;
  /// First parameter of that name: of an application/x-www-form-urlencoded body, else of the query.
  std::optional<std::string_view> param(std::string_view name) const;
  /// All of them, form fields before query parameters.
  std::vector<std::string_view> params(std::string_view name) const;

  using Params = std::vector<std::pair<std::string, std::string>>;
  /// The form's fields, decoded on first use; not to be called from two threads at once before that.
  const Params& form() const;

  mutable std::shared_ptr<const Params> form_cache;  // of form(); public only so that this stays an aggregate
};

/// Decodes `a=1&b=x%20y+z`. Stops at limits::kMaxQueryParams; broken escapes are kept as they are.
HttpRequest::Params parse_query(std::string_view text);
/// %XX → byte; nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// Everything but RFC 3986's unreserved characters becomes %XX.
std::string percent_encode(std::string_view text);

/// What follows `body` in an answer that is made while it is being sent. Called on the handler pool, one call
/// at a time, and again only once the piece before is with the client's socket: a slow reader slows the maker
/// down, and one piece is all that waits. Replaces `piece` (about limits::kStreamPieceBytes; an empty one
/// ends the body). After an error the connection is broken off, so that the client sees that the answer is
/// not whole. `context` is the handler's own and lives as long as the stream.
using BodyStream = std::function<Result<>(std::string& piece, WorkContext& context)>;

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;
  BodyStream stream = nullptr;  // unset: body is all; else the answer is chunked and not compressed

  static HttpResponse json(std::string body, int status = 200) {
    return {status, "application/json", std::move(body), {}, nullptr};
  }
  static HttpResponse text(std::string body, int status = 200) {
    return {status, "text/plain; charset=utf-8", std::move(body), {}, nullptr};
  }
  static HttpResponse empty(int status) { return {status, "", "", {}, nullptr}; }
};

/// Which of `br` and `gzip` a client that sent this Accept-Encoding gets; empty for neither.
std::string_view choose_coding(std::string_view accept_encoding);

/// The status of each error kind; the one place that maps them.
int http_status(ErrorKind kind);

/// `{"status":"error","errorType":"not_found","error":"…"}`: for surfaces without an error form of their own.
HttpResponse error_response(int status, std::string_view type, std::string_view message);
HttpResponse error_response(const Error& error);

using Handler = std::function<HttpResponse(const HttpRequest&, WorkContext&)>;

struct RouteOptions {
  std::string name;                   // for metrics and the access log; the pattern if empty
  std::size_t max_body_bytes = 0;     // as sent; 0: the server's default
  std::size_t max_decoded_bytes = 0;  // after decoding; 0: the server's default
  WorkLimits work;
  /// Bulk work, such as taking data in: some threads of the pool (HttpServerOptions::reserved_threads) are
  /// kept from it, so that other requests do not wait behind it.
  bool bulk = false;
  bool decode_body = true;  // false: the handler sees Content-Encoding and the raw body
  bool log_path = true;  // false: paths of this route carry secrets; the access log has the route's name only
};

/// Patterns are paths whose segments may be `{name}`; a last segment `{name*}` takes the rest. A trailing
/// slash is ignored on both sides. Literal segments win over parameters. Built before the server starts, then
/// read-only.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  /// `methods`: "GET", "GET|POST", …  HEAD is served by GET.
  void add(std::string_view methods, std::string_view pattern, Handler handler, RouteOptions options = {});

  /// Takes GET and HEAD of paths that no pattern knows.
  void set_fallback(Handler handler, RouteOptions options);

  struct Match {
    const Handler* handler = nullptr;
    const RouteOptions* options = nullptr;
    std::map<std::string, std::string, std::less<>> path_params;
    std::string allow;  // set, with no handler, when only the method is wrong
  };
  /// `path` as on the wire: segments are split first and percent-decoded after, so that %2F stays in a
  /// parameter.
  Match match(std::string_view method, std::string_view path) const;

  /// `GET /api/{project}/store` and so on, in the order of adding: what this server knows.
  const std::vector<std::string>& routes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::net
