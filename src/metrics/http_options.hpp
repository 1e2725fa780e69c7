// How to speak to a target or to a service that lists targets: the HTTP client keys of prometheus.yml, shared
// by scrape jobs, HTTP discovery and OAuth 2.0 token endpoints.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transport/transport.hpp"

namespace YAML {
class Node;
}

namespace telltale::metrics {

/// A text that stands in the configuration or in a file, which is read anew before every use.
struct Secret {
  std::string text;
  std::string file;  // empty: `text` is it
};

struct BasicAuth {
  Secret username;
  Secret password;
};

struct AuthorizationHeader {
  std::string type = "Bearer";
  Secret credentials;
};

struct TlsFiles {
  Secret ca, cert, key;  // PEM; a Secret without both is absent
  std::string server_name;
  bool skip_verify = false;
  transport::TlsVersion min_version = transport::TlsVersion::any;
  transport::TlsVersion max_version = transport::TlsVersion::any;
};

struct ProxyOptions {
  std::string url;       // empty: none
  std::string no_proxy;  // hosts, domains and ranges, with commas
  bool from_environment = false;
  std::vector<std::pair<std::string, Secret>> connect_headers;
};

struct OAuth2Client;

struct HttpOptions {
  std::optional<BasicAuth> basic_auth;
  std::optional<AuthorizationHeader> authorization;
  std::shared_ptr<const OAuth2Client> oauth2;  // at most one of the three
  TlsFiles tls;
  ProxyOptions proxy;
  std::vector<std::pair<std::string, Secret>> headers;
  bool follow_redirects = true;
};

/// The client credentials grant (RFC 6749, section 4.4).
struct OAuth2Client {
  std::string client_id;
  Secret client_secret;
  std::vector<std::string> scopes;
  std::string token_url;
  std::vector<std::pair<std::string, std::string>> endpoint_params;
  HttpOptions http;  // TLS, proxy and headers only
};

/// Reads `key` when it is one of the HTTP client's; false otherwise. Relative file names are of `directory`.
/// Throws ConfigFault; keys below `key` that we do not have go to `unsupported`.
bool read_http_key(const std::string& key, const YAML::Node& value, const std::string& directory,
                   HttpOptions& out, std::vector<std::string>& unsupported);
/// Two credentials in one place are a ConfigFault at `n`.
void check_http_options(const YAML::Node& n, const HttpOptions& options);

/// `file` as it is named in a configuration file of `directory`.
std::string file_in(const std::string& directory, const std::string& file);

}  // namespace telltale::metrics
