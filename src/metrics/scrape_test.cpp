#include "metrics/scrape_rig.hpp"
#include "model/histogram.hpp"

namespace telltale::metrics {
namespace {

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

/// Whether any sample came whose printed labels begin so.
bool has(const std::map<std::string, std::vector<double>>& got, const std::string& begin) {
  const auto it = got.lower_bound(begin);
  return it != got.end() && it->first.starts_with(begin);
}

std::string header(const transport::OutboundRequest& request, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : request.headers)
    if (key == name) out += value + '|';
  return out;
}

TEST(ScrapeManager, EveryLimitFailsTheScrapeAndSaysWhich) {
  const std::pair<const char*, const char*> rows[] = {
      {"sample_limit: 1", "sample_limit of 1"},
      {"label_limit: 3", "label_limit of 3"},
      {"label_name_length_limit: 8", "label_name_length_limit of 8"},
      {"label_value_length_limit: 6", "label_value_length_limit of 6"},
      {"metric_name_validation_scheme: legacy", "is not valid under metric_name_validation_scheme"},
      {"target_limit: 1", "target_limit exceeded (number of targets: 2, limit: 1)"}};
  for (const auto& [setting, error] : rows) {
    SCOPED_TRACE(setting);
    Scraping s;
    s.configure(std::string(kOneJob) + "  - targets: ['i:80']\n  extra_scrape_metrics: true\n  " + setting +
                "\n");
    s.http.body = "a{long_name=\"1\"} 1\nb{v=\"long value\"} 2\n{\"c.d\"} 3\n";
    const auto got = s.run(15);
    EXPECT_EQ(got.size(), 16U) << "only the reports of both targets";
    EXPECT_EQ(s.manager.targets().at(0).health, "down");
    EXPECT_NE(s.manager.targets().at(0).last_error.find(error), std::string::npos)
        << s.manager.targets().at(0).last_error;
  }
}

TEST(ScrapeManager, ReportsWhatItReadAndTheExtraMetrics) {
  Scraping s;
  s.configure(std::string(kOneJob) +
              "  extra_scrape_metrics: true\n  sample_limit: 9\n  scrape_timeout: 3s\n"
              "  metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]\n");
  s.http.body = "a 1\nb 2\n";
  const auto got = s.run(15);
  const std::string at = "{env=\"prod\", instance=\"h:80\", job=\"app\"}";
  EXPECT_EQ(got.at("scrape_samples_scraped" + at).back(), 2);
  EXPECT_EQ(got.at("scrape_samples_post_metric_relabeling" + at).back(), 1);
  EXPECT_EQ(got.at("scrape_timeout_seconds" + at).back(), 3);
  EXPECT_EQ(got.at("scrape_sample_limit" + at).back(), 9);
  EXPECT_EQ(got.at("scrape_body_size_bytes" + at).back(), 8);
}

TEST(ScrapeManager, OwnTimestampsEndOnlyWhenTheJobAsksForIt) {
  for (const bool track : {false, true}) {
    Scraping s;
    s.configure(std::string(kOneJob) + "  track_timestamps_staleness: " + (track ? "true" : "false") + "\n");
    s.http.body = "own 3 1000\n";
    s.run(15);
    s.http.body = "";
    EXPECT_EQ(has(s.run(15), "own"), track);
  }
}

TEST(ScrapeManager, SeriesThatComeInAnotherOrderOrTwiceAreTheSame) {
  Scraping s;
  s.configure(
      std::string(kOneJob) +
      "  metric_relabel_configs: [{source_labels: [__name__], regex: 'twin.', target_label: __name__, "
      "replacement: twin}]\n");
  const std::string at = "{env=\"prod\", instance=\"h:80\", job=\"app\"}";
  s.http.body = "a 1\nb 2\ntwin1 3\ntwin2 4\n";
  auto got = s.run(15);
  EXPECT_EQ(got.at("twin" + at), (std::vector<double>{3})) << "the first stays";
  EXPECT_EQ(got.at("scrape_series_added" + at).back(), 3);
  s.http.body = "twin2 6\nb 2\na 1\n";
  got = s.run(15);
  EXPECT_EQ(got.at("twin" + at), (std::vector<double>{6}));
  EXPECT_EQ(got.at("b" + at), (std::vector<double>{2}));
  EXPECT_EQ(got.at("scrape_series_added" + at).back(), 0);
  s.http.body = "twin2 6\nc 1\nb 2\n";
  got = s.run(15);
  EXPECT_TRUE(is_stale_nan(got.at("a" + at).back()));
  EXPECT_EQ(got.at("scrape_series_added" + at).back(), 1);
}

TEST(ScrapeManager, NegotiatesAndFallsBack) {
  Scraping s;
  s.configure(std::string(kOneJob) + "  scrape_protocols: [OpenMetricsText1.0.0, PrometheusText0.0.4]\n");
  s.http.answers["http://h:80/metrics"] = {200, {{"content-type", "text/html"}}, "a 1\n"};
  s.run(15);
  EXPECT_EQ(header(s.http.requests.at(0), "Accept"),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.4|");
  EXPECT_NE(s.manager.targets().at(0).last_error.find("text/html"), std::string::npos);
  s.configure(std::string(kOneJob) + "  fallback_scrape_protocol: PrometheusText0.0.4\n");
  EXPECT_TRUE(has(s.run(15), "a{"));
  s.configure(std::string(kOneJob) + "  enable_compression: false\n");
  s.run(15);
  EXPECT_FALSE(s.http.requests.back().compression);
}

TEST(ScrapeManager, HttpAndDnsDiscovery) {
  Scraping s;
  s.http.answers["http://sd/list"] = {
      200, {{"Content-Type", "application/json"}}, R"([{"targets":["x:1"],"labels":{"team":"t"}}])"};
  s.dns.records["_m._tcp.example"] = {{"srv.example", 9100}};
  s.configure(
      "scrape_configs:\n- job_name: j\n  scrape_interval: 5s\n"
      "  http_sd_configs: [{url: 'http://sd/list', refresh_interval: 20s, basic_auth: {username: u, "
      "password: p}}]\n"
      "  dns_sd_configs: [{names: [_m._tcp.example], refresh_interval: 20s}]\n"
      "  relabel_configs:\n  - {regex: '__meta_(dns_srv_record_port|url)', action: labelmap}\n");
  s.http.body = "a 1\n";
  auto got = s.run(6);
  EXPECT_TRUE(has(got, R"(up{instance="x:1", job="j", team="t", url="http://sd/list"})"));
  EXPECT_TRUE(has(got, R"(up{dns_srv_record_port="9100", instance="srv.example:9100", job="j"})"));
  EXPECT_EQ(header(s.http.requests.at(0), "Authorization"), "Basic dTpw|");
  EXPECT_EQ(header(s.http.requests.at(0), "X-Prometheus-Refresh-Interval-Seconds"), "20|");
  // What a failing source said before stays.
  s.http.answers["http://sd/list"].status = 500;
  s.dns.down = true;
  s.run(30);
  EXPECT_EQ(s.manager.targets().size(), 2U);
  s.http.answers["http://sd/list"] = {200, {{"Content-Type", "application/json"}}, "[]"};
  s.dns.down = false;
  s.dns.records.clear();
  got = s.run(30);
  EXPECT_TRUE(s.manager.targets().empty());
  EXPECT_TRUE(is_stale_nan(got.at(R"(a{instance="x:1", job="j", team="t", url="http://sd/list"})").back()));
}

TEST(ScrapeManager, AJobThatDidNotChangeKeepsWhatItFound) {
  Scraping s;
  s.http.answers["http://sd/list"] = {
      200, {{"Content-Type", "application/json"}}, R"([{"targets":["x:1"]}])"};
  const std::string job = "scrape_configs:\n- {job_name: j, http_sd_configs: [{url: 'http://sd/list'}]}\n";
  s.configure(job);
  s.run(2);
  s.http.down = true;
  s.configure(job + "- {job_name: k}\n");
  s.run(2);
  EXPECT_EQ(s.manager.targets().size(), 1U);
  EXPECT_EQ(s.manager.pools().size(), 2U);
}

TEST(ScrapeManager, OAuthTokensAreAskedForOnceAndKept) {
  Scraping s;
  ASSERT_TRUE(io::publish_file(*s.fs, "secret", "s&t\n"));
  s.configure(
      std::string(kOneJob) +
      "  oauth2: {client_id: me, client_secret_file: secret, token_url: 'https://id/token', scopes: [a, b],\n"
      "    endpoint_params: {x: 'y z'}}\n");
  s.http.answers["https://id/token"] = {
      200, {}, R"({"access_token":"tok","token_type":"bearer","expires_in":40})"};
  s.http.body = "a 1\n";
  s.run(30);
  ASSERT_EQ(s.http.requests.size(), 3U);
  EXPECT_EQ(s.http.requests[0].method, "POST");
  EXPECT_EQ(s.http.requests[0].body, "grant_type=client_credentials&scope=a%20b&x=y%20z");
  EXPECT_EQ(header(s.http.requests[0], "Authorization"), "Basic bWU6cyUyNnQ=|");
  EXPECT_EQ(header(s.http.requests[1], "Authorization"), "Bearer tok|");
  EXPECT_EQ(header(s.http.requests[2], "Authorization"), "Bearer tok|");
  s.run(15);
  EXPECT_EQ(s.http.requests.size(), 5U) << "30 of its 40 seconds are over, and the margin";
  s.http.answers["https://id/token"] = {401, {}, "{}"};
  s.run(45);
  EXPECT_EQ(s.manager.targets().at(0).last_error, "oauth2: the token endpoint answered status 401");
}

TEST(ScrapeManager, MagicLabelsAndTlsReachTheRequest) {
  Scraping s;
  ASSERT_TRUE(s.fs->make_dirs("pki"));
  ASSERT_TRUE(io::publish_file(*s.fs, "pki/ca.pem", "CA"));
  ASSERT_TRUE(io::publish_file(*s.fs, "pki/hdr", "from file\n"));
  s.configure(
      "scrape_configs:\n- job_name: j\n  scheme: https\n  params: {q: [a]}\n"
      "  tls_config: {ca_file: pki/ca.pem, server_name: real, insecure_skip_verify: true, min_version: "
      "TLS12}\n"
      "  proxy_url: http://proxy:3128\n  no_proxy: local\n  follow_redirects: false\n"
      "  http_headers: {X-A: {values: [one], files: [pki/hdr]}}\n"
      "  static_configs:\n  - targets: ['h']\n    labels: {__metrics_path__: /m, __param_q: b, "
      "__scrape_interval__: 10s,\n"
      "      __scrape_timeout__: 2s, __unix_socket__: /run/x.sock}\n");
  s.run(10);
  ASSERT_EQ(s.http.requests.size(), 1U);
  const auto& r = s.http.requests[0];
  EXPECT_EQ(r.url, "https://h/m?q=b");
  EXPECT_EQ(r.timeout, std::chrono::seconds(2));
  EXPECT_EQ(header(r, "X-A"), "one|from file|");
  EXPECT_FALSE(r.follow_redirects);
  ASSERT_TRUE(r.connection);
  EXPECT_EQ(r.connection->ca_pem, "CA");
  EXPECT_EQ(r.connection->server_name, "real");
  EXPECT_TRUE(r.connection->skip_verify);
  EXPECT_EQ(r.connection->min_version, transport::TlsVersion::tls_1_2);
  EXPECT_EQ(r.connection->proxy_url, "http://proxy:3128");
  EXPECT_EQ(r.connection->unix_socket, "/run/x.sock");
}

TEST(ScrapeManager, RelabellingChoosesTheHistogramsOfATarget) {
  Scraping s;
  s.configure(
      "scrape_configs:\n- job_name: j\n  scrape_interval: 5s\n  static_configs: [{targets: [a, b]}]\n  "
      "relabel_configs:\n"
      "  - {source_labels: [__address__], regex: b, target_label: __scrape_native_histograms__, replacement: "
      "'true'}\n");
  s.http.body = "x 1\n";
  s.run(6);
  ASSERT_EQ(s.http.requests.size(), 2U);
  for (const auto& r : s.http.requests)
    EXPECT_EQ(header(r, "Accept").starts_with("application/vnd.google.protobuf"), r.url == "http://b/metrics")
        << r.url;
  s.configure(
      "scrape_configs:\n- {job_name: j, static_configs: [{targets: [a], labels: "
      "{__scrape_native_histograms__: maybe}}]}\n");
  s.run(6);
  EXPECT_TRUE(s.manager.targets().empty()) << "neither true nor false";
}

TEST(ScrapeManager, RelabellingCanBeFollowedStepByStep) {
  Scraping s;
  s.configure(
      "scrape_configs:\n- job_name: j\n  relabel_configs:\n  - {target_label: a, replacement: x}\n"
      "  - {source_labels: [a], regex: x, action: drop}\n  - {target_label: b, replacement: y}\n");
  const auto steps = s.manager.relabel_steps("j", Labels(std::vector<Label>{{"__address__", "h"}}));
  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 2U);
  EXPECT_TRUE(steps->at(0).keep);
  EXPECT_EQ(steps->at(0).output.get("a"), "x");
  EXPECT_FALSE(steps->at(1).keep);
  EXPECT_EQ(to_string(steps->at(1).rule.action), "drop");
  EXPECT_EQ(s.manager.relabel_steps("k", {}).error().kind(), ErrorKind::not_found);
}

TEST(ScrapeManager, DroppedTargetsAreCountedAndSomeAreKept) {
  Scraping s;
  s.configure(
      "scrape_configs:\n- job_name: j\n  keep_dropped_targets: 1\n  static_configs: [{targets: [a, b, c]}]\n"
      "  relabel_configs: [{source_labels: [__address__], regex: 'a|b', action: drop}]\n"
      "- {job_name: k, consul_sd_configs: []}\n");
  s.run(1);
  EXPECT_EQ(s.manager.targets().size(), 2U);
  const auto pools = s.manager.pools();
  ASSERT_EQ(pools.size(), 2U);
  EXPECT_EQ(pools[0].dropped, 2U);
  EXPECT_EQ(pools[1].name, "k");
  EXPECT_NE(pools[1].disabled.find("consul_sd_configs"), std::string::npos);
}

TEST(ScrapeManager, HistogramsAndStartTimesReachTheSink) {
  FakeHttp http;
  FakeDns dns;
  const auto fs = io::make_memory_file_system();
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry registry;
  std::map<std::string, Sample> got;
  std::size_t exemplars = 0;
  std::size_t families = 0;
  ScrapeManager manager({http, dns, *fs, clock, log}, registry,
                        [&](ProjectId, UnixNanos, const Scraped& scraped) -> Result<> {
                          for (const auto& [labels, s] : scraped.samples) got[labels.to_string()] = s;
                          exemplars += scraped.exemplars.size();
                          families += scraped.metadata.size();
                          return {};
                        });
  http.answers["http://h:80/metrics"] = {200,
                                         {{"Content-Type", "application/openmetrics-text; version=1.0.0"}},
                                         "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} "
                                         "2\nh_bucket{le=\"+Inf\"} 5\nh_count 5\nh_sum "
                                         "9\nh_created 20\n# TYPE c counter\n# HELP c Calls.\nc_total 1 # "
                                         "{trace_id=\"t\"} 0.5\n# TYPE b histogram\nb_bucket{le=\"1\"} "
                                         "3\nb_bucket{le=\"2\"} 1\nb_count 3\nb_sum 1\n# EOF\n"};
  auto config =
      parse_scrape_config(std::string(kOneJob) + "  convert_classic_histograms_to_nhcb: true\n", "f");
  ASSERT_TRUE(config);
  manager.configure(*std::move(config));
  for (int i = 0; i < 45; ++i) {
    clock.advance(std::chrono::seconds(1));
    manager.tick(clock.now());
  }
  EXPECT_EQ(exemplars, 1U) << "one that was there before is not repeated";
  EXPECT_EQ(families, 3U);
  ASSERT_EQ(manager.metadata().size(), 1U);
  EXPECT_EQ(manager.metadata()[0].families->at(1).help, "Calls.");
  const std::string at = R"({env="prod", instance="h:80", job="app"})";
  const Sample& s = got.at("h" + at);
  ASSERT_TRUE(s.histogram);
  EXPECT_EQ(s.start.ms, 20'000);
  EXPECT_EQ(s.value, 9);
  EXPECT_EQ(s.histogram->custom_values, (std::vector<double>{1, 2}));
  EXPECT_EQ(s.histogram->positive, (std::vector<double>{2, 0, 3}));
  EXPECT_TRUE(s.histogram->integer);
  EXPECT_EQ(got.count("h_count" + at), 0U);
  EXPECT_EQ(got.count("b_count" + at), 1U) << "its counts fall: it stays as it is";
}

TEST(ScrapeManager, TargetsWithinTheProgramAreTakenInLikeScrapes) {
  Scraping s;
  int calls = 0;
  bool well = true;
  const auto target = [&] {
    return LocalTarget{"node", "box", std::chrono::seconds(5),
                       [&]() -> Result<std::vector<std::pair<Labels, double>>> {
                         ++calls;
                         if (!well) return fail(ErrorKind::io, "no /proc");
                         return std::vector<std::pair<Labels, double>>{
                             {Labels({{"__name__", "node_load1"}, {"job", "x"}}), 2}};
                       }};
  };
  s.manager.configure({}, {target()});
  auto got = s.run(6);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(got.at(R"(node_load1{exported_job="x", instance="box", job="node"})").back(), 2);
  EXPECT_EQ(got.at(R"(up{instance="box", job="node"})").back(), 1);
  EXPECT_EQ(s.manager.targets().at(0).url, "local:node");
  EXPECT_TRUE(s.http.requests.empty());
  s.manager.configure({}, {target()});
  well = false;
  got = s.run(5);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(is_stale_nan(got.at(R"(node_load1{exported_job="x", instance="box", job="node"})").back()));
  EXPECT_EQ(s.manager.targets().at(0).last_error, "no /proc");
  // A job of its name takes its place.
  auto config =
      parse_scrape_config("scrape_configs: [{job_name: node, static_configs: [{targets: [h]}]}]", "f");
  ASSERT_TRUE(config);
  s.manager.configure(*std::move(config), {target()});
  s.run(70);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(s.http.requests.empty());
}

TEST(ScrapeManager, TurnsAreKnownInAdvance) {
  Scraping s;
  s.configure(kOneJob);
  EXPECT_EQ(s.manager.until_next_turn(s.clock.now()), Nanos(0)) << "targets are not known yet";
  s.manager.tick(s.clock.now());
  for (int i = 0; i < 40 && s.http.requests.size() < 3; ++i) {
    s.clock.advance(s.manager.until_next_turn(s.clock.now()));
    s.manager.tick(s.clock.now());
  }
  ASSERT_EQ(s.http.requests.size(), 3U);
  EXPECT_LT(s.clock.now() - s.manager.targets().at(0).last_scrape, Nanos(1));
}

}  // namespace
}  // namespace telltale::metrics
