#include "net/websocket_codec.hpp"

#include <openssl/evp.h>

#include "base/text.hpp"

namespace telltale::net {

std::string websocket_accept_key(std::string_view key) {
  const std::string input = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(input.data(), input.size(), digest, &size, EVP_sha1(), nullptr);
  return to_base64({reinterpret_cast<const char*>(digest), size});
}

std::string websocket_frame(WsOpcode opcode, std::string_view payload) {
  std::string out;
  out += static_cast<char>(0x80 | static_cast<int>(opcode));
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else if (payload.size() <= 0xFFFF) {
    out += static_cast<char>(126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  out += payload;
  return out;
}

std::string websocket_close_payload(int code, std::string_view reason) {
  std::string out = {static_cast<char>(code >> 8), static_cast<char>(code)};
  out += truncate_utf8(reason, 123);
  return out;
}

std::optional<WsReader::Event> WsReader::failed(int code) {
  error_ = code;
  return std::nullopt;
}

std::optional<WsReader::Event> WsReader::next() {
  while (error_ == 0 && buffer_.size() >= 2) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(buffer_[i]); };
    const bool fin = (byte(0) & 0x80) != 0;
    const int code = byte(0) & 0x0F;
    const bool control = code >= 8;
    if ((byte(0) & 0x70) != 0 || (byte(1) & 0x80) == 0) return failed(1002);  // extensions, unmasked
    if (code > 10 || (code > 2 && code < 8)) return failed(1002);
    std::uint64_t size = byte(1) & 0x7F;
    if (control && (!fin || size > 125)) return failed(1002);
    const std::size_t size_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
    const std::size_t head = 2 + size_bytes + 4;
    if (buffer_.size() < head) return std::nullopt;
    if (size_bytes != 0) {
      size = 0;
      for (std::size_t i = 0; i < size_bytes; ++i) size = size << 8 | byte(2 + i);
    }
    if (!control && (size > max_message_bytes_ || message_.size() + size > max_message_bytes_))
      return failed(1009);
    if (buffer_.size() - head < size) return std::nullopt;
    std::string payload = buffer_.substr(head, size);
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= buffer_[head - 4 + i % 4];
    buffer_.erase(0, head + size);

    const auto opcode = static_cast<WsOpcode>(code);
    if (control) return Event{opcode, std::move(payload)};
    if ((opcode == WsOpcode::continuation) != fragmented_.has_value()) return failed(1002);
    if (opcode != WsOpcode::continuation) fragmented_ = opcode;
    message_ += payload;
    if (!fin) continue;
    Event event{*fragmented_, std::move(message_)};
    message_.clear();
    fragmented_.reset();
    if (event.opcode == WsOpcode::text && !is_utf8(event.payload)) return failed(1007);
    return event;
  }
  return std::nullopt;
}

}  // namespace telltale::net
