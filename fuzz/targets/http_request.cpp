// The request parser must not care how the bytes were cut: fed whole and fed in small pieces it reaches the
// same end with the same request.
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "net/http.hpp"
#include "net/request_parser.hpp"

namespace {

using telltale::net::RequestParser;

constexpr std::size_t kMaxHeaderBytes = 8192;
constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxBodyBytes = 4096;

struct Outcome {
  bool done = false;
  int error = 0;
  std::string method, target, body;
  telltale::net::Headers headers;
  bool operator==(const Outcome&) const = default;
};

// Offers the bytes as they would arrive: `piece` more of them whenever the parser wants more.
Outcome parse(std::string_view in, std::size_t piece) {
  RequestParser parser(kMaxHeaderBytes, kMaxHeaders);
  std::size_t at = 0;
  std::size_t visible = std::min(piece, in.size());
  Outcome out;
  while (true) {
    std::size_t consumed = 0;
    const auto progress = parser.feed(in.substr(at, visible - at), consumed);
    TT_CHECK(consumed <= visible - at);
    at += consumed;
    if (progress == RequestParser::Progress::failed) {
      TT_CHECK(parser.error_status() >= 400);
      out.error = parser.error_status();
      return out;
    }
    if (progress == RequestParser::Progress::headers_done) {
      TT_CHECK(parser.head().headers.size() <= kMaxHeaders);
      parser.begin_body(kMaxBodyBytes, false);
      continue;
    }
    if (progress == RequestParser::Progress::done) {
      TT_CHECK(parser.body().size() <= kMaxBodyBytes);
      auto& head = parser.head();
      return {true, 0, head.method, head.target, parser.body(), head.headers};
    }
    if (visible == in.size()) return out;
    visible = std::min(in.size(), visible + piece);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const Outcome whole = parse(in, in.size() + 1);
  const Outcome pieces = parse(in, 1 + size % 7);
  // An unfinished request that is refused whole may be refused earlier or later in pieces; a finished one is
  // the same.
  if (whole.done || pieces.done) TT_CHECK(whole == pieces);
  if (whole.done) (void)telltale::net::parse_query(whole.body);
  (void)telltale::net::percent_decode(in);
  return 0;
}
