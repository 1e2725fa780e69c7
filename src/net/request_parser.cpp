#include "net/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/text.hpp"

namespace telltale::net {
namespace {

namespace beast_http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastString = boost::beast::string_view;

constexpr std::size_t kMaxTargetBytes = 16 * 1024;
constexpr std::size_t kMaxChunkLineBytes = 16 * 1024;  // of a chunk's size line, or of all trailers
// The least that a last chunk has: "0", two line ends. Beast's parser asserts it when it is offered one for
// the second time, so it is not asked before.
constexpr std::size_t kMinLastChunk = 5;
constexpr std::size_t kMaxBodyReserve = 8u << 20;

std::string_view std_view(BeastString s) { return {s.data(), s.size()}; }

}  // namespace

struct RequestParser::Impl final : beast_http::basic_parser<true> {
  Impl(std::size_t max_bytes, std::size_t max_count)
      : max_header_bytes(max_bytes), max_header_count(max_count) {
    header_limit(static_cast<std::uint32_t>(max_bytes));
    body_limit(boost::none);
    eager(false);
  }

  void reject(int status, std::string text) {
    if (error_status == 0) {
      error_status = status;
      error_text = std::move(text);
    }
  }
  void reject(int status, std::string text, BeastError& ec) {
    reject(status, std::move(text));
    ec = beast_http::error::bad_value;
  }

  void on_request_impl(beast_http::verb, BeastString method, BeastString target, int version,
                       BeastError& ec) override {
    if (target.size() > kMaxTargetBytes) return reject(414, "the request target is too long", ec);
    head.method = std::string(std_view(method));
    head.target = std::string(std_view(target));
    head.http11 = version >= 11;
  }
  void on_response_impl(int, BeastString, int, BeastError&) override {}

  void on_field_impl(beast_http::field, BeastString name, BeastString value, BeastError& ec) override {
    header_bytes += name.size() + value.size() + 4;
    if (header_bytes > max_header_bytes) return reject(431, "the headers are too large", ec);
    if (++header_count > max_header_count) return reject(431, "there are too many headers", ec);
    if (headers_over) return;  // trailers carry nothing we want
    head.headers.emplace_back(std_view(name), std_view(value));
  }

  void on_header_impl(BeastError& ec) override {
    headers_over = true;
    int hosts = 0;
    for (const auto& [name, value] : head.headers) {
      if (equal_ignore_case(name, "Host")) ++hosts;
      if (equal_ignore_case(name, "Transfer-Encoding")) {
        if (!head.http11 || !equal_ignore_case(value, "chunked")) {
          return reject(501, "Transfer-Encoding: only chunked is supported, under HTTP/1.1", ec);
        }
      }
      if (equal_ignore_case(name, "Expect") && head.http11) {
        if (!equal_ignore_case(value, "100-continue"))
          return reject(417, "Expect: only 100-continue is known", ec);
        head.expects_continue = true;
      }
    }
    if (hosts > 1 || (hosts == 0 && head.http11)) return reject(400, "exactly one Host header is needed", ec);
    cut_absolute_form();
    if (!head.target.starts_with('/') && head.target != "*")
      return reject(400, "the request target is no path", ec);
  }

  void cut_absolute_form() {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!equal_ignore_case(std::string_view(head.target).substr(0, scheme.size()), scheme)) continue;
      const std::size_t end = std::min(head.target.find_first_of("/?", scheme.size()), head.target.size());
      head.target.erase(0, end);
      if (!head.target.starts_with('/')) head.target.insert(0, "/");
      return;
    }
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, BeastError& ec) override {
    if (!length) return;
    if (*length > max_body_bytes) return reject(413, "the body is too large", ec);
    if (!discard) body.reserve(std::min<std::size_t>(*length, kMaxBodyReserve));
  }
  std::size_t take(BeastString bytes, BeastError& ec) {
    body_bytes += bytes.size();
    if (body_bytes > max_body_bytes) {
      reject(413, "the body is too large", ec);
      return 0;
    }
    if (!discard) body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  std::size_t on_body_impl(BeastString bytes, BeastError& ec) override { return take(bytes, ec); }
  void on_chunk_header_impl(std::uint64_t, BeastString, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastString bytes, BeastError& ec) override {
    return take(bytes, ec);
  }
  void on_finish_impl(BeastError&) override {}

  const std::size_t max_header_bytes;
  const std::size_t max_header_count;
  std::size_t max_body_bytes = 0;
  bool discard = false;
  bool headers_over = false;
  bool announced = false;  // headers_done was returned
  std::size_t header_bytes = 0;
  std::size_t header_count = 0;
  std::size_t body_bytes = 0;
  Head head;
  std::string body;
  int error_status = 0;
  std::string error_text;
};

RequestParser::RequestParser(std::size_t max_header_bytes, std::size_t max_header_count)
    : impl_(std::make_unique<Impl>(max_header_bytes, max_header_count)) {}
RequestParser::~RequestParser() = default;

RequestParser::Progress RequestParser::feed(std::string_view bytes, std::size_t& consumed) {
  Impl& p = *impl_;
  consumed = 0;
  while (true) {
    if (p.is_header_done() && !p.announced) {
      p.announced = true;
      p.head.keep_alive = p.keep_alive();
      p.head.chunked = p.chunked();
      if (const auto length = p.content_length()) p.head.content_length = *length;
      p.eager(true);
      return Progress::headers_done;
    }
    if (p.is_done()) return Progress::done;
    BeastError ec;
    const std::string_view rest = bytes.substr(consumed);
    if (rest.empty()) return Progress::need_more;
    if (p.announced && p.chunked() && rest.front() == '0' && rest.size() < kMinLastChunk) {
      return Progress::need_more;
    }
    const std::size_t n = p.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    consumed += n;
    if (ec == beast_http::error::need_more) {
      if (p.is_header_done() && bytes.size() - consumed > kMaxChunkLineBytes) {
        p.reject(400, "a chunk's size line or the trailers are too long");
        return Progress::failed;
      }
      if (p.is_header_done() && !p.announced) continue;
      return Progress::need_more;
    }
    if (ec == beast_http::error::header_limit) p.reject(431, "the headers are too large");
    if (ec) {
      p.reject(400, "malformed HTTP: " + ec.message());
      return Progress::failed;
    }
    if (n == 0 && !p.is_done() && p.announced) return Progress::need_more;
  }
}

void RequestParser::begin_body(std::size_t max_body_bytes, bool discard) {
  impl_->max_body_bytes = max_body_bytes;
  impl_->discard = discard;
}

RequestParser::Head& RequestParser::head() { return impl_->head; }
std::string& RequestParser::body() { return impl_->body; }
std::size_t RequestParser::body_bytes() const { return impl_->body_bytes; }
int RequestParser::error_status() const { return impl_->error_status; }
const std::string& RequestParser::error_text() const { return impl_->error_text; }

}  // namespace telltale::net
