// GET as one HttpOptions says: credentials, certificates and headers are read from their files before every
// request; an OAuth 2.0 token is kept until it is about to expire.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "io/file_system.hpp"
#include "metrics/http_options.hpp"
#include "transport/transport.hpp"

namespace telltale::metrics {

struct FetchRequest {
  std::string url;
  transport::Headers headers;
  Nanos timeout{std::chrono::seconds(10)};
  std::size_t max_bytes = 0;
  bool compression = true;
  std::string unix_socket;
};

/// Thread-safe.
class HttpFetcher {
 public:
  HttpFetcher(HttpOptions options, transport::HttpClient& http, io::FileSystem& fs, const Clock& clock);
  /// An unreadable file or a refused token is an Error that names the key; secrets are in none.
  Result<transport::OutboundResponse> get(const FetchRequest& fetch);

 private:
  Result<std::string> secret(const Secret& s, std::string_view field) const;
  Result<std::shared_ptr<const transport::ConnectionOptions>> connection(
      const HttpOptions& options, const std::string& unix_socket) const;
  Result<> add_headers(const HttpOptions& options, transport::Headers& out) const;
  Result<std::string> authorization(Nanos timeout);
  Result<std::string> token(Nanos timeout);
  Result<std::string> ask_token(const OAuth2Client& client, Nanos timeout, Nanos& lifetime);

  const HttpOptions options_;
  transport::HttpClient& http_;
  io::FileSystem& fs_;
  const Clock& clock_;
  Mutex mutex_;
  std::string token_ TT_GUARDED_BY(mutex_);     // the header's whole value
  Nanos token_until_ TT_GUARDED_BY(mutex_){0};  // on the steady clock
};

/// Percent-encoding of everything but letters, digits and `-_.~`.
std::string percent_encoded(std::string_view text);

}  // namespace telltale::metrics
