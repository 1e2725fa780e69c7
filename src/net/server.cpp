// The event loop: accepts, sweeps deadlines, re-reads certificates.
#include "net/server.hpp"

#include <thread>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/asio_stream.ipp"
#include "net/connection.hpp"
#include "net/server_core.hpp"
#include "net/tls.hpp"

namespace telltale::net {
namespace {

constexpr Nanos kCertificateCheck = std::chrono::seconds(30);

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(HttpServerOptions options, Router router, const Clock& clock, const Logger& logger,
       MetricsRegistry& metrics)
      : core(std::make_shared<ServerCore>(std::move(options), std::move(router), clock, logger, metrics)),
        io(static_cast<int>(core->options.io_threads)),
        loop(asio::make_strand(io)),
        acceptor(loop),
        sweep_timer(loop) {}

  Result<> bind();
  Result<> load_certificates();
  void accept();
  void sweep();
  void reload_certificates();

  const std::shared_ptr<ServerCore> core;
  asio::io_context io;
  Strand loop;
  asio::basic_socket_acceptor<tcp, Strand> acceptor;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Strand>
      sweep_timer;
  TlsContext tls;
  std::string tls_version;
  Nanos tls_checked{0};
  Nanos sweep_period{0};
  std::vector<std::thread> threads;
  std::string address;
  std::uint16_t port = 0;
  bool started = false;
  bool stopped = false;
};

Result<> HttpServer::Impl::bind() {
  const std::string& name = core->options.address;
  const auto ip = IpAddress::parse(name == "localhost" ? "127.0.0.1" : name);
  if (!ip) return fail(ErrorKind::invalid_argument, "listen address \"" + name + "\" is no IP address");
  AsioError ec;
  tcp::endpoint endpoint(asio::ip::make_address(ip->text(), ec), core->options.port);
  const std::string text = (ip->is_v4() ? ip->text() : "[" + ip->text() + "]") + ":";
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(1024, ec);
  if (ec) {
    return fail(ErrorKind::io,
                "listen on " + text + std::to_string(core->options.port) + ": " + ec.message());
  }
  port = acceptor.local_endpoint(ec).port();
  address = text + std::to_string(port);
  return {};
}

Result<> HttpServer::Impl::load_certificates() {
  TT_ASSIGN(auto loaded, load_tls(core->options.tls, core->options.address));
  tls_version = std::move(loaded.version);
  tls = std::move(loaded.context);
  return {};
}

void HttpServer::Impl::reload_certificates() {
  if (core->options.tls.cert_file.empty() || !tls) return;
  const Nanos now = core->clock.steady();
  if (now - tls_checked < kCertificateCheck) return;
  tls_checked = now;
  const std::string version = tls_files_version(core->options.tls);
  if (version.empty() || version == tls_version) return;
  if (const auto loaded = load_certificates(); !loaded) {
    core->logger.error("certificates not reloaded", {{"reason", loaded.error().message()}});
  } else {
    core->logger.info("certificates reloaded");
  }
}

void HttpServer::Impl::accept() {
  acceptor.async_accept(
      asio::make_strand(io), [self = shared_from_this()](const AsioError& ec, Socket socket) {
        if (self->core->stopping || ec == asio::error::operation_aborted) return;
        if (ec) {  // out of file descriptors, most likely: let some connections end
          auto pause = std::make_shared<asio::steady_timer>(self->io, std::chrono::milliseconds(100));
          pause->async_wait(asio::bind_executor(self->loop, [self, pause](const AsioError&) {
            if (!self->core->stopping) self->accept();
          }));
          return;
        }
        if (self->core->open >= self->core->options.limits.max_connections) {
          self->core->refused.add();
          AsioError ignored;
          socket.close(ignored);
        } else {
          AsioError ignored;
          socket.set_option(tcp::no_delay(true), ignored);
          std::unique_ptr<Stream> stream;
          if (self->tls) {
            stream = std::make_unique<TlsStream>(std::move(socket), self->tls);
          } else {
            stream = std::make_unique<PlainStream>(std::move(socket));
          }
          auto connection = std::make_shared<Connection>(self->core, std::move(stream));
          self->core->add(connection);
          connection->start();
        }
        self->accept();
      });
}

void HttpServer::Impl::sweep() {
  sweep_timer.expires_after(sweep_period);
  sweep_timer.async_wait([self = shared_from_this()](const AsioError& ec) {
    if (ec) return;
    const Nanos now = self->core->clock.steady();
    for (const auto& connection : self->core->connections()) connection->check_deadline(now);
    self->reload_certificates();
    self->sweep();
  });
}

HttpServer::HttpServer(HttpServerOptions options, Router router, const Clock& clock, const Logger& logger,
                       MetricsRegistry& metrics)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(router), clock, logger, metrics)) {}

HttpServer::~HttpServer() { stop(std::chrono::seconds(1)); }

void HttpServer::add_websocket(std::string_view pattern, WebSocketAccept accept, RouteOptions options) {
  const std::string key(pattern);
  if (options.name.empty()) options.name = key;
  impl_->core->websockets[key] = WebSocketRoute{std::move(accept), std::move(options)};
  RouteOptions lookup;
  lookup.name = key;
  impl_->core->websocket_router.add(
      "GET", pattern, [](const HttpRequest&, WorkContext&) { return HttpResponse::empty(426); }, lookup);
}

Result<> HttpServer::start() {
  Impl& s = *impl_;
  HttpServerOptions& options = s.core->options;
  TT_ASSIGN(s.core->trusted, parse_cidrs(options.trusted_proxies, "trusted_proxies"));
  if (options.path_prefix.ends_with('/')) options.path_prefix.pop_back();
  if (!options.path_prefix.empty() && !options.path_prefix.starts_with('/')) {
    return fail(ErrorKind::invalid_argument,
                "path_prefix: \"" + options.path_prefix + "\" does not start with /");
  }
  if (!options.tls.cert_file.empty() && options.tls.key_file.empty()) {
    return fail(ErrorKind::invalid_argument, "tls.key: needed with tls.cert");
  }
  if (options.tls.enabled()) TT_TRY(s.load_certificates());
  TT_TRY(s.bind());
  s.core->pool = std::make_unique<ThreadPool>(
      "http", std::max<std::size_t>(options.handler_threads, 1), options.limits.max_queued_requests,
      ThreadPoolOptions{options.reserved_threads, [&log = s.core->logger](std::string_view what) {
                          log.error("task threw", {{"pool", "http"}, {"what", what}});
                        }});
  const HttpServerLimits& l = options.limits;
  const Nanos shortest =
      std::min({l.header_timeout, l.body_timeout, l.idle_timeout, options.websocket.ping_interval});
  s.sweep_period = std::clamp<Nanos>(shortest / 4, std::chrono::milliseconds(10), std::chrono::seconds(1));
  s.started = true;
  asio::post(s.loop, [impl = impl_] {
    impl->accept();
    impl->sweep();
  });
  for (std::size_t i = 0; i < std::max<std::size_t>(options.io_threads, 1); ++i) {
    s.threads.emplace_back([impl = impl_.get(), i] {
      name_thread("net-" + std::to_string(i));
      const auto work = asio::make_work_guard(impl->io);
      impl->io.run();
    });
  }
  return {};
}

void HttpServer::stop(Nanos deadline) {
  Impl& s = *impl_;
  if (!s.started || s.stopped) return;
  s.stopped = true;
  s.core->stopping = true;
  asio::post(s.loop, [impl = impl_] {
    AsioError ignored;
    impl->acceptor.close(ignored);
  });
  for (const auto& connection : s.core->connections()) connection->begin_shutdown();
  if (!s.core->wait_until_empty(deadline)) {
    s.core->logger.warn("stopping with requests in flight", {{"connections", s.core->open.load()}});
    for (const auto& connection : s.core->connections()) connection->force_close();
    s.core->wait_until_empty(std::chrono::seconds(1));
  }
  s.core->pool->stop();
  s.io.stop();
  for (auto& thread : s.threads) thread.join();
  AsioError ignored;
  s.acceptor.close(ignored);
  s.sweep_timer.cancel();
  s.io.restart();
  s.io.poll();  // completions of what was closed, so that nothing outlives the loop
}

std::uint16_t HttpServer::port() const { return impl_->port; }
std::string HttpServer::address() const { return impl_->address; }
std::string HttpServer::url() const {
  return (impl_->tls ? "https://" : "http://") + impl_->address + impl_->core->options.path_prefix;
}
std::size_t HttpServer::open_connections() const { return impl_->core->open; }

}  // namespace telltale::net
