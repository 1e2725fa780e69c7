#include "net/message.hpp"

#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "base/compress.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::net {
namespace {

constexpr std::size_t kMinCompressBytes = 1024;
constexpr std::size_t kMaxCodings = 2;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_list(std::string_view text, char separator = ',') {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const auto item = trim(text.substr(0, end)); !item.empty()) items.push_back(item);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

/// `1.2.3.4`, `1.2.3.4:5678`, `[::1]:80`, `::1`.
std::optional<IpAddress> parse_forwarded(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return address;
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? std::nullopt : IpAddress::parse(text.substr(0, colon));
}

bool has_dot_dot(std::string_view path) {
  for (const auto segment : split_list(path, '/')) {
    if (segment == "..") return true;
  }
  return false;
}

Result<std::vector<Codec>> parse_codings(std::string_view text) {
  std::vector<Codec> codings;
  for (const auto token : split_list(text)) {
    TT_ASSIGN(const Codec codec, codec_from_token(to_lower(token)));
    if (codec != Codec::identity) codings.push_back(codec);
  }
  if (codings.size() > kMaxCodings) return fail(ErrorKind::unsupported, "Content-Encoding: too many codings");
  return codings;
}

bool is_compressible(std::string_view type) {
  if (type.starts_with("text/event-stream")) return false;
  for (const std::string_view prefix :
       {"text/", "application/json", "application/javascript", "application/x-ndjson",
        "application/openmetrics-text", "application/xml", "image/svg+xml", "application/yaml",
        "application/manifest+json"}) {
    if (type.starts_with(prefix)) return true;
  }
  return false;
}

/// The q of `coding` in an Accept-Encoding value; 0 when not acceptable.
double quality(std::string_view accept, std::string_view coding) {
  double wildcard = 0;
  for (const auto item : split_list(accept)) {
    const auto parts = split_list(item, ';');
    if (parts.empty()) continue;
    double q = 1;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].size() > 2 && (parts[i][0] == 'q' || parts[i][0] == 'Q') && parts[i][1] == '=') {
        q = 0;
        std::from_chars(parts[i].data() + 2, parts[i].data() + parts[i].size(), q);
      }
    }
    if (equal_ignore_case(parts[0], coding)) return q;
    if (parts[0] == "*") wildcard = q;
  }
  return wildcard;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) {
    if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') out += c;
  }
  out += "\r\n";
}

std::string http_date(UnixNanos now) {
  const std::time_t seconds = now.ns / 1'000'000'000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[tm.tm_wday], tm.tm_mday,
                     kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

bool has_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignore_case(key, name)) return true;
  }
  return false;
}

}  // namespace

std::string client_address(std::string_view peer, const Headers& headers, const std::vector<Cidr>& trusted) {
  auto current = IpAddress::parse(peer);
  if (!current) return std::string(peer);
  if (trusted.empty() || !any_contains(trusted, *current)) return current->text();
  std::vector<std::string_view> hops;
  for (const auto& [name, value] : headers) {
    if (!equal_ignore_case(name, "X-Forwarded-For")) continue;
    for (const auto hop : split_list(value)) hops.push_back(hop);
  }
  while (!hops.empty() && any_contains(trusted, *current)) {
    const auto next = parse_forwarded(hops.back());
    if (!next) break;
    current = next;
    hops.pop_back();
  }
  return current->text();
}

Result<> parse_target(std::string_view target, std::string_view path_prefix, HttpRequest& request,
                      std::string& raw_path) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  if (!path_prefix.empty() && path.starts_with(path_prefix) &&
      (path.size() == path_prefix.size() || path[path_prefix.size()] == '/')) {
    path.remove_prefix(path_prefix.size());
  }
  raw_path = path.empty() ? "/" : std::string(path);
  auto decoded = percent_decode(raw_path);
  if (!decoded || decoded->find('\0') != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "the path has a broken escape");
  }
  if (has_dot_dot(*decoded)) return fail(ErrorKind::invalid_argument, "the path has a \"..\" segment");
  request.path = *std::move(decoded);
  if (static_cast<std::size_t>(std::count(query.begin(), query.end(), '&')) >= limits::kMaxQueryParams) {
    return fail(ErrorKind::invalid_argument, "the URL has too many query parameters");
  }
  request.query = parse_query(query);
  return {};
}

Result<> check_content_encoding(std::string_view codings) {
  TT_ASSIGN(const auto parsed, parse_codings(codings));
  return {};
}

Result<std::string> decode_body(std::string body, std::string_view codings, std::size_t max_bytes) {
  TT_ASSIGN(auto list, parse_codings(codings));
  if (body.empty()) return body;
  for (; !list.empty(); list.pop_back()) {
    auto decoded = decompress(list.back(), body, max_bytes);
    if (!decoded) return tl::unexpected<Error>(std::move(decoded).error().within("Content-Encoding"));
    body = *std::move(decoded);
  }
  return body;
}

std::string_view choose_coding(std::string_view accept_encoding) {
  const double brotli = quality(accept_encoding, "br");
  const double gzip = quality(accept_encoding, "gzip");
  if (brotli <= 0 && gzip <= 0) return {};
  return brotli >= gzip ? "br" : "gzip";
}

void add_missing(HttpResponse& response, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!has_header(response.headers, name)) response.headers.emplace_back(name, value);
  }
}

void compress_response(HttpResponse& response, std::string_view accept_encoding) {
  if (!is_compressible(response.content_type) || has_header(response.headers, "Content-Encoding")) return;
  if (response.body.size() <= kMinCompressBytes) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  const std::string_view coding = choose_coding(accept_encoding);
  if (coding.empty()) return;
  response.body = compress(coding == "br" ? Codec::brotli : Codec::gzip, response.body);
  response.headers.emplace_back("Content-Encoding", coding);
}

std::string chunk_head(std::size_t piece_bytes) {
  return piece_bytes == 0 ? "0\r\n\r\n" : fmt::format("{:x}\r\n", piece_bytes);
}

std::string response_head(const HttpResponse& response, const ResponseFrame& frame) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append_header(out, "Date", http_date(frame.now));
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless && !frame.streamed) {
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  if (!bodiless && frame.streamed && frame.http11) append_header(out, "Transfer-Encoding", "chunked");
  if (response.status != 101) {
    if (!frame.keep_alive) append_header(out, "Connection", "close");
    if (frame.keep_alive && !frame.http11) append_header(out, "Connection", "keep-alive");
  }
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "same-origin"}}) {
    if (!has_header(response.headers, name)) append_header(out, name, value);
  }
  if (frame.tls && !has_header(response.headers, "Strict-Transport-Security")) {
    append_header(out, "Strict-Transport-Security", "max-age=31536000");
  }
  for (const auto& [name, value] : response.headers) {
    const bool framing = equal_ignore_case(name, "Content-Length") ||
                         equal_ignore_case(name, "Transfer-Encoding") || equal_ignore_case(name, "Date") ||
                         equal_ignore_case(name, "Content-Type");
    const bool clean = name.find_first_of("\r\n: ") == std::string::npos;
    if (!framing && clean && !(equal_ignore_case(name, "Connection") && response.status != 101)) {
      append_header(out, name, value);
    }
  }
  return out + "\r\n";
}

}  // namespace telltale::net
