#include "net/http.hpp"

#include <cctype>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode_lenient(std::string_view text) {
  auto decoded = percent_decode(text, true);
  return decoded ? *std::move(decoded) : std::string(text);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : repair_utf8(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

bool is_form(std::string_view content_type) {
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  return content_type.size() >= kForm.size() &&
         equal_ignore_case(content_type.substr(0, kForm.size()), kForm);
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignore_case(key, name)) return value;
  }
  return {};
}

const HttpRequest::Params& HttpRequest::form() const {
  if (!form_cache) {
    form_cache =
        std::make_shared<const Params>(is_form(header("Content-Type")) ? parse_query(body) : Params{});
  }
  return *form_cache;
}

std::optional<std::string_view> HttpRequest::param(std::string_view name) const {
  for (const auto* list : {&form(), static_cast<const Params*>(&query)}) {
    for (const auto& [key, value] : *list) {
      if (key == name) return value;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> HttpRequest::params(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto* list : {&form(), static_cast<const Params*>(&query)}) {
    for (const auto& [key, value] : *list) {
      if (key == name) found.push_back(value);
    }
  }
  return found;
}

HttpRequest::Params parse_query(std::string_view text) {
  HttpRequest::Params params;
  while (!text.empty() && params.size() < limits::kMaxQueryParams) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t eq = pair.find('=');
    params.emplace_back(decode_lenient(pair.substr(0, eq)),
                        eq == std::string_view::npos ? std::string() : decode_lenient(pair.substr(eq + 1)));
  }
  return params;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::permission_denied:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::unsupported:
      return 415;
    case ErrorKind::resource_exhausted:
      return 429;
    case ErrorKind::execution:
      return 422;
    case ErrorKind::deadline_exceeded:
    case ErrorKind::cancelled:
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
      return 503;
    case ErrorKind::io:
    case ErrorKind::corruption:
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

HttpResponse error_response(int status, std::string_view type, std::string_view message) {
  return HttpResponse::json(fmt::format(R"({{"status":"error","errorType":{},"error":{}}})",
                                        json_string(type), json_string(message)),
                            status);
}

HttpResponse error_response(const Error& error) {
  return error_response(http_status(error.kind()), to_string(error.kind()), error.message());
}

}  // namespace telltale::net
