// Configuration and the manager, with a fake client and a clock that the test moves.
#include <algorithm>

#include <gtest/gtest.h>

#include "metrics/scrape_manager.hpp"

namespace telltale::metrics {
namespace {

struct FakeHttp final : transport::HttpClient {
  Result<transport::OutboundResponse> send(const transport::OutboundRequest& request) override {
    requests.push_back(request);
    if (down) return fail(ErrorKind::unavailable, "connection refused");
    return transport::OutboundResponse{status, {{"Content-Type", "text/plain; version=0.0.4"}}, body};
  }
  std::vector<transport::OutboundRequest> requests;
  bool down = false;
  int status = 200;
  std::string body;
};

struct Scraping {
  FakeHttp http;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::map<std::string, std::vector<double>> got;  // by printed labels
  ProjectId project;
  ScrapeManager manager{
      http, *fs, clock, log, metrics, [this](ProjectId p, UnixNanos, ScrapedSamples samples) {
        project = p;
        for (auto& [labels, s] : samples) got[labels.to_string()].push_back(s.value);
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

const char* const kOneJob =
    "scrape_configs:\n- job_name: app\n  project: 7\n  scrape_interval: 15s\n  static_configs:\n"
    "  - targets: ['h:80']\n    labels: {env: prod}\n";

TEST(ScrapeManager, ScrapesOnceAnIntervalAndReports) {
  Scraping s;
  s.configure(kOneJob);
  s.http.body = "a{x=\"1\",env=\"dev\"} 5\nb 2 1000\n";
  const auto got = s.run(15);
  ASSERT_EQ(s.http.requests.size(), 1U);
  EXPECT_EQ(s.http.requests[0].url, "http://h:80/metrics");
  EXPECT_FALSE(s.http.requests[0].user_given);
  EXPECT_EQ(s.project, ProjectId{7});
  EXPECT_EQ(got.at("a{env=\"prod\", exported_env=\"dev\", instance=\"h:80\", job=\"app\", x=\"1\"}"),
            (std::vector<double>{5}));
  const std::string at = "{env=\"prod\", instance=\"h:80\", job=\"app\"}";
  EXPECT_EQ(got.at("up" + at).back(), 1);
  EXPECT_EQ(got.at("scrape_samples_scraped" + at).back(), 2);
  EXPECT_EQ(got.at("scrape_series_added" + at).back(), 1);
  EXPECT_EQ(s.manager.targets().at(0).health, "up");
  s.run(30);
  EXPECT_EQ(s.http.requests.size(), 3U);
}

TEST(ScrapeManager, MarksVanishedFailedAndRemovedSeriesStale) {
  Scraping s;
  s.configure(kOneJob);
  const std::string at = "{env=\"prod\", instance=\"h:80\", job=\"app\"}";
  s.http.body = "a 1\nb 2\nown_time 3 1000\n";
  s.run(15);
  s.http.body = "a 1\n";
  auto got = s.run(15);
  EXPECT_TRUE(is_stale_nan(got.at("b" + at).back()));
  EXPECT_EQ(got.count("own_time" + at), 0U) << "explicit timestamps get no stale marker";
  s.http.down = true;
  got = s.run(15);
  EXPECT_TRUE(is_stale_nan(got.at("a" + at).back()));
  EXPECT_EQ(got.at("up" + at).back(), 0);
  EXPECT_EQ(s.manager.targets().at(0).last_error, "connection refused");
  s.http.down = false;
  s.run(15);
  s.configure("scrape_configs: []\n");
  got = s.run(2);
  EXPECT_TRUE(is_stale_nan(got.at("a" + at).back()));
  EXPECT_TRUE(is_stale_nan(got.at("up" + at).back()));
}

TEST(ScrapeManager, ABadLineAStatusOrTheSampleLimitFailTheWholeScrape) {
  for (const int kind : {0, 1, 2}) {
    Scraping s;
    s.configure(std::string(kOneJob) + (kind == 2 ? "  sample_limit: 1\n" : ""));
    s.http.body = kind == 0 ? "a 1\nb b b b\n" : "a 1\nb 2\n";
    if (kind == 1) s.http.status = 500;
    const auto got = s.run(15);
    EXPECT_EQ(got.size(), 5U) << "only up and scrape_*";
    EXPECT_EQ(s.manager.targets().at(0).health, "down");
  }
}

TEST(ScrapeManager, FilesRelabellingParamsAndCredentials) {
  Scraping s;
  ASSERT_TRUE(s.fs->make_dirs("sd"));
  ASSERT_TRUE(io::publish_file(*s.fs, "sd/one.json", R"([{"targets":["x:1","y:2"],"labels":{"team":"t"}}])"));
  ASSERT_TRUE(io::publish_file(*s.fs, "sd/secret", "tok\n"));
  s.configure(
      "global: {external_labels: {dc: eu}}\n"
      "scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n  params: {m: ['a b']}\n"
      "  authorization: {credentials_file: sd/secret}\n  file_sd_configs: [{files: ['sd/*.json']}]\n"
      "  relabel_configs:\n  - {source_labels: [__address__], regex: 'y.*', action: drop}\n"
      "  metric_relabel_configs:\n  - {source_labels: [__name__], regex: secret_.*, action: drop}\n");
  s.http.body = "a 1\nsecret_b 2\n";
  auto got = s.run(10);
  ASSERT_EQ(s.http.requests.size(), 1U);
  EXPECT_EQ(s.http.requests[0].url, "http://x:1/metrics?m=a%20b");
  EXPECT_EQ(s.http.requests[0].headers.back().second, "Bearer tok");
  EXPECT_EQ(got.count("a{dc=\"eu\", instance=\"x:1\", job=\"j\", team=\"t\"}"), 1U);
  EXPECT_EQ(got.size(), 6U);
  EXPECT_EQ(s.manager.targets().size(), 2U);
  ASSERT_TRUE(io::publish_file(*s.fs, "sd/one.json", "[]"));
  got = s.run(10);
  EXPECT_TRUE(is_stale_nan(got.at("a{dc=\"eu\", instance=\"x:1\", job=\"j\", team=\"t\"}").back()));
}

TEST(ScrapeConfig, AnUnsupportedKeyDisablesOnlyItsJob) {
  const auto c = parse_scrape_config(
      "scrape_configs:\n- {job_name: k8s, kubernetes_sd_configs: [{role: pod}]}\n- job_name: ok\n", "f.yml");
  ASSERT_TRUE(c) << c.error().message();
  ASSERT_EQ(c->jobs.size(), 1U);
  EXPECT_EQ(c->jobs[0].name, "ok");
  EXPECT_EQ(c->jobs[0].timeout, std::chrono::seconds(10));
  ASSERT_EQ(c->warnings.size(), 1U);
  EXPECT_NE(c->warnings[0].find("kubernetes_sd_configs"), std::string::npos);
}

TEST(ScrapeConfig, NamesTheFieldAndLineThatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"scrape_configs:\n- job_name: a\n  scrape_interval: soon\n", "scrape_interval (line 3)"},
      {"scrape_configs:\n- job_name: a\n- job_name: a\n", "twice"},
      {"scrape_configs:\n- job_name: a\n  scheme: ftp\n", "scheme (line 3)"},
      {"scrape_configs:\n- metrics_path: /x\n", "job_name"},
      {"scrape_configs:\n- job_name: a\n  relabel_configs: [{action: fly}]\n", "fly"},
      {"scrape_configs: {", "f.yml"},
      {"[]", "mapping"},
  };
  for (const auto& [yaml, message] : rows) {
    const auto c = parse_scrape_config(yaml, "f.yml");
    ASSERT_FALSE(c) << yaml;
    EXPECT_EQ(c.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(c.error().message().find(message), std::string::npos) << c.error().message();
  }
}

}  // namespace
}  // namespace telltale::metrics
