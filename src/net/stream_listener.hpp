// TCP and TLS connections that only send: bytes go to a handler on a pool, and nothing more is read of a
// connection until its handler has returned. That is the back-pressure: a handler that waits stops its
// sender.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/input_limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/address.hpp"
#include "net/server.hpp"

namespace telltale::net {

/// One connection's. Called one at a time, on the pool.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void on_bytes(std::string_view bytes) = 0;
  /// The last call: the sender has ended, or we have.
  virtual void on_end() = 0;
};

struct StreamPeer {
  IpAddress address;
  std::string certificate;  // subject; empty without one
};

using StreamAccept = std::function<std::unique_ptr<StreamHandler>(const StreamPeer& peer)>;

struct StreamOptions {
  std::string name;  // label of the metrics
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;   // 0: any free one
  std::vector<Cidr> allow;  // empty: everybody
  ServerTls tls;            // plain TCP when it is not enabled
  std::size_t handler_threads = 2;
  std::size_t max_connections = limits::kMaxStreamConnections;
};

/// start() and stop() from one thread.
class StreamListener {
 public:
  StreamListener(StreamOptions options, StreamAccept accept, const Clock& clock, const Logger& log,
                 MetricsRegistry& metrics);
  ~StreamListener();
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

  Result<> start();
  /// Accepts no more, reads what has arrived on every connection, ends them. Idempotent.
  void stop(Nanos deadline = std::chrono::seconds(2));
  std::uint16_t port() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace telltale::net
