#include "metrics/scrape_config.hpp"

#include <gtest/gtest.h>

namespace telltale::metrics {
namespace {

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
      {"scrape_configs:\n- job_name: a\n  scrape_protocols: [Text]\n", "scrape_protocols (line 3)"},
      {"scrape_configs:\n- job_name: a\n  scrape_timeout: 2h\n", "scrape_timeout"},
      {"global: {scrape_interval: 5s, scrape_timeout: 6s}\n", "scrape_timeout"},
      {"scrape_configs:\n- job_name: a\n  tls_config: {cert_file: x}\n", "cert and key"},
      {"scrape_configs:\n- job_name: a\n  basic_auth: {username: u}\n  authorization: {credentials: c}\n",
       "only one of"},
      {"scrape_configs:\n- job_name: a\n  oauth2: {client_id: x}\n", "oauth2.token_url"},
      {"scrape_configs:\n- job_name: a\n  dns_sd_configs: [{names: [x], type: A}]\n", "dns_sd_configs.port"},
      {"scrape_configs:\n- job_name: a\n  http_sd_configs: [{url: 'ftp://x'}]\n", "http_sd_configs.url"},
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

TEST(ScrapeConfig, GlobalGivesDefaultsThatJobsChange) {
  const auto c = parse_scrape_config(
      "global: {scrape_interval: 30s, scrape_timeout: 20s, sample_limit: 5, body_size_limit: 1KB,\n"
      "  scrape_protocols: [PrometheusText0.0.4]}\n"
      "scrape_configs:\n- {job_name: a, sample_limit: 7}\n- {job_name: b, scrape_interval: 15s}\n",
      "/etc/p/f.yml");
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_TRUE(c->warnings.empty());
  EXPECT_EQ(c->jobs[0].limits.samples, 7U);
  EXPECT_EQ(c->jobs[1].limits.samples, 5U);
  EXPECT_EQ(c->jobs[1].limits.body_bytes, 1024U);
  EXPECT_EQ(c->jobs[1].timeout, std::chrono::seconds(15)) << "never longer than the interval";
  EXPECT_EQ(c->jobs[0].protocols.size(), 1U);
}

TEST(ScrapeConfig, FilesAreOfTheFolderOfTheFileThatNamesThem) {
  auto c = parse_scrape_config(
      "scrape_config_files: ['more/*.yml']\nscrape_configs:\n"
      "- {job_name: a, bearer_token_file: tok, file_sd_configs: [{files: [sd.json, /abs.json]}]}\n",
      "/etc/p/f.yml");
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->jobs[0].http.authorization->credentials.file, "/etc/p/tok");
  EXPECT_EQ(c->jobs[0].file_discovery[0].files, (std::vector<std::string>{"/etc/p/sd.json", "/abs.json"}));
  EXPECT_EQ(c->job_files, (std::vector<std::string>{"more/*.yml"}));
  ASSERT_TRUE(add_scrape_config_file(*c, "scrape_configs: [{job_name: b, bearer_token_file: t}]",
                                     "/etc/p/more/b.yml"));
  EXPECT_EQ(c->jobs[1].http.authorization->credentials.file, "/etc/p/more/t");
  const auto twice = add_scrape_config_file(*c, "scrape_configs: [{job_name: a}]", "/etc/p/more/c.yml");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message().find("twice"), std::string::npos);
  EXPECT_EQ(c->jobs.size(), 2U);
  EXPECT_FALSE(add_scrape_config_file(*c, "global: {}", "/etc/p/more/d.yml"));
}

TEST(TargetGroups, JsonListsNameWhatIsWrong) {
  const auto good =
      parse_json_target_groups(R"([{"targets":["a","b"],"labels":{"x":"y"}},{"targets":[]}])", "u");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->at(0).targets.size(), 2U);
  EXPECT_EQ(good->at(0).labels.get("x"), "y");
  for (const auto* bad : {"", "{}", "[1]", R"([{"targets":"a"}])", R"([{"targets":[1]}])",
                          R"([{"labels":{"a":1}}])", R"([{"target":[]}])", "[{]"})
    EXPECT_FALSE(parse_json_target_groups(bad, "u")) << bad;
}

}  // namespace
}  // namespace telltale::metrics
