#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "wire/syslog/framer.hpp"
#include "wire/syslog/message.hpp"

// Any bytes are messages of valid UTF-8, and it does not matter how a stream was cut into reads.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const UnixNanos now = UnixNanos::from_seconds(1'767'873'600);
  const auto message = wire::syslog::parse_message(in, TimeZone(), now);
  if (!is_utf8(message.text) || !is_utf8(message.host) || !is_utf8(message.app)) std::abort();
  std::vector<std::string> whole;
  std::vector<std::string> pieces;
  wire::syslog::Framer one(64);
  one.feed(in, [&](std::string_view m) { whole.emplace_back(m); });
  one.finish([&](std::string_view m) { whole.emplace_back(m); });
  wire::syslog::Framer other(64);
  for (std::size_t at = 0; at < in.size(); at += 3)
    other.feed(in.substr(at, 3), [&](std::string_view m) { pieces.emplace_back(m); });
  other.finish([&](std::string_view m) { pieces.emplace_back(m); });
  if (whole != pieces || one.cut() != other.cut()) std::abort();
  return 0;
}
