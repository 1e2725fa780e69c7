// Numbers as a fleet of hosts with a hundred series each would be scraped: every 15 s, each host at its own
// offset of up to a second. 30 % counters of seconds, 20 % of events, 10 % that seldom move, 20 % gauges
// (half of them of pages, half with two decimals), 12 % buckets of one histogram and 8 % constants; 6 to 8
// labels. Equal options make equal data, on every machine.
//
// With churn, 5 % of the series are replaced every ten minutes: a label changes and counting begins again.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct MetricOptions {
  std::uint64_t seed = 1;
  std::size_t hosts = 50;
  std::int64_t start_ms = 0;
  std::int64_t span_ms = 3'600'000;
  bool churn = false;
};

constexpr std::size_t kSeriesPerHost = 100;
constexpr std::int64_t kScrapeMs = 15'000;

/// The scrapes of all hosts in the order of time, as messages of remote write 1.0.
class MetricSeries {
 public:
  explicit MetricSeries(const MetricOptions& options);

  /// Appends the next host's scrape, kSeriesPerHost series with a sample each, to a WriteRequest that is not
  /// compressed. False at the end.
  bool next(std::string& request);
  std::uint64_t samples() const { return samples_; }

 private:
  struct Metric {
    std::string before;  // labels in front of the host's own: the name first
    std::string after;
    unsigned kind = 0;
  };
  struct Host {
    std::string middle;
    std::string tail;
    std::int64_t offset_ms = 0;
  };

  void make_metrics();
  void make_hosts();
  double advance(std::size_t metric, double& state, std::uint64_t draw) const;
  void put_series(std::string& request, const Host& host, std::size_t series, double value, std::int64_t ms);

  const MetricOptions options_;
  std::array<Metric, kSeriesPerHost> metrics_;
  std::vector<Host> hosts_;
  std::vector<double> states_;
  std::size_t host_ = 0;
  std::int64_t step_ = 0;
  std::uint64_t samples_ = 0;
  std::string labels_;  // of the series that is written
};

}  // namespace bench
