// What happens to a message between the wire and a handler, as pure functions: who the client is, how a body
// is decoded, how a response is compressed and written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/address.hpp"
#include "net/http.hpp"

namespace telltale::net {

/// The address of the client: the peer's, or, while that is a trusted proxy, the next one from the right of
/// the X-Forwarded-For headers.
std::string client_address(std::string_view peer, const Headers& headers, const std::vector<Cidr>& trusted);

/// `path` and `query` of a request target. invalid_argument: broken escapes, NUL, `..` segments, too many
/// parameters.
Result<> parse_target(std::string_view target, std::string_view path_prefix, HttpRequest& request,
                      std::string& raw_path);

/// unsupported: a coding we do not have.
Result<> check_content_encoding(std::string_view codings);
/// Undoes Content-Encoding (at most two codings); too_large, invalid_argument, unsupported.
Result<std::string> decode_body(std::string body, std::string_view codings, std::size_t max_bytes);

/// Compresses the body when that is worth it and the client agrees; sets Content-Encoding and Vary.
void compress_response(HttpResponse& response, std::string_view accept_encoding);

/// Adds those headers that the response does not have.
void add_missing(HttpResponse& response, const Headers& headers);

struct ResponseFrame {
  bool http11 = true;
  bool keep_alive = true;
  bool head_only = false;
  bool tls = false;
  UnixNanos now;
  bool streamed = false;  // the length is not known: chunked, or up to the end of an HTTP/1.0 connection
};
/// What stands before a chunk of a chunked body (CRLF stands after it); for 0 the end of the body.
std::string chunk_head(std::size_t piece_bytes);

/// Status line and headers, the empty line included. Control characters in header values are dropped.
std::string response_head(const HttpResponse& response, const ResponseFrame& frame);

}  // namespace telltale::net
