// The manager with a fake client and a clock that the test moves.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "metrics/scrape_manager.hpp"

namespace telltale::metrics {
struct FakeHttp final : transport::HttpClient {
  Result<transport::OutboundResponse> send(const transport::OutboundRequest& request) override {
    requests.push_back(request);
    if (down) return fail(ErrorKind::unavailable, "connection refused");
    if (const auto it = answers.find(request.url); it != answers.end()) return it->second;
    return transport::OutboundResponse{status, {{"Content-Type", "text/plain; version=0.0.4"}}, body};
  }
  std::vector<transport::OutboundRequest> requests;
  bool down = false;
  int status = 200;
  std::string body;
  std::map<std::string, transport::OutboundResponse> answers;  // by URL, before the common one
};

struct FakeDns final : transport::DnsClient {
  Result<std::vector<transport::DnsRecord>> lookup(const std::string& name, transport::DnsType) override {
    if (down) return fail(ErrorKind::unavailable, "no answer");
    return records[name];
  }
  std::map<std::string, std::vector<transport::DnsRecord>> records;
  bool down = false;
};

struct Scraping {
  FakeHttp http;
  FakeDns dns;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::map<std::string, std::vector<double>> got;  // by printed labels
  ProjectId project;
  ScrapeManager manager{
      {http, dns, *fs, clock, log}, metrics, [this](ProjectId p, UnixNanos, Scraped scraped) {
        project = p;
        for (auto& [labels, s] : scraped.samples) got[labels.to_string()].push_back(s.value);
        return Result<>();
      }};

  void configure(const std::string& yaml) {
    auto config = parse_scrape_config(yaml, "prometheus.yml");
    ASSERT_TRUE(config) << config.error().message();
    manager.configure(std::move(*config));
  }
  /// Ticks every second; what arrived meanwhile.
  std::map<std::string, std::vector<double>> run(int seconds) {
    got.clear();
    for (int i = 0; i < seconds; ++i) {
      clock.advance(std::chrono::seconds(1));
      manager.tick(clock.now());
    }
    return got;
  }
};

inline const char* const kOneJob =
    "scrape_configs:\n- job_name: app\n  project: 7\n  scrape_interval: 15s\n  static_configs:\n"
    "  - targets: ['h:80']\n    labels: {env: prod}\n";

}  // namespace telltale::metrics
