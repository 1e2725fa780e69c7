// WebSockets (RFC 6455) as handlers see them: a session to send to from any thread, and callbacks for what
// comes back. A slow reader never holds up a sender: once its queue is full, messages are dropped and
// counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/time.hpp"
#include "net/http.hpp"

namespace telltale::net {

struct WebSocketOptions {
  std::size_t max_message_bytes = limits::kMaxWebSocketMessageBytes;  // received; larger closes with 1009
  std::size_t max_queued_bytes = limits::kMaxWebSocketQueueBytes;     // to be sent
  Nanos ping_interval{std::chrono::seconds(20)};  // a peer silent for two intervals is gone
};

/// Thread-safe. Messages sent before the upgrade is answered are kept and follow it.
class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;
  /// False when the session is closed, or the queue is full and the message was dropped.
  virtual bool send_text(std::string message) = 0;
  virtual bool send_binary(std::string message) = 0;
  /// Sends what is queued, then the close frame. `reason` is cut at 123 bytes.
  virtual void close(int code = 1000, std::string_view reason = {}) = 0;
  virtual bool is_open() const = 0;
  /// Messages dropped because the client reads too slowly.
  virtual std::uint64_t dropped() const = 0;
};

/// Called one at a time, on the handler pool; neither is called after on_close, which is called exactly once
/// for a session that was opened. on_close must be quick: while stopping it may run on the event loop.
struct WebSocketCallbacks {
  std::function<void(std::string_view message, bool binary)> on_message;
  std::function<void()> on_close;
};

/// Runs on the pool before the upgrade is answered. An error refuses the upgrade with http_status(kind). A
/// browser's Origin has been checked already.
using WebSocketAccept = std::function<Result<WebSocketCallbacks>(
    const HttpRequest& request, const std::shared_ptr<WebSocketSession>& session)>;

}  // namespace telltale::net
