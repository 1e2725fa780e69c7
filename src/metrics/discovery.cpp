#include "metrics/discovery.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/hash.hpp"
#include "base/scrape_limits.hpp"
#include "base/text.hpp"

namespace telltale::metrics {
namespace {

constexpr Nanos kLookUpTimeout{std::chrono::seconds(30)};
constexpr Nanos kRetryPeriod{std::chrono::seconds(15)};  // or the refresh interval, if shorter
constexpr std::string_view kRefreshHeader = "X-Prometheus-Refresh-Interval-Seconds";

/// Names in a folder that fit a pattern with at most one `*`.
bool fits(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view tail = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
         name.ends_with(tail);
}

std::string host_port(const std::string& host, std::uint16_t port) {
  const bool six = host.find(':') != std::string::npos;
  return (six ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

TargetGroup dns_group(const DnsDiscovery& discovery, const std::string& name,
                      const transport::DnsRecord& record) {
  const bool srv = discovery.type == transport::DnsType::srv;
  TargetGroup group;
  group.targets.push_back(host_port(record.host, srv ? record.port : discovery.port));
  group.labels.set("__meta_dns_name", name);
  if (srv) {
    group.labels.set("__meta_dns_srv_record_target", record.host + '.');
    group.labels.set("__meta_dns_srv_record_port", std::to_string(record.port));
  } else if (discovery.type == transport::DnsType::mx) {
    group.labels.set("__meta_dns_mx_record_target", record.host + '.');
  } else if (discovery.type == transport::DnsType::ns) {
    group.labels.set("__meta_dns_ns_record_target", record.host + '.');
  }
  return group;
}

std::string_view header(const transport::OutboundResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (equal_ignore_case(key, name)) return value;
  return {};
}

bool same_groups(const std::vector<TargetGroup>& a, const std::vector<TargetGroup>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TargetGroup& x, const TargetGroup& y) {
    return x.targets == y.targets && x.labels == y.labels;
  });
}

}  // namespace

JobDiscovery::JobDiscovery(std::shared_ptr<const ScrapeJob> job, DiscoveryServices services)
    : job_(std::move(job)), services_(services) {
  for (const HttpDiscovery& d : job_->http_discovery) {
    fetchers_.push_back(std::make_unique<HttpFetcher>(d.http, services_.http, services_.fs, services_.clock));
    http_.emplace_back().name = d.url;
  }
  for (const DnsDiscovery& d : job_->dns_discovery) dns_.emplace_back().name = d.names.front();
}

void JobDiscovery::read_file(const std::string& path) {
  auto text = io::read_file(services_.fs, path);
  const std::uint64_t hash = text ? hash64(*text) : 0;
  {
    MutexLock lock(mutex_);
    Source& source = files_[path];
    if (text && source.hash == hash && !source.name.empty()) return;
    source.name = path;
    source.hash = hash;
  }
  auto groups = text ? parse_target_groups(*text, path)
                     : Result<std::vector<TargetGroup>>(tl::unexpected<Error>(std::move(text.error())));
  if (!groups) {  // a file caught half written keeps its targets of before
    services_.log.warn("file_sd file not read", {{"file", path}, {"reason", groups.error().message()}});
    return;
  }
  for (TargetGroup& g : *groups) g.labels.set("__meta_filepath", path);
  MutexLock lock(mutex_);
  files_[path].groups = *std::move(groups);
}

void JobDiscovery::read_files() {
  std::set<std::string> present;
  for (const FileDiscovery& discovery : job_->file_discovery) {
    for (const std::string& pattern : discovery.files) {
      const std::string dir = io::parent_dir(pattern);
      const std::size_t slash = pattern.rfind('/');
      const std::string name = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
      const auto listing = services_.fs.list(dir);
      if (!listing) continue;
      for (const io::FileInfo& info : *listing) {
        if (info.is_dir || !fits(name, info.name)) continue;
        const std::string path = slash == std::string::npos ? info.name : io::join_path(dir, info.name);
        if (present.insert(path).second) read_file(path);
      }
    }
  }
  MutexLock lock(mutex_);
  std::erase_if(files_, [&present](const auto& entry) { return present.count(entry.first) == 0; });
}

std::vector<std::function<bool()>> JobDiscovery::due(UnixNanos now) {
  std::vector<std::function<bool()>> out;
  MutexLock lock(mutex_);
  const auto take = [&](std::vector<Source>& sources, bool (JobDiscovery::*look_up)(std::size_t)) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].busy || sources[i].due > now) continue;
      sources[i].busy = true;
      out.emplace_back([self = shared_from_this(), look_up, i] { return (self.get()->*look_up)(i); });
    }
  };
  take(http_, &JobDiscovery::look_up_http);
  take(dns_, &JobDiscovery::look_up_dns);
  return out;
}

std::vector<TargetGroup> JobDiscovery::groups() const {
  std::vector<TargetGroup> out = job_->static_configs;
  MutexLock lock(mutex_);
  for (const auto& [path, source] : files_) out.insert(out.end(), source.groups.begin(), source.groups.end());
  for (const auto* sources : {&http_, &dns_})
    for (const Source& source : *sources) out.insert(out.end(), source.groups.begin(), source.groups.end());
  return out;
}

Result<std::vector<TargetGroup>> JobDiscovery::ask_http(std::size_t index) {
  const HttpDiscovery& discovery = job_->http_discovery[index];
  FetchRequest fetch;
  fetch.url = discovery.url;
  fetch.headers = {
      {"Accept", "application/json"},
      {std::string(kRefreshHeader),
       std::to_string(std::chrono::duration_cast<std::chrono::seconds>(discovery.refresh).count())}};
  fetch.timeout = std::min(discovery.refresh, kLookUpTimeout);
  fetch.max_bytes = limits::kMaxDiscoveryBytes;
  TT_ASSIGN(const auto response, fetchers_[index]->get(fetch));
  if (response.status != 200)
    return fail(ErrorKind::unavailable, "server returned HTTP status " + std::to_string(response.status));
  const std::string_view type = header(response, "Content-Type");
  if (!equal_ignore_case(type.substr(0, type.find(';')), "application/json"))
    return fail(ErrorKind::unsupported,
                "the content type is not application/json: " + std::string(truncate_utf8(type, 100)));
  TT_ASSIGN(auto groups, parse_json_target_groups(response.body, "the answer"));
  for (TargetGroup& g : groups) g.labels.set("__meta_url", discovery.url);
  return groups;
}

Result<std::vector<TargetGroup>> JobDiscovery::ask_dns(const DnsDiscovery& discovery) const {
  std::vector<TargetGroup> out;
  for (const std::string& name : discovery.names) {
    TT_ASSIGN(const auto records, services_.dns.lookup(name, discovery.type));
    for (const auto& record : records) out.push_back(dns_group(discovery, name, record));
  }
  return out;
}

bool JobDiscovery::settle(Source& source, Result<std::vector<TargetGroup>> found, Nanos refresh) {
  const UnixNanos now = services_.clock.now();
  source.busy = false;
  if (!found) {
    source.due = now + std::min(refresh, kRetryPeriod);
    services_.log.warn("target discovery failed",
                       {{"job", job_->name}, {"source", source.name}, {"reason", found.error().message()}});
    return false;
  }
  source.due = now + refresh;
  if (same_groups(source.groups, *found)) return false;
  source.groups = *std::move(found);
  return true;
}

bool JobDiscovery::look_up_http(std::size_t index) {
  auto found = ask_http(index);
  MutexLock lock(mutex_);
  return settle(http_[index], std::move(found), job_->http_discovery[index].refresh);
}

bool JobDiscovery::look_up_dns(std::size_t index) {
  auto found = ask_dns(job_->dns_discovery[index]);
  MutexLock lock(mutex_);
  return settle(dns_[index], std::move(found), job_->dns_discovery[index].refresh);
}

}  // namespace telltale::metrics
