// Log lines as the bodies of the requests that carry them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "log_lines.hpp"

namespace bench {

enum class Wire : unsigned char { loki, jsonline, bulk };

/// What a request of this protocol is sent with: the target and the lines of its head that depend on the
/// protocol.
std::string_view target_of(Wire wire);
std::string_view headers_of(Wire wire);

/// Gathers lines and makes the body of a request of them.
class BodyBuilder {
 public:
  explicit BodyBuilder(Wire wire);
  void add(const LogLine& line);
  std::size_t lines() const { return lines_; }
  std::size_t raw_bytes() const { return raw_bytes_; }  // of the lines, with their line ends
  /// The body; begins anew.
  std::string take();

 private:
  const Wire wire_;
  std::size_t lines_ = 0;
  std::size_t raw_bytes_ = 0;
  std::string text_;                  // jsonline, bulk
  std::vector<std::string> streams_;  // loki: the entries of each stream (service x environment)
};

}  // namespace bench
