// The target groups of one job, from everything it names: fixed ones, files, HTTP lists, DNS. A source that
// fails keeps what it said before.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/mutex.hpp"
#include "io/file_system.hpp"
#include "metrics/http_fetcher.hpp"
#include "metrics/scrape_config.hpp"

namespace telltale::metrics {

struct DiscoveryServices {
  transport::HttpClient& http;
  transport::DnsClient& dns;
  io::FileSystem& fs;
  const Clock& clock;
  const Logger& log;
};

/// Thread-safe, but for read_files(), which is called by one thread at a time.
class JobDiscovery : public std::enable_shared_from_this<JobDiscovery> {
 public:
  JobDiscovery(std::shared_ptr<const ScrapeJob> job, DiscoveryServices services);

  /// Reads the job's files again where they changed.
  void read_files();
  /// Look-ups whose turn has come at `now`; each returns true when it changed the groups. A look-up is not
  /// given out again before it has run.
  std::vector<std::function<bool()>> due(UnixNanos now);
  /// Every group that is known now, in the order of the configuration.
  std::vector<TargetGroup> groups() const;

 private:
  struct Source {
    std::string name;  // for messages
    UnixNanos due{INT64_MIN};
    bool busy = false;
    std::vector<TargetGroup> groups;
    std::uint64_t hash = 0;  // of the bytes they were read from
  };

  bool look_up_http(std::size_t index);
  bool look_up_dns(std::size_t index);
  Result<std::vector<TargetGroup>> ask_http(std::size_t index);
  Result<std::vector<TargetGroup>> ask_dns(const DnsDiscovery& discovery) const;
  bool settle(Source& source, Result<std::vector<TargetGroup>> found, Nanos refresh) TT_REQUIRES(mutex_);
  void read_file(const std::string& path);

  const std::shared_ptr<const ScrapeJob> job_;
  const DiscoveryServices services_;
  std::vector<std::unique_ptr<HttpFetcher>> fetchers_;  // of http_discovery, constant
  mutable Mutex mutex_;
  std::map<std::string, Source> files_ TT_GUARDED_BY(mutex_);  // by path
  std::vector<Source> http_ TT_GUARDED_BY(mutex_);
  std::vector<Source> dns_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::metrics
