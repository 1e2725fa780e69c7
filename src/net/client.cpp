// Two pools of curl handles, one for trusted callers and one for user-given URLs: a handle keeps its
// connections, and a guarded call must only ever meet connections whose address the guard has seen.
#include "net/client.hpp"

#include <atomic>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mutex.hpp"
#include "base/text.hpp"
#include "net/address.hpp"
#include "net/peer_options.ipp"

namespace telltale::net {

struct AllowList {
  std::vector<Cidr> ranges;
  std::vector<std::string> hosts;  // lower case; `.corp.example` for `*.corp.example`
  bool host_allowed(const std::string& host) const {
    for (const std::string& entry : hosts) {
      if (entry.front() == '.' ? host.ends_with(entry) : host == entry) return true;
    }
    return false;
  }
};

namespace {

constexpr std::size_t kIdleHandles = 16;  // of each pool
constexpr std::size_t kMaxReplyHeaders = 200;
constexpr long kMaxRedirects = 10;

void init_curl_once() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)done;
}

Result<AllowList> parse_allow_list(const std::vector<std::string>& entries) {
  AllowList list;
  for (const std::string& entry : entries) {
    if (const auto range = Cidr::parse(entry)) {
      list.ranges.push_back(*range);
      continue;
    }
    std::string host = to_lower(entry);
    if (host.starts_with("*.")) host.erase(0, 1);
    const bool name = !host.empty() && host != "." &&
                      host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string::npos;
    if (!name) {
      return fail(ErrorKind::invalid_argument,
                  "net.outbound_allow: \"" + entry + "\" is neither a host, an address nor a CIDR");
    }
    list.hosts.push_back(std::move(host));
  }
  return list;
}

/// The host of an http(s) URL as curl understands it, lower case.
Result<std::string> url_host(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  char* scheme = nullptr;
  char* host = nullptr;
  const bool ok = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
                  curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK;
  const std::string scheme_text = scheme != nullptr ? to_lower(scheme) : "";
  const std::string host_text = host != nullptr ? to_lower(host) : "";
  curl_free(scheme);
  curl_free(host);
  if (!ok || (scheme_text != "http" && scheme_text != "https")) {
    return fail(ErrorKind::invalid_argument, "url: not an http or https URL");
  }
  return host_text;
}

/// What stands between the scheme and the path, without user and password.
std::string url_authority(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  if (const std::size_t at = authority.rfind('@'); at != std::string::npos) authority.erase(0, at + 1);
  return authority;
}

/// One running call.
struct OutboundCall {
  const AllowList* allow = nullptr;  // null: every address
  const std::atomic<bool>* cancelled = nullptr;
  std::size_t max_bytes = 0;
  bool too_large = false;
  std::string blocked;  // the address that was refused
  transport::OutboundResponse response;
};

std::size_t on_outbound_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<OutboundCall*>(self);
  if (call.response.body.size() + size * count > call.max_bytes) {
    call.too_large = true;
    return 0;
  }
  call.response.body.append(data, size * count);
  return size * count;
}

std::size_t on_outbound_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<OutboundCall*>(self);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) call.response.headers.clear();  // an interim response came before
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || call.response.headers.size() >= kMaxReplyHeaders)
    return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
  call.response.headers.emplace_back(line.substr(0, colon), value);
  return size * count;
}

curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& call = *static_cast<OutboundCall*>(self);
  if (call.allow != nullptr) {
    const auto ip = IpAddress::from_sockaddr(&address->addr);
    if (!ip || (!is_public(*ip) && !any_contains(call.allow->ranges, *ip))) {
      call.blocked = ip ? ip->text() : "not an IP address";
      return CURL_SOCKET_BAD;
    }
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int on_outbound_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<OutboundCall*>(self)->cancelled->load() ? 1 : 0;
}

Error outbound_error(const OutboundCall& call, CURLcode code) {
  if (!call.blocked.empty()) {
    return {ErrorKind::permission_denied,
            "url: address " + call.blocked + " is not public (net.outbound_allow)"};
  }
  if (call.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return {ErrorKind::too_large, "the response is over " + std::to_string(call.max_bytes) + " bytes"};
  }
  const std::string text = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorKind::deadline_exceeded, text};
    case CURLE_ABORTED_BY_CALLBACK:
      return {ErrorKind::cancelled, "the client is stopping"};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {ErrorKind::invalid_argument, "url: " + text};
    default:
      return {ErrorKind::unavailable, text};
  }
}

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

}  // namespace

struct CurlHttpClient::Impl {
  HttpClientOptions options;
  std::atomic<bool> cancelled{false};
  Mutex mutex;
  std::shared_ptr<const AllowList> allow TT_GUARDED_BY(mutex);
  std::vector<CURL*> idle[2] TT_GUARDED_BY(mutex);

  ~Impl() {
    for (auto& pool : idle) {
      for (CURL* handle : pool) curl_easy_cleanup(handle);
    }
  }
  CURL* take(bool guarded, const std::shared_ptr<const AllowList>& list) {
    MutexLock lock(mutex);
    if (idle[guarded].empty() || (guarded && list != allow)) return curl_easy_init();
    CURL* handle = idle[guarded].back();
    idle[guarded].pop_back();
    return handle;
  }
  std::shared_ptr<const AllowList> allowed() {
    MutexLock lock(mutex);
    return allow;
  }
  /// A guarded handle keeps connections that its list allowed; under another list it must not be used again.
  void give_back(bool guarded, CURL* handle, const std::shared_ptr<const AllowList>& list) {
    curl_easy_reset(handle);
    MutexLock lock(mutex);
    if (idle[guarded].size() < kIdleHandles && (!guarded || list == allow)) {
      idle[guarded].push_back(handle);
    } else {
      curl_easy_cleanup(handle);
    }
  }
  Result<HeaderList> header_list(const transport::OutboundRequest& request, bool& own_encoding) const;
  void configure(CURL* handle, const transport::OutboundRequest& request, OutboundCall& call) const;
};

Result<HeaderList> CurlHttpClient::Impl::header_list(const transport::OutboundRequest& request,
                                                     bool& own_encoding) const {
  HeaderList list(curl_slist_append(nullptr, "Expect:"), curl_slist_free_all);
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find_first_of("\r\n: ") != std::string::npos ||
        value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorKind::invalid_argument,
                  "header \"" + name + "\" has characters that headers cannot have");
    }
    if (equal_ignore_case(name, "Accept-Encoding")) own_encoding = true;
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    curl_slist_append(list.get(), line.c_str());
  }
  if (request.connection && !request.connection->server_name.empty())
    curl_slist_append(list.get(), ("Host: " + url_authority(request.url)).c_str());
  return list;
}

void CurlHttpClient::Impl::configure(CURL* handle, const transport::OutboundRequest& request,
                                     OutboundCall& call) const {
  const auto millis = [](Nanos d) {
    return static_cast<long>(std::max<std::int64_t>(d.count() / 1'000'000, 1));
  };
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, millis(request.timeout));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   millis(std::min(options.connect_timeout, request.timeout)));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, options.user_agent.c_str());
  if (!options.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  if (request.compression) curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (request.follow_redirects && !request.user_given) {
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_outbound_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &call);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_outbound_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &call);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &call);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_outbound_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &call);
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

CurlHttpClient::CurlHttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CurlHttpClient::~CurlHttpClient() = default;

Result<std::unique_ptr<CurlHttpClient>> CurlHttpClient::create(HttpClientOptions options) {
  init_curl_once();
  auto impl = std::make_unique<Impl>();
  const std::vector<std::string> allow = options.outbound_allow;
  impl->options = std::move(options);
  std::unique_ptr<CurlHttpClient> client(new CurlHttpClient(std::move(impl)));
  TT_TRY(client->set_outbound_allow(allow));
  return client;
}

Result<> CurlHttpClient::set_outbound_allow(const std::vector<std::string>& entries) {
  TT_ASSIGN(auto list, parse_allow_list(entries));
  std::vector<CURL*> old;
  {
    MutexLock lock(impl_->mutex);
    impl_->allow = std::make_shared<const AllowList>(std::move(list));
    old.swap(impl_->idle[true]);
  }
  for (CURL* handle : old) curl_easy_cleanup(handle);
  return {};
}

Result<transport::OutboundResponse> CurlHttpClient::send(const transport::OutboundRequest& request) {
  if (impl_->cancelled) return fail(ErrorKind::cancelled, "the client is stopping");
  if (request.method.empty() ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "method \"" + request.method + "\"");
  }
  TT_ASSIGN(const std::string host, url_host(request.url));
  OutboundCall call;
  call.cancelled = &impl_->cancelled;
  call.max_bytes = request.max_response_bytes;
  const std::shared_ptr<const AllowList> allow = impl_->allowed();
  if (request.user_given && !allow->host_allowed(host)) call.allow = allow.get();
  bool own_encoding = false;
  TT_ASSIGN(const HeaderList headers, impl_->header_list(request, own_encoding));
  CURL* handle = impl_->take(request.user_given, allow);
  if (handle == nullptr) return fail(ErrorKind::internal, "no curl handle");
  impl_->configure(handle, request, call);
  if (own_encoding) curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, nullptr);
  PeerOptions peer;
  if (request.connection) {
    if (auto applied = peer.apply(handle, request.url, *request.connection); !applied) {
      impl_->give_back(request.user_given, handle, allow);
      return tl::unexpected<Error>(std::move(applied).error());
    }
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  impl_->give_back(request.user_given, handle, allow);
  if (code != CURLE_OK) return tl::unexpected<Error>(outbound_error(call, code));
  call.response.status = static_cast<int>(status);
  return std::move(call.response);
}

void CurlHttpClient::cancel_all() { impl_->cancelled = true; }

Result<std::vector<std::string>> SystemResolver::resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) {
    return fail(ErrorKind::unavailable, "resolve " + host + ": " + gai_strerror(code));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (const auto ip = IpAddress::from_sockaddr(entry->ai_addr)) addresses.push_back(ip->text());
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace telltale::net
