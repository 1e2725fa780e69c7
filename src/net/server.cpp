// The event loop: accepts, sweeps deadlines, re-reads certificates. The only file that knows Asio.
#include "net/server.hpp"

#include <thread>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "net/connection.hpp"
#include "net/server_core.hpp"
#include "net/tls.hpp"

namespace telltale::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using AsioError = boost::system::error_code;
using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<tcp, Strand>;
using TlsContext = std::shared_ptr<asio::ssl::context>;

constexpr Nanos kCertificateCheck = std::chrono::seconds(30);

std::string peer_text(const Socket& socket) {
  AsioError ec;
  const auto endpoint = socket.remote_endpoint(ec);
  return ec ? std::string() : endpoint.address().to_string();
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)), peer_(peer_text(socket_)) {}
  void handshake(std::shared_ptr<StreamEvents> keep) override { keep->on_handshake(true); }
  void read_some(char* to, std::size_t n, std::shared_ptr<StreamEvents> keep) override {
    socket_.async_read_some(asio::buffer(to, n),
                            [keep](const AsioError& ec, std::size_t got) { keep->on_read(!ec, got); });
  }
  void write_some(std::string_view a, std::string_view b, std::shared_ptr<StreamEvents> keep) override {
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(a), asio::buffer(b)};
    socket_.async_write_some(parts,
                             [keep](const AsioError& ec, std::size_t put) { keep->on_write(!ec, put); });
  }
  void shutdown_send() override {
    AsioError ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    AsioError ignored;
    socket_.close(ignored);
  }
  void post(std::function<void()> task) override { asio::post(socket_.get_executor(), std::move(task)); }
  bool tls() const override { return false; }
  std::string peer() const override { return peer_; }
  std::string peer_certificate() const override { return {}; }

 private:
  Socket socket_;
  const std::string peer_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, TlsContext context)
      : context_(std::move(context)),
        stream_(std::move(socket), *context_),
        peer_(peer_text(stream_.next_layer())) {}
  void handshake(std::shared_ptr<StreamEvents> keep) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [keep](const AsioError& ec) { keep->on_handshake(!ec); });
  }
  void read_some(char* to, std::size_t n, std::shared_ptr<StreamEvents> keep) override {
    stream_.async_read_some(asio::buffer(to, n),
                            [keep](const AsioError& ec, std::size_t got) { keep->on_read(!ec, got); });
  }
  void write_some(std::string_view a, std::string_view b, std::shared_ptr<StreamEvents> keep) override {
    stream_.async_write_some(asio::buffer(a.empty() ? b : a),
                             [keep](const AsioError& ec, std::size_t put) { keep->on_write(!ec, put); });
  }
  void shutdown_send() override {
    // No close alert: every response has its length, so an end of the stream cuts nothing off.
    AsioError ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    AsioError ignored;
    stream_.next_layer().close(ignored);
  }
  void post(std::function<void()> task) override { asio::post(stream_.get_executor(), std::move(task)); }
  bool tls() const override { return true; }
  std::string peer() const override { return peer_; }
  std::string peer_certificate() const override {
    SSL* ssl = const_cast<TlsStream*>(this)->stream_.native_handle();
    X509* certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    std::string subject;
    if (SSL_get_verify_result(ssl) == X509_V_OK) {
      char* text = X509_NAME_oneline(X509_get_subject_name(certificate), nullptr, 0);
      subject = text == nullptr ? "" : text;
      OPENSSL_free(text);
    }
    X509_free(certificate);
    return subject;
  }

 private:
  const TlsContext context_;
  asio::ssl::stream<Socket> stream_;
  const std::string peer_;
};

Result<TlsContext> make_tls_context(const ServerTls& tls, const TlsPem& pem) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  AsioError ec;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       ec);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  context->use_certificate_chain(asio::buffer(pem.certificate), ec);
  if (ec) return fail(ErrorKind::invalid_argument, "tls.cert: " + ec.message());
  context->use_private_key(asio::buffer(pem.key), asio::ssl::context::pem, ec);
  if (ec) return fail(ErrorKind::invalid_argument, "tls.key: " + ec.message());
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return fail(ErrorKind::invalid_argument, "tls.key does not belong to tls.cert");
  }
  if (!tls.client_ca_file.empty()) {
    context->load_verify_file(tls.client_ca_file, ec);
    if (ec) return fail(ErrorKind::invalid_argument, "tls.client_ca: " + ec.message());
    const auto required = tls.require_client_cert ? asio::ssl::verify_fail_if_no_peer_cert : 0;
    context->set_verify_mode(asio::ssl::verify_peer | required, ec);
    const unsigned char id[] = "telltale";
    SSL_CTX_set_session_id_context(context->native_handle(), id, sizeof id - 1);
  }
  return context;
}

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
  const ServerTls& options = core->options.tls;
  TlsPem pem;
  tls_version = tls_files_version(options);
  if (options.cert_file.empty()) {
    TT_ASSIGN(pem, make_self_signed(core->options.address));
  } else {
    TT_ASSIGN(pem.certificate, read_pem(options.cert_file));
    TT_ASSIGN(pem.key, read_pem(options.key_file));
  }
  TT_ASSIGN(tls, make_tls_context(options, pem));
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
  s.core->pool = std::make_unique<ThreadPool>("http", std::max<std::size_t>(options.handler_threads, 1),
                                              options.limits.max_queued_requests);
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
