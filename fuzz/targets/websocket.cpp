// Frames of a client, whole and in pieces: the same messages, and no message over the limit.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "net/websocket_codec.hpp"

namespace {

constexpr std::size_t kMaxMessageBytes = 1024;

struct Read {
  std::vector<std::string> messages;
  int error = 0;
  bool operator==(const Read&) const = default;
};

Read read_all(std::string_view in, std::size_t piece) {
  telltale::net::WsReader reader(kMaxMessageBytes);
  Read out;
  while (!in.empty() && out.error == 0) {
    reader.feed(in.substr(0, piece));
    in.remove_prefix(std::min(piece, in.size()));
    while (auto event = reader.next()) {
      TT_CHECK(event->payload.size() <= kMaxMessageBytes);
      out.messages.push_back(static_cast<char>(event->opcode) + std::move(event->payload));
    }
    out.error = reader.error();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  TT_CHECK(read_all(in, in.size() + 1) == read_all(in, 1 + size % 5));
  return 0;
}
