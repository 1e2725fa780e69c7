#include "net/stream_listener.hpp"

#include <atomic>
#include <map>
#include <thread>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/input_limits.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "net/asio_stream.ipp"

namespace telltale::net {
namespace {

constexpr Nanos kStreamSweep = std::chrono::milliseconds(500);
constexpr Nanos kStreamCertificateCheck = std::chrono::seconds(30);
constexpr Nanos kQuietEnough = std::chrono::milliseconds(100);  // while stopping: nothing more is on its way

using LoopTimer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                             asio::wait_traits<std::chrono::steady_clock>, Strand>;

class InputConnection;

// What the connections of a listener share.
struct StreamShared {
  StreamShared(StreamOptions o, StreamAccept a, const Clock& c, const Logger& l, MetricsRegistry& metrics)
      : options(std::move(o)),
        accept(std::move(a)),
        clock(c),
        log(l),
        connections_gauge(metrics.gauge("telltale_stream_connections", "Open connections of input streams.",
                                        {{"listener", options.name}})),
        bytes_total(metrics.counter("telltale_stream_bytes_total", "Bytes read from input streams.",
                                    {{"listener", options.name}})),
        refused_total(metrics.counter("telltale_stream_refused_total",
                                      "Connections of input streams refused.",
                                      {{"listener", options.name}})) {}

  void add(const std::shared_ptr<InputConnection>& connection);
  void remove(InputConnection* connection);
  std::vector<std::shared_ptr<InputConnection>> snapshot();
  std::size_t open();

  const StreamOptions options;
  const StreamAccept accept;
  const Clock& clock;
  const Logger& log;
  Gauge& connections_gauge;
  Counter& bytes_total;
  Counter& refused_total;
  std::unique_ptr<ThreadPool> pool;
  std::atomic<bool> stopping{false};
  Mutex mutex;
  std::map<InputConnection*, std::shared_ptr<InputConnection>> connections TT_GUARDED_BY(mutex);
};

// Handshake, then read and handle in turns. All but the handler's calls are on the connection's strand.
class InputConnection final : public StreamEvents, public std::enable_shared_from_this<InputConnection> {
 public:
  InputConnection(std::shared_ptr<StreamShared> shared, std::unique_ptr<Stream> stream, IpAddress from)
      : shared_(std::move(shared)), stream_(std::move(stream)), from_(from), last_(shared_->clock.steady()) {}

  void start() {
    stream_->post([self = shared_from_this()] { self->stream_->handshake(self); });
  }
  void on_handshake(bool ok) override {
    if (!ok || closed_) return end();
    handler_ = shared_->accept({from_, stream_->peer_certificate()});
    if (handler_ == nullptr) return end();
    buffer_.resize(limits::kStreamReadBytes);
    read();
  }
  void on_read(bool ok, std::size_t n) override {
    reading_ = false;
    last_ = shared_->clock.steady();
    if (n == 0 || !ok) return end();
    shared_->bytes_total.add(n);
    handling_ = true;
    const bool taken = shared_->pool->submit([self = shared_from_this(), n] {
      self->handler_->on_bytes({self->buffer_.data(), n});
      self->stream_->post([self] { self->handled(); });
    });
    if (!taken) handled();  // cannot be: the queue has room for every connection
  }
  void on_write(bool, std::size_t) override {}

  /// From the loop's sweep: ends a handshake that takes too long and, while stopping, whoever is quiet.
  void check(bool force) {
    stream_->post([self = shared_from_this(), force] {
      const Nanos idle = self->shared_->clock.steady() - self->last_;
      if (self->handler_ == nullptr) {
        if (force || self->shared_->stopping || idle > std::chrono::seconds(limits::kTlsHandshakeSeconds))
          self->close();
      } else if (self->shared_->stopping && !self->handling_ && (force || idle > kQuietEnough)) {
        self->close();
      } else if (force) {
        self->closed_ = true;  // after what is being handled
      }
    });
  }

 private:
  void read() {
    reading_ = true;
    stream_->read_some(buffer_.data(), buffer_.size(), shared_from_this());
  }
  void handled() {
    handling_ = false;
    last_ = shared_->clock.steady();
    if (closed_) return end();
    read();
  }
  void close() {
    closed_ = true;
    stream_->close();
    if (!reading_ && !handling_) end();
  }
  void end() {
    if (std::exchange(ended_, true)) return;
    stream_->close();
    if (handler_ == nullptr) return shared_->remove(this);
    const bool taken = shared_->pool->submit([self = shared_from_this()] {
      self->handler_->on_end();
      self->shared_->remove(self.get());
    });
    if (!taken) shared_->remove(this);
  }

  const std::shared_ptr<StreamShared> shared_;
  const std::unique_ptr<Stream> stream_;
  const IpAddress from_;
  std::unique_ptr<StreamHandler> handler_;
  std::string buffer_;
  Nanos last_;
  bool reading_ = false;
  bool handling_ = false;
  bool closed_ = false;
  bool ended_ = false;
};

void StreamShared::add(const std::shared_ptr<InputConnection>& connection) {
  const MutexLock lock(mutex);
  connections.emplace(connection.get(), connection);
  connections_gauge.set(static_cast<double>(connections.size()));
}

void StreamShared::remove(InputConnection* connection) {
  std::shared_ptr<InputConnection> gone;  // ends outside the lock
  const MutexLock lock(mutex);
  const auto place = connections.find(connection);
  if (place == connections.end()) return;
  gone = std::move(place->second);
  connections.erase(place);
  connections_gauge.set(static_cast<double>(connections.size()));
}

std::vector<std::shared_ptr<InputConnection>> StreamShared::snapshot() {
  const MutexLock lock(mutex);
  std::vector<std::shared_ptr<InputConnection>> out;
  for (const auto& [key, connection] : connections) out.push_back(connection);
  return out;
}

std::size_t StreamShared::open() {
  const MutexLock lock(mutex);
  return connections.size();
}

}  // namespace

struct StreamListener::Impl : std::enable_shared_from_this<StreamListener::Impl> {
  Impl(StreamOptions options, StreamAccept accept, const Clock& clock, const Logger& log,
       MetricsRegistry& metrics)
      : shared(std::make_shared<StreamShared>(std::move(options), std::move(accept), clock, log, metrics)),
        io(1),
        loop(asio::make_strand(io)),
        acceptor(loop),
        timer(loop) {}

  Result<> bind();
  void accept();
  void take(Socket socket);
  void sweep();
  void reload_certificates();

  const std::shared_ptr<StreamShared> shared;
  asio::io_context io;
  Strand loop;
  asio::basic_socket_acceptor<tcp, Strand> acceptor;
  LoopTimer timer;
  LoadedTls tls;
  Nanos tls_checked{0};
  std::thread thread;
  std::uint16_t port = 0;
};

Result<> StreamListener::Impl::bind() {
  const StreamOptions& o = shared->options;
  const auto ip = IpAddress::parse(o.address == "localhost" ? "127.0.0.1" : o.address);
  if (!ip) return fail(ErrorKind::invalid_argument, "listen address \"" + o.address + "\" is no IP address");
  if (o.tls.enabled()) {
    TT_ASSIGN(tls, load_tls(o.tls, o.address));
  }
  AsioError ec;
  const tcp::endpoint endpoint(asio::ip::make_address(ip->text(), ec), o.port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(256, ec);
  if (ec)
    return fail(ErrorKind::io, "listen on " + o.address + ":" + std::to_string(o.port) + ": " + ec.message());
  port = acceptor.local_endpoint(ec).port();
  return {};
}

void StreamListener::Impl::accept() {
  acceptor.async_accept(
      asio::make_strand(io), [self = shared_from_this()](const AsioError& ec, Socket socket) {
        if (self->shared->stopping || ec == asio::error::operation_aborted) return;
        if (ec) {  // out of file descriptors, most likely: let some connections end
          auto pause = std::make_shared<asio::steady_timer>(self->io, std::chrono::milliseconds(100));
          pause->async_wait(asio::bind_executor(self->loop, [self, pause](const AsioError&) {
            if (!self->shared->stopping) self->accept();
          }));
          return;
        }
        self->take(std::move(socket));
        self->accept();
      });
}

void StreamListener::Impl::take(Socket socket) {
  AsioError ignored;
  const auto from = IpAddress::parse(peer_text(socket));
  const StreamOptions& o = shared->options;
  const bool allowed = from && (o.allow.empty() || any_contains(o.allow, *from));
  if (!allowed || shared->open() >= o.max_connections) {
    shared->refused_total.add();
    socket.close(ignored);
    return;
  }
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  std::unique_ptr<Stream> stream;
  if (tls.context) {
    stream = std::make_unique<TlsStream>(std::move(socket), tls.context);
  } else {
    stream = std::make_unique<PlainStream>(std::move(socket));
  }
  auto connection = std::make_shared<InputConnection>(shared, std::move(stream), *from);
  shared->add(connection);
  connection->start();
}

void StreamListener::Impl::sweep() {
  timer.expires_after(kStreamSweep);
  timer.async_wait([self = shared_from_this()](const AsioError& ec) {
    if (ec) return;
    for (const auto& connection : self->shared->snapshot()) connection->check(false);
    self->reload_certificates();
    self->sweep();
  });
}

void StreamListener::Impl::reload_certificates() {
  const ServerTls& options = shared->options.tls;
  if (options.cert_file.empty() || !tls.context) return;
  const Nanos now = shared->clock.steady();
  if (now - tls_checked < kStreamCertificateCheck) return;
  tls_checked = now;
  const std::string version = tls_files_version(options);
  if (version.empty() || version == tls.version) return;
  if (auto loaded = load_tls(options, shared->options.address); !loaded) {
    shared->log.error("certificates not reloaded", {{"reason", loaded.error().message()}});
  } else {
    tls = *std::move(loaded);
    shared->log.info("certificates reloaded", {{"listener", shared->options.name}});
  }
}

StreamListener::StreamListener(StreamOptions options, StreamAccept accept, const Clock& clock,
                               const Logger& log, MetricsRegistry& metrics)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(accept), clock, log, metrics)) {}

StreamListener::~StreamListener() { stop(); }

Result<> StreamListener::start() {
  Impl& s = *impl_;
  TT_TRY(s.bind());
  // One task a connection at most, and one for its end.
  s.shared->pool = std::make_unique<ThreadPool>(
      "streams", s.shared->options.handler_threads, 2 * s.shared->options.max_connections + 1,
      ThreadPoolOptions{0, [&log = s.shared->log](std::string_view what) {
                          log.error("task threw", {{"pool", "streams"}, {"what", what}});
                        }});
  asio::post(s.loop, [impl = impl_] {
    impl->accept();
    impl->sweep();
  });
  s.thread = std::thread([impl = impl_.get()] {
    name_thread("streams-net");
    const auto work = asio::make_work_guard(impl->io);
    impl->io.run();
  });
  return {};
}

void StreamListener::stop(Nanos deadline) {
  Impl& s = *impl_;
  if (!s.thread.joinable()) return;
  s.shared->stopping = true;
  asio::post(s.loop, [impl = impl_] {
    AsioError ignored;
    impl->acceptor.close(ignored);
  });
  const auto until = std::chrono::steady_clock::now() + deadline;
  // What has arrived is read; a sender that never pauses is cut off at the deadline, after what was read of
  // it.
  for (bool force = false; s.shared->open() != 0;) {
    const auto now = std::chrono::steady_clock::now();
    if (now > until + std::chrono::seconds(10)) break;
    force = now > until;
    for (const auto& connection : s.shared->snapshot()) connection->check(force);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  s.shared->pool->stop();
  s.io.stop();
  s.thread.join();
  AsioError ignored;
  s.acceptor.close(ignored);
  s.timer.cancel();
  s.io.restart();
  s.io.poll();  // completions of what was closed, so that nothing outlives the loop
}

std::uint16_t StreamListener::port() const { return impl_->port; }

}  // namespace telltale::net
