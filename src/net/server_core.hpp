// What all connections of a server share: routes, limits, the handler pool, budgets, metrics and the list of
// connections. Knows nothing of sockets.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "net/address.hpp"
#include "net/server.hpp"

namespace telltale::net {

class Connection;

struct RouteMetrics {
  explicit RouteMetrics(LatencyHistogram& histogram) : duration(histogram) {}
  LatencyHistogram& duration;
  Mutex mutex;
  std::map<std::pair<std::string, int>, Counter*> requests TT_GUARDED_BY(mutex);
};

struct WebSocketRoute {
  WebSocketAccept accept;
  RouteOptions options;
};

/// One request on its way through the pool.
struct Exchange {
  HttpRequest request;
  const Handler* handler = nullptr;
  const RouteOptions* options = nullptr;
  const WebSocketRoute* websocket = nullptr;
  std::shared_ptr<WorkContext> context;
  std::string method;  // as sent; HEAD stays HEAD
  std::size_t body_bytes = 0;
  std::size_t streamed_bytes = 0;  // sent of HttpResponse::stream
  Nanos started{0};
};

class ServerCore {
 public:
  ServerCore(HttpServerOptions options, Router router, const Clock& clock, const Logger& logger,
             MetricsRegistry& metrics);

  /// On the pool: decodes, calls the handler, survives its exceptions, compresses.
  HttpResponse run(Exchange& exchange);
  /// On the pool: the next piece of a streamed answer; survives the stream's exceptions.
  Result<> piece(Exchange& exchange, const BodyStream& stream, std::string& out);
  /// Counts and logs a response.
  void record(const Exchange& exchange, const HttpResponse& response);

  void add(const std::shared_ptr<Connection>& connection) TT_EXCLUDES(mutex);
  void remove(Connection* connection) TT_EXCLUDES(mutex);
  std::vector<std::shared_ptr<Connection>> connections() TT_EXCLUDES(mutex);
  bool wait_until_empty(Nanos deadline) TT_EXCLUDES(mutex);

  // Constant after start().
  HttpServerOptions options;
  Router router;
  Router websocket_router;
  std::map<std::string, WebSocketRoute> websockets;  // by pattern
  std::vector<Cidr> trusted;
  const Clock& clock;
  const Logger& logger;
  MetricsRegistry& metrics;
  std::unique_ptr<ThreadPool> pool;

  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> buffered_bytes{0};
  std::atomic<std::size_t> open{0};
  Gauge& in_flight;
  Gauge& open_gauge;
  Counter& refused;

 private:
  HttpResponse call(Exchange& exchange);
  RouteMetrics& route_metrics(const std::string& route) TT_EXCLUDES(mutex);
  Mutex mutex;
  CondVar empty_;
  std::map<Connection*, std::weak_ptr<Connection>> connections_ TT_GUARDED_BY(mutex);
  std::map<std::string, std::unique_ptr<RouteMetrics>> route_metrics_ TT_GUARDED_BY(mutex);
};

}  // namespace telltale::net
