// Interfaces to the outside world. Who implements them (net/) is none of the domain's business; tests put
// fakes here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::transport {

using Headers = std::vector<std::pair<std::string, std::string>>;

enum class TlsVersion : std::uint8_t { any, tls_1_0, tls_1_1, tls_1_2, tls_1_3 };

/// How to reach one peer, where that is not the usual way. PEM texts, not files.
struct ConnectionOptions {
  std::string ca_pem;  // trusted besides nothing else; empty: the system's
  std::string cert_pem, key_pem;
  std::string server_name;  // that the certificate must have, and SNI; empty: the URL's host
  bool skip_verify = false;
  TlsVersion min_version = TlsVersion::any;
  TlsVersion max_version = TlsVersion::any;
  std::string proxy_url;  // empty: none
  std::string no_proxy;
  bool proxy_from_environment = false;
  Headers proxy_headers;    // for CONNECT
  std::string unix_socket;  // path of a socket to connect to instead of the URL's host
};

struct OutboundRequest {
  std::string method = "GET";
  std::string url;  // http or https
  Headers headers;
  std::string body;
  Nanos timeout{std::chrono::seconds(10)};
  std::size_t max_response_bytes = std::size_t{1} << 20;
  /// A URL that a user typed in: loopback, link-local, private and metadata addresses are refused unless the
  /// operator allows them (net.outbound_allow). No redirect of it is followed.
  bool user_given = true;
  bool follow_redirects = false;                        // up to ten
  bool compression = true;                              // gzip is asked for
  std::shared_ptr<const ConnectionOptions> connection;  // null: the usual
};

struct OutboundResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

/// Thread-safe. Any HTTP status is a response; an Error means there was none.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Result<OutboundResponse> send(const OutboundRequest& request) = 0;
};

struct Mail {
  std::string from;
  std::vector<std::string> to;
  std::string subject;
  std::string text;
  std::string html;  // empty: text only
};

class MailSender {
 public:
  virtual ~MailSender() = default;
  virtual Result<> send(const Mail& mail) = 0;
};

/// Addresses of a host name, as text.
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual Result<std::vector<std::string>> resolve(const std::string& host) = 0;
};

enum class DnsType : std::uint8_t { a, aaaa, srv, mx, ns };

/// An address (A, AAAA) or a host name without the final dot, and the port that SRV gives.
struct DnsRecord {
  std::string host;
  std::uint16_t port = 0;
};

/// Asks the system's name servers. Thread-safe.
class DnsClient {
 public:
  virtual ~DnsClient() = default;
  /// A name that does not exist, or has no such records, gives an empty list.
  virtual Result<std::vector<DnsRecord>> lookup(const std::string& name, DnsType type) = 0;
};

}  // namespace telltale::transport
