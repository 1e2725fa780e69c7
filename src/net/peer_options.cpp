// curl takes the name to verify from the URL. Another name is put into the URL, the connection is led to the
// real host (CONNECT_TO), and the Host header goes on naming that.
#include "net/peer_options.ipp"

#include <cstdlib>

#include "base/text.hpp"

namespace telltale::net {
namespace {

long curl_version_of(transport::TlsVersion v) {
  switch (v) {
    case transport::TlsVersion::tls_1_0:
      return CURL_SSLVERSION_TLSv1_0;
    case transport::TlsVersion::tls_1_1:
      return CURL_SSLVERSION_TLSv1_1;
    case transport::TlsVersion::tls_1_2:
      return CURL_SSLVERSION_TLSv1_2;
    case transport::TlsVersion::tls_1_3:
      return CURL_SSLVERSION_TLSv1_3;
    case transport::TlsVersion::any:
      break;
  }
  return CURL_SSLVERSION_DEFAULT;
}

void set_pem(CURL* handle, CURLoption option, const std::string& pem) {
  if (pem.empty()) return;
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(handle, option, &blob);
}

std::string environment(const char* name, const char* upper) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') value = std::getenv(upper);
  return value == nullptr ? std::string() : std::string(value);
}

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

}  // namespace

void PeerOptions::apply_tls(CURL* handle, const transport::ConnectionOptions& options) {
  set_pem(handle, CURLOPT_CAINFO_BLOB, options.ca_pem);
  set_pem(handle, CURLOPT_SSLCERT_BLOB, options.cert_pem);
  set_pem(handle, CURLOPT_SSLKEY_BLOB, options.key_pem);
  if (options.skip_verify) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  // The upper bound is the same number, shifted (curl.h).
  const long versions = curl_version_of(options.min_version) | (curl_version_of(options.max_version) << 16);
  if (versions != 0) curl_easy_setopt(handle, CURLOPT_SSLVERSION, versions);
}

void PeerOptions::apply_proxy(CURL* handle, const std::string& url,
                              const transport::ConnectionOptions& options) {
  std::string proxy = options.proxy_url;
  std::string no_proxy = options.no_proxy;
  if (options.proxy_from_environment) {
    proxy = url.starts_with("https:") ? environment("https_proxy", "HTTPS_PROXY")
                                      : environment("http_proxy", "HTTP_PROXY");
    no_proxy = environment("no_proxy", "NO_PROXY");
  }
  curl_easy_setopt(handle, CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(handle, CURLOPT_NOPROXY, no_proxy.c_str());
  for (const auto& [name, value] : options.proxy_headers) {
    proxy_headers_.reset(curl_slist_append(proxy_headers_.release(), (name + ": " + value).c_str()));
  }
  curl_easy_setopt(handle, CURLOPT_PROXYHEADER, proxy_headers_.get());
  curl_easy_setopt(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
}

Result<> PeerOptions::apply_server_name(CURL* handle, const std::string& url,
                                        const std::string& server_name) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return fail(ErrorKind::invalid_argument, "url: not a URL");
  const std::string host = url_part(parsed.get(), CURLUPART_HOST);
  const std::string port = url_part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (url_part(parsed.get(), CURLUPART_SCHEME) != "https" || equal_ignore_case(host, server_name)) return {};
  if (curl_url_set(parsed.get(), CURLUPART_HOST, server_name.c_str(), 0) != CURLUE_OK)
    return fail(ErrorKind::invalid_argument, "server_name: not a host name");
  curl_easy_setopt(handle, CURLOPT_URL, url_part(parsed.get(), CURLUPART_URL).c_str());
  connect_to_.reset(curl_slist_append(nullptr, (server_name + ':' + port + ':' + host + ':' + port).c_str()));
  curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connect_to_.get());
  return {};
}

Result<> PeerOptions::apply(CURL* handle, const std::string& url,
                            const transport::ConnectionOptions& options) {
  apply_tls(handle, options);
  apply_proxy(handle, url, options);
  if (!options.unix_socket.empty())
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
  if (!options.server_name.empty()) return apply_server_name(handle, url, options.server_name);
  return {};
}

}  // namespace telltale::net
