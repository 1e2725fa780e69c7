#include "metrics/http_options.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "io/file_system.hpp"
#include "metrics/yaml_reader.ipp"

namespace telltale::metrics {
namespace {

/// A mapping's keys, read one by one, in a configuration file of `directory`.
struct HttpReader {
  const std::string& directory;
  std::vector<std::string>& unsupported;

  std::string file(const YAML::Node& n, const std::string& field) const {
    return file_in(directory, as_text(n, field));
  }

  BasicAuth basic_auth(const YAML::Node& n) const {
    BasicAuth out;
    for (const auto& kv : as_map(n, "basic_auth")) {
      const std::string key = kv.first.Scalar();
      const std::string field = "basic_auth." + key;
      if (key == "username") {
        out.username.text = as_text(kv.second, field);
      } else if (key == "username_file") {
        out.username.file = file(kv.second, field);
      } else if (key == "password") {
        out.password.text = as_text(kv.second, field);
      } else if (key == "password_file") {
        out.password.file = file(kv.second, field);
      } else {
        unsupported.push_back(field);
      }
    }
    return out;
  }

  AuthorizationHeader authorization(const YAML::Node& n) const {
    AuthorizationHeader out;
    for (const auto& kv : as_map(n, "authorization")) {
      const std::string key = kv.first.Scalar();
      const std::string field = "authorization." + key;
      if (key == "type") {
        out.type = as_text(kv.second, field);
      } else if (key == "credentials") {
        out.credentials.text = as_text(kv.second, field);
      } else if (key == "credentials_file") {
        out.credentials.file = file(kv.second, field);
      } else {
        unsupported.push_back(field);
      }
    }
    if (equal_ignore_case(out.type, "basic"))
      bad_field(n, "authorization.type", "cannot be basic; basic_auth does that");
    return out;
  }

  static transport::TlsVersion version(const YAML::Node& n, const std::string& field) {
    static constexpr std::pair<std::string_view, transport::TlsVersion> kVersions[] = {
        {"TLS10", transport::TlsVersion::tls_1_0},
        {"TLS11", transport::TlsVersion::tls_1_1},
        {"TLS12", transport::TlsVersion::tls_1_2},
        {"TLS13", transport::TlsVersion::tls_1_3}};
    const std::string text = as_text(n, field);
    for (const auto& [name, v] : kVersions)
      if (name == text) return v;
    bad_field(n, field, "must be TLS10, TLS11, TLS12 or TLS13");
  }

  TlsFiles tls(const YAML::Node& n) const {
    TlsFiles out;
    const std::pair<std::string_view, Secret*> files[] = {
        {"ca", &out.ca}, {"cert", &out.cert}, {"key", &out.key}};
    for (const auto& kv : as_map(n, "tls_config")) {
      const std::string key = kv.first.Scalar();
      const std::string field = "tls_config." + key;
      const auto pem = std::find_if(std::begin(files), std::end(files), [&key](const auto& f) {
        return key == f.first || key == std::string(f.first) + "_file";
      });
      if (pem != std::end(files)) {
        (key == pem->first ? pem->second->text : pem->second->file) =
            key == pem->first ? as_text(kv.second, field) : file(kv.second, field);
      } else if (key == "server_name") {
        out.server_name = as_text(kv.second, field);
      } else if (key == "insecure_skip_verify") {
        out.skip_verify = as_bool(kv.second, field);
      } else if (key == "min_version") {
        out.min_version = version(kv.second, field);
      } else if (key == "max_version") {
        out.max_version = version(kv.second, field);
      } else {
        unsupported.push_back(field);
      }
    }
    const auto given = [](const Secret& s) { return !s.text.empty() || !s.file.empty(); };
    if (given(out.cert) != given(out.key)) bad_field(n, "tls_config", "cert and key belong together");
    return out;
  }

  /// `{name: {values: […], secrets: […], files: […]}}`.
  std::vector<std::pair<std::string, Secret>> headers(const YAML::Node& n, const std::string& field) const {
    std::vector<std::pair<std::string, Secret>> out;
    for (const auto& header : as_map(n, field)) {
      const std::string name = header.first.Scalar();
      for (const auto& kv : as_map(header.second, field + "." + name)) {
        const std::string key = kv.first.Scalar();
        const std::string place = field + "." + name + "." + key;
        if (key != "values" && key != "secrets" && key != "files") {
          unsupported.push_back(place);
          continue;
        }
        for (auto& text : as_texts(kv.second, place))
          out.emplace_back(name, key == "files" ? Secret{{}, file_in(directory, text)} : Secret{text, {}});
      }
    }
    return out;
  }

  /// `{name: [value, …]}`, as proxy_connect_header has it.
  std::vector<std::pair<std::string, Secret>> plain_headers(const YAML::Node& n,
                                                            const std::string& field) const {
    std::vector<std::pair<std::string, Secret>> out;
    for (const auto& header : as_map(n, field))
      for (auto& text : as_texts(header.second, field))
        out.emplace_back(header.first.Scalar(), Secret{text, {}});
    return out;
  }

  std::shared_ptr<const OAuth2Client> oauth2(const YAML::Node& n) const {
    auto out = std::make_shared<OAuth2Client>();
    for (const auto& kv : as_map(n, "oauth2")) {
      const std::string key = kv.first.Scalar();
      const std::string field = "oauth2." + key;
      if (key == "client_id") {
        out->client_id = as_text(kv.second, field);
      } else if (key == "client_secret") {
        out->client_secret.text = as_text(kv.second, field);
      } else if (key == "client_secret_file") {
        out->client_secret.file = file(kv.second, field);
      } else if (key == "scopes") {
        out->scopes = as_texts(kv.second, field);
      } else if (key == "token_url") {
        out->token_url = as_text(kv.second, field);
      } else if (key == "endpoint_params") {
        for (const auto& param : as_map(kv.second, field))
          out->endpoint_params.emplace_back(param.first.Scalar(), as_text(param.second, field));
      } else if (key == "basic_auth" || key == "authorization" || key == "oauth2" ||
                 !read_http_key(key, kv.second, directory, out->http, unsupported)) {
        unsupported.push_back(field);
      }
    }
    if (out->client_id.empty()) bad_field(n, "oauth2.client_id", "is missing");
    if (out->token_url.empty()) bad_field(n, "oauth2.token_url", "is missing");
    return out;
  }
};

}  // namespace

std::string file_in(const std::string& directory, const std::string& file) {
  if (file.empty() || file.starts_with('/') || directory.empty() || directory == ".") return file;
  return io::join_path(directory, file);
}

bool read_http_key(const std::string& key, const YAML::Node& v, const std::string& directory,
                   HttpOptions& out, std::vector<std::string>& unsupported) {
  const HttpReader read{directory, unsupported};
  if (key == "basic_auth") {
    out.basic_auth = read.basic_auth(v);
  } else if (key == "authorization") {
    out.authorization = read.authorization(v);
  } else if (key == "bearer_token") {
    out.authorization.emplace().credentials.text = as_text(v, key);
  } else if (key == "bearer_token_file") {
    out.authorization.emplace().credentials.file = read.file(v, key);
  } else if (key == "oauth2") {
    out.oauth2 = read.oauth2(v);
  } else if (key == "tls_config") {
    out.tls = read.tls(v);
  } else if (key == "proxy_url") {
    out.proxy.url = as_text(v, key);
  } else if (key == "no_proxy") {
    out.proxy.no_proxy = as_text(v, key);
  } else if (key == "proxy_from_environment") {
    out.proxy.from_environment = as_bool(v, key);
  } else if (key == "proxy_connect_header") {
    out.proxy.connect_headers = read.plain_headers(v, key);
  } else if (key == "http_headers") {
    out.headers = read.headers(v, key);
  } else if (key == "follow_redirects") {
    out.follow_redirects = as_bool(v, key);
  } else if (key == "enable_http2") {
    as_bool(v, key);  // our client speaks HTTP/1.1, which every target does
  } else {
    return false;
  }
  return true;
}

void check_http_options(const YAML::Node& n, const HttpOptions& options) {
  const int credentials =
      (options.basic_auth ? 1 : 0) + (options.authorization ? 1 : 0) + (options.oauth2 ? 1 : 0);
  if (credentials > 1)
    bad_field(n, "basic_auth", "only one of basic_auth, authorization, oauth2 and bearer_token is possible");
  if (options.proxy.from_environment && (!options.proxy.url.empty() || !options.proxy.no_proxy.empty()))
    bad_field(n, "proxy_from_environment", "does not go with proxy_url or no_proxy");
  if (!options.proxy.no_proxy.empty() && options.proxy.url.empty())
    bad_field(n, "no_proxy", "needs a proxy_url");
}

}  // namespace telltale::metrics
