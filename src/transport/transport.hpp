// Interfaces to the outside world. Who implements them (net/) is none of the domain's business; tests put
// fakes here.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::transport {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct OutboundRequest {
  std::string method = "GET";
  std::string url;  // http or https
  Headers headers;
  std::string body;
  Nanos timeout{std::chrono::seconds(10)};
  std::size_t max_response_bytes = std::size_t{1} << 20;
  /// A URL that a user typed in: loopback, link-local, private and metadata addresses are refused unless the
  /// operator allows them (net.outbound_allow). Redirects are not followed either way.
  bool user_given = true;
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

}  // namespace telltale::transport
