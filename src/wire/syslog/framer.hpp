// Messages out of a TCP stream (RFC 6587): `123 <34>1 …` with the length in front, or ended by LF or NUL.
// Which one is seen from the first bytes of every message, because senders of both kinds exist and some
// change over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/limits.hpp"

namespace telltale::wire::syslog {

/// Not thread-safe; one a connection.
class Framer {
 public:
  explicit Framer(std::size_t max_message_bytes = limits::kMaxLogLineBytes) : max_bytes_(max_message_bytes) {}

  /// Gives every whole message in `bytes` (and what was left of the bytes before) to `sink`; the view is
  /// valid during the call. A message over the limit is cut there, and counted.
  void feed(std::string_view bytes, const std::function<void(std::string_view)>& sink);
  /// The stream has ended: what is left is a message, too.
  void finish(const std::function<void(std::string_view)>& sink);
  std::uint64_t cut() const { return cut_; }
  /// Bytes held back for a message that is not whole.
  std::size_t pending() const { return buffer_.size(); }

 private:
  std::size_t take(std::string_view in, const std::function<void(std::string_view)>& sink);

  const std::size_t max_bytes_;
  std::string buffer_;
  std::uint64_t skip_bytes_ = 0;  // of a counted message that was cut
  bool skip_to_end_ = false;      // of a line that was cut
  std::uint64_t cut_ = 0;
};

}  // namespace telltale::wire::syslog
