// Certificates: made at start, or read from files that may change under us.
#pragma once

#include <string>

#include "base/result.hpp"
#include "net/server.hpp"

namespace telltale::net {

struct TlsPem {
  std::string certificate;
  std::string key;
};

/// A P-256 key and a certificate of a year for localhost, the loopback addresses and `address`.
Result<TlsPem> make_self_signed(const std::string& address);
/// Changes when one of the files does; empty when one cannot be read.
std::string tls_files_version(const ServerTls& tls);
/// Reads a whole file; io names it.
Result<std::string> read_pem(const std::string& path);

}  // namespace telltale::net
