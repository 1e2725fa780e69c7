// Calls out of the house, on libcurl: HTTP(S) and SMTP. A URL that a user typed in reaches public addresses
// only; the check is made on the very address a socket is about to connect to, so that a name which resolves
// differently the second time gains nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "transport/transport.hpp"

namespace telltale::net {

struct HttpClientOptions {
  /// net.outbound_allow: host names (`hooks.internal`, `*.corp.example`), addresses and CIDRs that user-given
  /// URLs may reach although they are not public.
  std::vector<std::string> outbound_allow;
  std::string ca_file;  // PEM bundle trusted besides nothing else; empty: the system's
  std::string user_agent = "telltale";
  Nanos connect_timeout{std::chrono::seconds(5)};
};

/// Keeps connections alive between calls; a connection made for a trusted caller is never reused for a
/// user-given URL. Proxies of the environment are ignored.
class CurlHttpClient final : public transport::HttpClient {
 public:
  /// invalid_argument names the entry of outbound_allow that is neither host, address nor CIDR.
  static Result<std::unique_ptr<CurlHttpClient>> create(HttpClientOptions options);
  ~CurlHttpClient() override;

  /// permission_denied: the address is not allowed. too_large: the response is. deadline_exceeded,
  /// unavailable (no connection, TLS failure), cancelled, invalid_argument (URL, header).
  Result<transport::OutboundResponse> send(const transport::OutboundRequest& request) override;
  /// Holds for calls that begin afterwards. invalid_argument as create().
  Result<> set_outbound_allow(const std::vector<std::string>& entries);
  /// Ends running calls with `cancelled` and refuses new ones; for shutting down.
  void cancel_all();

 private:
  struct Impl;
  explicit CurlHttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

enum class SmtpTls : unsigned char { none, opportunistic, starttls, implicit };

struct SmtpOptions {
  std::string host = "localhost";
  std::uint16_t port = 25;
  std::string username;  // empty: no AUTH
  std::string password;
  std::string hello = "localhost";
  SmtpTls tls = SmtpTls::starttls;
  std::string ca_file;  // empty: the system's
  Nanos timeout{std::chrono::seconds(30)};
};

/// `smtp://user:password@host:587` (STARTTLS; `?tls=none` for a plain connection) or `smtps://…` (port 465).
/// Letters of user and password that a URL cannot have are percent-encoded. The message of an error never
/// holds the password.
Result<SmtpOptions> parse_smtp_url(const std::string& url);

/// The smarthost is the operator's own setting, so private addresses are fine.
class SmtpMailSender final : public transport::MailSender {
 public:
  SmtpMailSender(SmtpOptions options, const Clock& clock);
  Result<> send(const transport::Mail& mail) override;

 private:
  const SmtpOptions options_;
  const Clock& clock_;
};

/// getaddrinfo behind the transport's Resolver.
class SystemResolver final : public transport::Resolver {
 public:
  Result<std::vector<std::string>> resolve(const std::string& host) override;
};

}  // namespace telltale::net
