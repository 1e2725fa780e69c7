// Bytes of a connection → one HTTP/1.x request at a time. Beast's parser does the grammar; this adds what it
// leaves open: bounds on count and total size of headers, one Host, no transfer coding but chunked (a request
// with any other has no length that two parties agree on, which is how requests are smuggled).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace telltale::net {

class RequestParser {
 public:
  RequestParser(std::size_t max_header_bytes, std::size_t max_header_count);
  ~RequestParser();

  enum class Progress { need_more, headers_done, done, failed };
  /// Takes bytes from the front of `bytes` and says how many in `consumed`; the rest is to be offered again,
  /// with more behind it. Stops once after the headers, so that limits for the body can be set; with no body,
  /// the next call is `done`.
  Progress feed(std::string_view bytes, std::size_t& consumed);
  /// After headers_done. `discard`: the body is read over, not kept.
  void begin_body(std::size_t max_body_bytes, bool discard);

  struct Head {
    std::string method;
    std::string target;  // origin form; the scheme and host of an absolute form are cut off
    Headers headers;
    bool http11 = true;
    bool keep_alive = false;
    bool chunked = false;
    bool expects_continue = false;
    std::optional<std::uint64_t> content_length;
    bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  };
  Head& head();
  std::string& body();
  std::size_t body_bytes() const;  // seen so far, kept or not

  /// After `failed`: the status to answer with and the reason.
  int error_status() const;
  const std::string& error_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::net
