// The HTTP server: sockets, TLS and framing on a few event-loop threads, handlers on a bounded pool. A
// request reaches its handler complete, decoded and within its limits; everything else is answered at the
// door.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/http.hpp"
#include "net/websocket.hpp"

namespace telltale::net {

struct ServerTls {
  std::string cert_file;  // PEM chain; re-read, with the key, when either changes
  std::string key_file;
  bool self_signed = false;    // a fresh certificate at every start, for localhost and the listen address
  std::string client_ca_file;  // when set, client certificates are asked for and checked against it
  bool require_client_cert = false;
  bool enabled() const { return self_signed || !cert_file.empty(); }
};

struct HttpServerLimits {
  std::size_t max_header_bytes = limits::kMaxHeaderBytes;
  std::size_t max_header_count = limits::kMaxHeaderCount;
  std::size_t max_body_bytes = limits::kMaxBodyBytes;  // as sent; a route may state its own
  std::size_t max_decoded_body_bytes = limits::kMaxDecodedBodyBytes;
  std::size_t max_buffered_bytes = limits::kMaxBufferedBodyBytes;  // bodies of all connections together
  std::size_t max_connections = limits::kMaxConnections;
  std::size_t max_queued_requests = limits::kMaxQueuedRequests;  // complete, waiting for a handler thread
  Nanos header_timeout{std::chrono::seconds(limits::kHeaderTimeoutSeconds)};  // first byte to end of headers
  Nanos body_timeout{std::chrono::seconds(limits::kBodyTimeoutSeconds)};      // for each 64 KiB, in or out
  Nanos idle_timeout{std::chrono::seconds(limits::kIdleTimeoutSeconds)};      // between requests
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address or `localhost`
  std::uint16_t port = 0;             // 0: any free one, see port()
  ServerTls tls;
  std::size_t handler_threads = 4;
  std::size_t reserved_threads = 0;  // of them, which take no requests of bulk routes
  std::size_t io_threads = 1;
  HttpServerLimits limits;
  /// CIDRs or addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.
  std::vector<std::string> trusted_proxies;
  /// `/telltale`: taken off the front of paths that carry it; paths without it are served as they are,
  /// because some proxies strip it.
  std::string path_prefix;
  /// Added to every answer that does not have them.
  Headers headers;
  /// Origins (`https://host[:port]`) besides the server's own that may open WebSockets.
  std::vector<std::string> websocket_origins;
  WebSocketOptions websocket;
};

/// Threads: construct, add_websocket, start and stop from one thread; the accessors from any. Handlers run on
/// the pool, several at a time; an exception from one is a 500 and a log line.
class HttpServer {
 public:
  /// Clock, logger and metrics must outlive the server.
  HttpServer(HttpServerOptions options, Router router, const Clock& clock, const Logger& logger,
             MetricsRegistry& metrics);
  /// Stops with a deadline of a second.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// GET routes that upgrade; patterns as in Router. Before start().
  void add_websocket(std::string_view pattern, WebSocketAccept accept, RouteOptions options = {});

  /// Binds, listens and starts the threads. invalid_argument names the option that is wrong; io the address.
  Result<> start();
  /// Stops accepting, closes idle connections, finishes requests that have begun, then, at the deadline,
  /// cancels and closes what is left. Returns when all threads are joined. Idempotent.
  void stop(Nanos deadline = std::chrono::seconds(10));

  /// After start().
  std::uint16_t port() const;
  /// `127.0.0.1:8355`, `[::1]:8355`.
  std::string address() const;
  /// `https://127.0.0.1:8355` plus the path prefix.
  std::string url() const;
  std::size_t open_connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace telltale::net
