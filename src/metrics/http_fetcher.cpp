#include "metrics/http_fetcher.hpp"

#include <simdjson.h>

#include "base/scrape_limits.hpp"
#include "base/text.hpp"

namespace telltale::metrics {
namespace {

// A token is renewed so long before it expires; one whose life is not told is used for a minute.
constexpr Nanos kTokenMargin{std::chrono::seconds(10)};
constexpr Nanos kUnknownTokenLife{std::chrono::minutes(1)};
constexpr std::int64_t kMaxTokenSeconds = 365LL * 86'400;

std::string stripped(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  std::size_t begin = 0;
  while (begin < text.size() && static_cast<unsigned char>(text[begin]) <= ' ') ++begin;
  return text.substr(begin);
}

std::string form_of(const OAuth2Client& client) {
  std::string out = "grant_type=client_credentials";
  std::string scopes;
  for (const std::string& scope : client.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  if (!scopes.empty()) out += "&scope=" + percent_encoded(scopes);
  for (const auto& [name, value] : client.endpoint_params)
    out += '&' + percent_encoded(name) + '=' + percent_encoded(value);
  return out;
}

/// RFC 6749, section 5.1: `access_token`, `token_type`, `expires_in` in seconds.
Result<std::string> read_token(std::string_view body, Nanos& lifetime) {
  simdjson::dom::parser parser;
  simdjson::dom::object answer;
  std::string_view token;
  std::string_view type;
  const simdjson::padded_string padded(body);
  if (parser.parse(padded).get_object().get(answer) != simdjson::SUCCESS ||
      answer["access_token"].get_string().get(token) != simdjson::SUCCESS)
    return fail(ErrorKind::unavailable, "oauth2: the answer has no access_token");
  if (answer["token_type"].get_string().get(type) != simdjson::SUCCESS || equal_ignore_case(type, "bearer"))
    type = "Bearer";
  std::int64_t seconds = 0;
  lifetime = answer["expires_in"].get_int64().get(seconds) == simdjson::SUCCESS && seconds > 0
                 ? Nanos(std::chrono::seconds(std::min(seconds, kMaxTokenSeconds)))
                 : kUnknownTokenLife;
  return std::string(type) + ' ' + std::string(token);
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[b >> 4];
      out += kHex[b & 15];
    }
  }
  return out;
}

HttpFetcher::HttpFetcher(HttpOptions options, transport::HttpClient& http, io::FileSystem& fs,
                         const Clock& clock)
    : options_(std::move(options)), http_(http), fs_(fs), clock_(clock) {}

Result<std::string> HttpFetcher::secret(const Secret& s, std::string_view field) const {
  if (s.file.empty()) return s.text;
  const auto within = [field](Error e) {
    return tl::unexpected<Error>(std::move(e).within(std::string(field) + "_file"));
  };
  auto file = fs_.open(s.file, io::OpenMode::read);
  if (!file) return within(std::move(file.error()));
  auto text = (*file)->read(0, limits::kMaxCredentialFileBytes);
  if (!text) return within(std::move(text.error()));
  return stripped(*std::move(text));
}

Result<std::shared_ptr<const transport::ConnectionOptions>> HttpFetcher::connection(
    const HttpOptions& options, const std::string& unix_socket) const {
  auto out = std::make_shared<transport::ConnectionOptions>();
  const TlsFiles& tls = options.tls;
  TT_ASSIGN(out->ca_pem, secret(tls.ca, "tls_config.ca"));
  TT_ASSIGN(out->cert_pem, secret(tls.cert, "tls_config.cert"));
  TT_ASSIGN(out->key_pem, secret(tls.key, "tls_config.key"));
  out->server_name = tls.server_name;
  out->skip_verify = tls.skip_verify;
  out->min_version = tls.min_version;
  out->max_version = tls.max_version;
  out->proxy_url = options.proxy.url;
  out->no_proxy = options.proxy.no_proxy;
  out->proxy_from_environment = options.proxy.from_environment;
  for (const auto& [name, value] : options.proxy.connect_headers)
    out->proxy_headers.emplace_back(name, value.text);
  out->unix_socket = unix_socket;
  return out;
}

Result<> HttpFetcher::add_headers(const HttpOptions& options, transport::Headers& out) const {
  for (const auto& [name, value] : options.headers) {
    TT_ASSIGN(std::string text, secret(value, "http_headers." + name));
    out.emplace_back(name, std::move(text));
  }
  return {};
}

Result<std::string> HttpFetcher::ask_token(const OAuth2Client& client, Nanos timeout, Nanos& lifetime) {
  TT_ASSIGN(const std::string password, secret(client.client_secret, "oauth2.client_secret"));
  transport::OutboundRequest request;
  request.method = "POST";
  request.url = client.token_url;
  request.user_given = false;
  request.timeout = timeout;
  request.max_response_bytes = limits::kMaxTokenAnswerBytes;
  TT_ASSIGN(request.connection, connection(client.http, {}));
  // Servers differ in where they look for the client: in the header first, as the RFC prefers, then in the
  // form.
  for (const bool in_header : {true, false}) {
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    TT_TRY(add_headers(client.http, request.headers));
    request.body = form_of(client);
    if (in_header) {
      request.headers.emplace_back("Authorization", "Basic " + to_base64(percent_encoded(client.client_id) +
                                                                         ':' + percent_encoded(password)));
    } else {
      request.body +=
          "&client_id=" + percent_encoded(client.client_id) + "&client_secret=" + percent_encoded(password);
    }
    auto response = http_.send(request);
    if (!response) return tl::unexpected<Error>(std::move(response.error()).within("oauth2"));
    if (response->status == 200) return read_token(response->body, lifetime);
    if (!in_header || response->status >= 500)
      return fail(ErrorKind::unavailable,
                  "oauth2: the token endpoint answered status " + std::to_string(response->status));
  }
  return fail(ErrorKind::internal, "oauth2");
}

Result<std::string> HttpFetcher::token(Nanos timeout) {
  MutexLock lock(mutex_);  // one asks, the others wait for its token
  if (!token_.empty() && clock_.steady() < token_until_) return token_;
  Nanos lifetime{0};
  token_.clear();
  TT_ASSIGN(token_, ask_token(*options_.oauth2, timeout, lifetime));
  token_until_ = clock_.steady() + std::max(lifetime - kTokenMargin, Nanos(0));
  return token_;
}

Result<std::string> HttpFetcher::authorization(Nanos timeout) {
  if (options_.oauth2) return token(timeout);
  if (options_.basic_auth) {
    TT_ASSIGN(const std::string user, secret(options_.basic_auth->username, "basic_auth.username"));
    TT_ASSIGN(const std::string password, secret(options_.basic_auth->password, "basic_auth.password"));
    return "Basic " + to_base64(user + ':' + password);
  }
  if (!options_.authorization) return std::string();
  TT_ASSIGN(const std::string credentials,
            secret(options_.authorization->credentials, "authorization.credentials"));
  return options_.authorization->type + ' ' + credentials;
}

Result<transport::OutboundResponse> HttpFetcher::get(const FetchRequest& fetch) {
  transport::OutboundRequest request;
  request.url = fetch.url;
  request.headers = fetch.headers;
  request.timeout = fetch.timeout;
  request.max_response_bytes = fetch.max_bytes;
  request.user_given = false;
  request.follow_redirects = options_.follow_redirects;
  request.compression = fetch.compression;
  TT_ASSIGN(request.connection, connection(options_, fetch.unix_socket));
  TT_TRY(add_headers(options_, request.headers));
  TT_ASSIGN(const std::string credentials, authorization(fetch.timeout));
  if (!credentials.empty()) request.headers.emplace_back("Authorization", credentials);
  auto response = http_.send(request);
  if (options_.oauth2 && response && response->status == 401) {
    MutexLock lock(mutex_);
    token_.clear();
  }
  return response;
}

}  // namespace telltale::metrics
