#include "net/server_core.hpp"

#include <exception>

#include "net/connection.hpp"
#include "net/message.hpp"

namespace telltale::net {
namespace {

const std::string kNoRoute = "none";

std::string method_label(const std::string& method) {
  for (const char* known : {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) {
    if (method == known) return method;
  }
  return "other";
}

}  // namespace

ServerCore::ServerCore(HttpServerOptions options_in, Router router_in, const Clock& clock_in,
                       const Logger& logger_in, MetricsRegistry& metrics_in)
    : options(std::move(options_in)),
      router(std::move(router_in)),
      clock(clock_in),
      logger(logger_in),
      metrics(metrics_in),
      in_flight(metrics_in.gauge("telltale_http_requests_in_flight", "Requests queued or in a handler.")),
      open_gauge(metrics_in.gauge("telltale_http_open_connections", "Open connections.")),
      refused(metrics_in.counter("telltale_http_connections_refused_total",
                                 "Connections closed at once because there were too many.")) {}

HttpResponse ServerCore::run(Exchange& exchange) {
  HttpResponse response;
  try {
    response = call(exchange);
  } catch (const std::exception& error) {
    logger.error("handler threw", {{"route", exchange.options->name}, {"what", error.what()}});
    response = error_response(500, "internal", "internal error");
  } catch (...) {
    logger.error("handler threw", {{"route", exchange.options->name}, {"what", "unknown"}});
    response = error_response(500, "internal", "internal error");
  }
  if (response.status < 200 || response.status > 599) response.status = 500;
  return response;
}

HttpResponse ServerCore::call(Exchange& exchange) {
  HttpRequest& request = exchange.request;
  if (const auto live = exchange.context->check(); !live) return error_response(live.error());
  if (exchange.options->decode_body) {
    const std::size_t own = exchange.options->max_decoded_bytes;
    auto decoded = decode_body(std::move(request.body), request.header("Content-Encoding"),
                               own != 0 ? own : options.limits.max_decoded_body_bytes);
    if (!decoded) return error_response(decoded.error());
    request.body = *std::move(decoded);
  }
  request.form();
  HttpResponse response = (*exchange.handler)(request, *exchange.context);
  if (!response.stream) compress_response(response, request.header("Accept-Encoding"));
  return response;
}

Result<> ServerCore::piece(Exchange& exchange, const BodyStream& stream, std::string& out) {
  Result<> made;
  try {
    made = exchange.context->check();
    if (made) made = stream(out, *exchange.context);
  } catch (const std::exception& error) {
    made = fail(ErrorKind::internal, error.what());
  }
  if (!made) {
    logger.warn("streamed answer cut off", {{"route", exchange.options->name},
                                            {"bytes_out", exchange.streamed_bytes},
                                            {"reason", made.error().message()}});
  }
  return made;
}

RouteMetrics& ServerCore::route_metrics(const std::string& route) {
  MutexLock lock(mutex);
  auto& entry = route_metrics_[route];
  if (!entry) {
    entry = std::make_unique<RouteMetrics>(metrics.histogram("telltale_http_request_duration_seconds",
                                                             "From the request's last byte to its answer.",
                                                             {{"route", route}}));
  }
  return *entry;
}

void ServerCore::record(const Exchange& exchange, const HttpResponse& response) {
  const std::string& route = exchange.options != nullptr ? exchange.options->name : kNoRoute;
  const double seconds = std::chrono::duration<double>(clock.steady() - exchange.started).count();
  RouteMetrics& route_entry = route_metrics(route);
  route_entry.duration.observe(seconds);
  const std::string method = method_label(exchange.method);
  Counter* counter = nullptr;
  {
    MutexLock lock(route_entry.mutex);
    Counter*& slot = route_entry.requests[{method, response.status}];
    if (slot == nullptr) {
      slot = &metrics.counter(
          "telltale_http_requests_total", "Answered requests.",
          {{"route", route}, {"method", method}, {"status", std::to_string(response.status)}});
    }
    counter = slot;
  }
  counter->add();
  const bool show_path = exchange.options == nullptr || exchange.options->log_path;
  const auto write = [&](auto level) {
    (logger.*level)("http request",
                    {{"method", method},
                     {"route", route},
                     {"path", show_path ? std::string_view(exchange.request.path).substr(0, 256) : ""},
                     {"status", response.status},
                     {"bytes_in", exchange.body_bytes},
                     {"bytes_out", response.body.size() + exchange.streamed_bytes},
                     {"duration_ms", seconds * 1000},
                     {"remote", exchange.request.remote_address}});
  };
  write(response.status < 300 ? &Logger::debug : &Logger::info);
}

void ServerCore::add(const std::shared_ptr<Connection>& connection) {
  MutexLock lock(mutex);
  connections_.emplace(connection.get(), connection);
  open = connections_.size();
  open_gauge.set(static_cast<double>(connections_.size()));
}

void ServerCore::remove(Connection* connection) {
  MutexLock lock(mutex);
  connections_.erase(connection);
  open = connections_.size();
  open_gauge.set(static_cast<double>(connections_.size()));
  if (connections_.empty()) empty_.notify_all();
}

std::vector<std::shared_ptr<Connection>> ServerCore::connections() {
  std::vector<std::shared_ptr<Connection>> list;
  MutexLock lock(mutex);
  for (const auto& [key, weak] : connections_) {
    if (auto strong = weak.lock()) list.push_back(std::move(strong));
  }
  return list;
}

bool ServerCore::wait_until_empty(Nanos deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  MutexLock lock(mutex);
  while (!connections_.empty()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= Nanos{0}) return false;
    empty_.wait_for(mutex, left);
  }
  return true;
}

}  // namespace telltale::net
