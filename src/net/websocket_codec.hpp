// RFC 6455 framing, server side: pure functions over bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telltale::net {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// The Sec-WebSocket-Accept of a Sec-WebSocket-Key.
std::string websocket_accept_key(std::string_view key);
/// One unmasked frame with FIN set.
std::string websocket_frame(WsOpcode opcode, std::string_view payload);
std::string websocket_close_payload(int code, std::string_view reason);

/// Puts frames of a client together.
class WsReader {
 public:
  explicit WsReader(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  struct Event {
    WsOpcode opcode;  // text, binary, close, ping, pong
    std::string payload;
  };
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole message or control frame. Nothing: more bytes are needed, or error() is set.
  std::optional<Event> next();
  /// The close code to answer a violation with: 1002, 1007, 1009; 0 while all is well.
  int error() const { return error_; }

 private:
  std::optional<Event> failed(int code);
  const std::size_t max_message_bytes_;
  std::string buffer_;
  std::string message_;
  std::optional<WsOpcode> fragmented_;
  int error_ = 0;
};

}  // namespace telltale::net
