// The system's resolver behind the transport's DnsClient: name servers and search list of /etc/resolv.conf.
#pragma once

#include <cstdint>
#include <string>

#include "transport/transport.hpp"

namespace telltale::net {

struct DnsOptions {
  std::string server;  // an IPv4 address to ask instead of the system's name servers
  std::uint16_t port = 53;
  int timeout_seconds = 2;  // of one try
  int tries = 2;
};

class SystemDnsClient final : public transport::DnsClient {
 public:
  explicit SystemDnsClient(DnsOptions options = {});
  /// unavailable when no server answered; corruption when the answer is malformed.
  Result<std::vector<transport::DnsRecord>> lookup(const std::string& name, transport::DnsType type) override;

 private:
  const DnsOptions options_;
};

}  // namespace telltale::net
