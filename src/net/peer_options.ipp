// The options of one peer (TLS, proxy, socket) put on a curl handle. For this folder's .cpp files only.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "transport/transport.hpp"

namespace telltale::net {

/// Owns what curl does not copy; must outlive the call.
class PeerOptions {
 public:
  /// invalid_argument when the URL or an option is not usable. The handle is reset by the caller afterwards.
  Result<> apply(CURL* handle, const std::string& url, const transport::ConnectionOptions& options);

 private:
  using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;
  void apply_tls(CURL* handle, const transport::ConnectionOptions& options);
  void apply_proxy(CURL* handle, const std::string& url, const transport::ConnectionOptions& options);
  Result<> apply_server_name(CURL* handle, const std::string& url, const std::string& server_name);

  List proxy_headers_{nullptr, curl_slist_free_all};
  List connect_to_{nullptr, curl_slist_free_all};
};

}  // namespace telltale::net
