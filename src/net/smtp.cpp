// Mail over SMTP: a MIME message in base64, so that no line is too long and nothing needs escaping, sent by
// curl.
#include <cstring>
#include <ctime>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/rng.hpp"
#include "base/text.hpp"
#include "net/client.hpp"

namespace telltale::net {
namespace {

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return out;
}

bool is_plain_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x7F) return false;
  }
  return true;
}

/// RFC 2047 encoded words of at most 75 characters, where the text is not plain.
std::string encode_words(std::string_view raw) {
  const std::string text = one_line(raw);
  if (is_plain_ascii(text) && text.size() < 900) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view piece = truncate_utf8(rest, 42);
    if (piece.empty()) piece = rest.substr(0, 1);
    out += (out.empty() ? "" : "\r\n ") + fmt::format("=?UTF-8?B?{}?=", to_base64(piece));
    rest.remove_prefix(piece.size());
  }
  return out;
}

std::string base64_lines(std::string_view text) {
  const std::string all = to_base64(text);
  std::string out;
  for (std::size_t i = 0; i < all.size(); i += 76) out += all.substr(i, 76) + "\r\n";
  return out;
}

std::string mime_part(std::string_view type, std::string_view text) {
  return fmt::format("Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", type,
                     base64_lines(text));
}

std::string mail_date(UnixNanos now) {
  const std::time_t seconds = now.ns / 1'000'000'000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm);
  return text;
}

/// `Name <a@b>` or `a@b` → a@b; nothing for what is no mailbox.
std::optional<std::string> mailbox(std::string_view text) {
  const std::size_t open = text.rfind('<');
  if (open != std::string_view::npos && text.ends_with('>'))
    text = text.substr(open + 1, text.size() - open - 2);
  const std::size_t at = text.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == text.size()) return std::nullopt;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == 0x7F) return std::nullopt;
  }
  return std::string(text);
}

/// `Näme <a@b>` with the name encoded.
std::string address_header(std::string_view text) {
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos || is_plain_ascii(text)) return one_line(text);
  return encode_words(text.substr(0, open)) + " " + one_line(text.substr(open));
}

std::string mime_message(const transport::Mail& mail, UnixNanos now, const std::string& host) {
  std::string to;
  for (const std::string& one : mail.to) to += (to.empty() ? "" : ",\r\n ") + address_header(one);
  const std::string id = to_hex(secure_random(16));
  std::string out = fmt::format(
      "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\nMIME-Version: 1.0\r\n",
      address_header(mail.from), to, encode_words(mail.subject), mail_date(now), id, one_line(host));
  if (mail.html.empty()) return out + mime_part("text/plain", mail.text);
  const std::string boundary = "part-" + id;
  out += fmt::format("Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n", boundary);
  out += fmt::format("--{0}\r\n{1}--{0}\r\n{2}--{0}--\r\n", boundary, mime_part("text/plain", mail.text),
                     mime_part("text/html", mail.html));
  return out;
}

std::size_t on_mail_read(char* to, std::size_t size, std::size_t count, void* self) {
  auto& rest = *static_cast<std::string_view*>(self);
  const std::size_t n = std::min(rest.size(), size * count);
  std::memcpy(to, rest.data(), n);
  rest.remove_prefix(n);
  return n;
}

std::size_t drop_reply(char*, std::size_t size, std::size_t count, void*) { return size * count; }

void set_smtp_options(CURL* handle, const SmtpOptions& options) {
  const bool implicit = options.tls == SmtpTls::implicit;
  const std::string host =
      options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]";
  const std::string url =
      fmt::format("{}://{}:{}/{}", implicit ? "smtps" : "smtp", host, options.port, options.hello);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count() / 1'000'000));
  const long ssl = options.tls == SmtpTls::none            ? CURLUSESSL_NONE
                   : options.tls == SmtpTls::opportunistic ? CURLUSESSL_TRY
                                                           : CURLUSESSL_ALL;
  curl_easy_setopt(handle, CURLOPT_USE_SSL, ssl);
  if (!options.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.username.empty()) {
    curl_easy_setopt(handle, CURLOPT_USERNAME, options.username.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, options.password.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop_reply);
}

}  // namespace

Result<SmtpOptions> parse_smtp_url(const std::string& url) {
  const auto wrong = [](const char* what) { return fail(ErrorKind::invalid_argument, what); };
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return wrong("is not a URL");
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* text = nullptr;
    const bool there = curl_url_get(parsed.get(), which, &text, flags) == CURLUE_OK;
    std::string out = there ? text : "";
    curl_free(text);
    return out;
  };
  SmtpOptions options;
  const std::string scheme = part(CURLUPART_SCHEME, 0);
  if (scheme != "smtp" && scheme != "smtps") return wrong("must begin with smtp:// or smtps://");
  options.host = part(CURLUPART_HOST, 0);
  if (options.host.starts_with('[')) options.host = options.host.substr(1, options.host.size() - 2);
  options.username = part(CURLUPART_USER, CURLU_URLDECODE);
  options.password = part(CURLUPART_PASSWORD, CURLU_URLDECODE);
  const std::string port = part(CURLUPART_PORT, 0);
  options.port = port.empty() ? (scheme == "smtps" ? 465 : 587) : static_cast<std::uint16_t>(std::stoi(port));
  options.tls = scheme == "smtps" ? SmtpTls::implicit : SmtpTls::starttls;
  const std::string query = part(CURLUPART_QUERY, 0);
  if (query == "tls=none" && scheme == "smtp") {
    options.tls = SmtpTls::none;
  } else if (!query.empty()) {
    return wrong("has an option that is not tls=none");
  }
  return options;
}

SmtpMailSender::SmtpMailSender(SmtpOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<> SmtpMailSender::send(const transport::Mail& mail) {
  const auto from = mailbox(mail.from);
  if (!from) return fail(ErrorKind::invalid_argument, "from: \"" + mail.from + "\" is no mail address");
  if (mail.to.empty()) return fail(ErrorKind::invalid_argument, "to: nobody");
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(nullptr, curl_slist_free_all);
  for (const std::string& entry : mail.to) {
    const auto to = mailbox(entry);
    if (!to) return fail(ErrorKind::invalid_argument, "to: \"" + entry + "\" is no mail address");
    recipients.reset(curl_slist_append(recipients.release(), ("<" + *to + ">").c_str()));
  }
  const std::string message = mime_message(mail, clock_.now(), options_.hello);
  std::string_view rest = message;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) return fail(ErrorKind::internal, "no curl handle");
  set_smtp_options(handle.get(), options_);
  curl_easy_setopt(handle.get(), CURLOPT_MAIL_FROM, ("<" + *from + ">").c_str());
  curl_easy_setopt(handle.get(), CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(handle.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_READFUNCTION, on_mail_read);
  curl_easy_setopt(handle.get(), CURLOPT_READDATA, &rest);
  const CURLcode code = curl_easy_perform(handle.get());
  if (code == CURLE_OK) return {};
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  const auto kind = code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::deadline_exceeded
                    : code == CURLE_LOGIN_DENIED     ? ErrorKind::permission_denied
                    : status >= 500                  ? ErrorKind::invalid_argument
                                                     : ErrorKind::unavailable;
  return fail(kind, fmt::format("smtp {}:{}: {} (reply {})", options_.host, options_.port,
                                curl_easy_strerror(code), status));
}

}  // namespace telltale::net
