// A connection's bytes, plain or TLS, without Asio in sight. All calls and callbacks are on the connection's
// own strand, except post(), which is how other threads get there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace telltale::net {

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void on_handshake(bool ok) = 0;
  /// `ok` false: the peer has ended or the connection is broken.
  virtual void on_read(bool ok, std::size_t n) = 0;
  virtual void on_write(bool ok, std::size_t n) = 0;
};

/// At most one read and one write at a time. `keep` keeps the owner, and with it the stream, alive until the
/// callback.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void handshake(std::shared_ptr<StreamEvents> keep) = 0;
  virtual void read_some(char* to, std::size_t n, std::shared_ptr<StreamEvents> keep) = 0;
  virtual void write_some(std::string_view a, std::string_view b, std::shared_ptr<StreamEvents> keep) = 0;
  virtual void shutdown_send() = 0;
  virtual void close() = 0;
  virtual void post(std::function<void()> task) = 0;
  virtual bool tls() const = 0;
  virtual std::string peer() const = 0;
  virtual std::string peer_certificate() const = 0;
};

}  // namespace telltale::net
