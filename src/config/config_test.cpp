#include "config/config.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "config/settings.hpp"

namespace telltale::config {
namespace {

TEST(Settings, InForceAreToldWithoutPasswords) {
  Sources sources;
  sources.flags = {{"query.timeout", "90s"},
                   {"promql.features", "use-start-timestamps,type-and-unit-labels"},
                   {"smtp.url", "smtp://me:hunter2@mail.example:587"}};
  const auto config = load(sources);
  ASSERT_TRUE(config) << config.error().message();
  std::map<std::string, std::string> told;
  for (const auto& [name, value] : settings_in_force(*config)) {
    told[name] = value;
    EXPECT_EQ(value.find("hunter2"), std::string::npos) << name;
  }
  EXPECT_EQ(told["smtp.url"], "smtp://<secret>@mail.example:587");
  EXPECT_EQ(told["query.timeout"], "1m30s");
  EXPECT_EQ(told["promql.features"], "use-start-timestamps,type-and-unit-labels");
  EXPECT_EQ(told.size(), settings().size());
}

Sources yaml(std::string text) {
  Sources sources;
  sources.yaml = std::move(text);
  return sources;
}

TEST(Config, Defaults) {
  const Config c = defaults();
  EXPECT_EQ(c.server.listen, "127.0.0.1:8355");
  EXPECT_EQ(c.retention.logs, std::chrono::hours(24 * 30));
  EXPECT_EQ(c.journal.segment_bytes, 64u << 20);
  EXPECT_TRUE(c.rules.files.empty());
}

TEST(Config, StrongerSourcesWin) {
  Sources s = yaml(
      "server: {listen: 'a:1', data_dir: from_yaml, worker_threads: 3}\nrules: {files: [a.yml, b.yml]}\n");
  s.environment = {{"TELLTALE_SERVER_LISTEN", "b:2"}, {"TELLTALE_SERVER_WORKER_THREADS", "4"}, {"HOME", "x"}};
  const auto flags = parse_flags({"--listen", "c:3", "--server.insecure_http", "--config=f.yml"});
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->config_file, "f.yml");
  s.flags = flags->settings;
  const auto c = load(s);
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->server.listen, "c:3");
  EXPECT_EQ(c->server.worker_threads, 4u);
  EXPECT_EQ(c->server.data_dir, "from_yaml");
  EXPECT_TRUE(c->server.insecure_http);
  EXPECT_EQ(c->rules.files, (std::vector<std::string>{"a.yml", "b.yml"}));
}

TEST(Config, ErrorsNameTheLineAndTheSetting) {
  const std::pair<const char*, const char*> cases[] = {
      {"server:\n  lisen: x\n",
       "telltale.yml:2: server.lisen is not a setting, did you mean \"server.listen\"?"},
      {"\nquery: {timeout: soon}", "telltale.yml:2: query.timeout:"},
      {"query: {timeout: 2h}", "query.timeout: must be between"},
      {"server: 7", "telltale.yml:1: server must be a mapping"},
      {"a: [", "telltale.yml:"},
      {"tls: {cert: a.pem}", "tls.cert and tls.key"},
      {"receivers:\n- {name: a, type: pager, url: x}", "telltale.yml:2: receivers.type"},
      {"receivers:\n- {name: a, type: email}", "telltale.yml:2: receivers.to is missing"},
      {"receivers: [{name: a, type: email, to: a@b.c}]", "need smtp.url and smtp.from"},
      {"receivers: [{name: a, type: slack}]", "receivers.url is missing"},
      {"retention:\n  projects:\n  - {project: 2, logs: soon}", "telltale.yml:3: retention.projects.logs:"},
      {"retention: {projects: [{project: 2, logs: 1s}]}", "retention.projects.logs: must be between"},
      {"retention: {projects: [{project: 2}, {project: 2}]}", "retention.projects.project 2 is there twice"},
      {"retention: {rules: [{keep: 1d}]}", "telltale.yml:1: retention.rules.selector is missing"},
      {"retention: {rules: [{selector: '{a=\"b\"}'}]}", "retention.rules.keep is missing"},
      {"retention: {rules: [{selector: '{a=\"b\"}', keep: 1s}]}", "retention.rules.keep must be between"},
      {"retention: {rules: [{selector: x, keep: 1d, table: numbers}]}",
       "retention.rules.table must be logs, spans, errors or metrics"},
      {"retention: {rules: [{matcher: x}]}", "retention.rules.matcher is not known"},
      {"retention: {projects: [{project: 2, metrics: 1s}]}", "retention.projects.metrics: must be between"},
      {"retention: {projects: [{project: 2, numbers: 1d}]}", "retention.projects.numbers is not known"},
      {"metrics: {max_series: 0}", "metrics.max_series"},
      {"bootstrap:\n  tokens:\n  - {name: ci, token_env: NOPE}",
       "telltale.yml:3: bootstrap.tokens.token_env"},
      {"bootstrap: {projects: [{id: 1, slug: a, dsn_key: xyz}]}", "32 lower-case hex"},
  };
  for (const auto& [text, expected] : cases) {
    const auto c = load(yaml(text));
    ASSERT_FALSE(c) << text;
    EXPECT_NE(c.error().message().find(expected), std::string::npos) << c.error().message();
  }
  EXPECT_NE(parse_flags({"--lisen", "x"}).error().message().find("did you mean"), std::string::npos);
}

TEST(Config, Bootstrap) {
  Sources s = yaml(
      "bootstrap:\n  admin: {email: a@b.c, password_file: /p}\n  tokens: [{name: ci, role: admin, project: "
      "2, token_env: CI}]\n  projects: [{id: 1, slug: shop}]\nreceivers: [{name: r, type: slack, url: "
      "'http://h', send_resolved: false}]\n");
  s.environment = {{"CI", "secret"},
                   {"TELLTALE_BOOTSTRAP_TOKEN", "t"},
                   {"TELLTALE_BOOTSTRAP_PASSWORD", "p"},
                   {"TELLTALE_BOOTSTRAP_DSN_KEY", "0123456789abcdef0123456789abcdef"}};
  const auto c = load(s);
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->bootstrap.admin->password, "p");
  ASSERT_EQ(c->bootstrap.tokens.size(), 2u);
  EXPECT_EQ(c->bootstrap.tokens[0].secret, "secret");
  EXPECT_EQ(c->bootstrap.projects.at(0).dsn_key.size(), 32u);
  EXPECT_FALSE(c->receivers.at(0).send_resolved);
}

TEST(Config, ReloadNamesWhatNeedsARestart) {
  Config next = defaults();
  next.retention.logs = std::chrono::hours(5);
  EXPECT_TRUE(needs_restart(defaults(), next).empty());
  next.server.listen = "x:1";
  EXPECT_EQ(needs_restart(defaults(), next), std::vector<std::string>{"server.listen"});
  next.bootstrap.projects.push_back({ProjectId{2}, "shop", ""});
  EXPECT_EQ(needs_restart(defaults(), next), (std::vector<std::string>{"server.listen", "bootstrap"}));
}

TEST(Config, ProjectsMayKeepDataForATimeOfTheirOwn) {
  const auto c = load(yaml("retention: {logs: 30d, projects: [{project: 2, logs: 7d, spans: 1d}]}"));
  ASSERT_TRUE(c) << c.error().message();
  ASSERT_EQ(c->retention.projects.size(), 1u);
  const ProjectRetention& own = c->retention.projects[0];
  EXPECT_EQ(own.project, ProjectId{2});
  EXPECT_EQ(own.logs, std::chrono::hours(24 * 7));
  EXPECT_EQ(own.spans, std::chrono::hours(24));
  EXPECT_FALSE(own.errors);
}

TEST(Config, RetentionRules) {
  const auto c =
      load(yaml("retention:\n  rules:\n  - {selector: '{service=\"a\"}', keep: 3d}\n"
                "  - {selector: '{service=\"b\"}', keep: 1d, table: spans, project: 2}\n"
                "  - {selector: 'debug', keep: 1d, table: metrics}\n"));
  ASSERT_TRUE(c) << c.error().message();
  ASSERT_EQ(c->retention.rules.size(), 3u);
  EXPECT_EQ(c->retention.rules[0].selector, "{service=\"a\"}");
  EXPECT_EQ(c->retention.rules[0].keep, std::chrono::hours(72));
  EXPECT_EQ(c->retention.rules[0].table, "logs");
  EXPECT_EQ(c->retention.rules[0].project, ProjectId{0});
  EXPECT_EQ(c->retention.rules[1].table, "spans");
  EXPECT_EQ(c->retention.rules[1].project, ProjectId{2});
  EXPECT_EQ(c->retention.rules[2].table, "metrics");
  EXPECT_EQ(c->retention.rules[1].place, "telltale.yml:4:");
  EXPECT_TRUE(needs_restart(defaults(), *c).empty());
  std::string many = "retention:\n  rules:\n";
  for (int i = 0; i < 65; ++i) many += "  - {selector: '{a=\"b\"}', keep: 3d}\n";
  EXPECT_FALSE(load(yaml(many)));
}

TEST(Config, Inputs) {
  const auto c = load(yaml(
      "tls: {self_signed: true}\nsyslog:\n  listen:\n  - {protocol: udp, address: '127.0.0.1:5514'}\n"
      "  - {protocol: tls, address: '0.0.0.0:6514', project: 2, allow: [10.0.0.0/8, 10.1.1.1], client_ca: "
      "ca.pem, "
      "time_zone: Europe/Berlin}\nfiles:\n- {paths: [/a/*.log, /b], labels: {service: shop}, start: end, "
      "multiline: continuation}\n"));
  ASSERT_TRUE(c) << c.error().message();
  ASSERT_EQ(c->syslog.listen.size(), 2u);
  EXPECT_EQ(c->syslog.listen[1].protocol, SyslogProtocol::tls);
  EXPECT_EQ(c->syslog.listen[1].project, ProjectId{2});
  EXPECT_EQ(c->syslog.listen[1].allow.size(), 2u);
  ASSERT_EQ(c->files.size(), 1u);
  EXPECT_TRUE(c->files[0].from_end);
  EXPECT_EQ(c->files[0].labels.at(0).second, "shop");
  EXPECT_EQ(needs_restart(defaults(), *c),
            (std::vector<std::string>{"tls.self_signed", "syslog.listen", "files"}));
}

TEST(Config, InputsStayOnLoopbackUnlessToldOtherwise) {
  const auto listening = [](std::string_view entry) {
    const auto c = load(yaml("syslog: {listen: [{" + std::string(entry) + "}]}"));
    return c ? std::string("taken") : c.error().message();
  };
  EXPECT_EQ(listening("protocol: tcp, address: '[::1]:514'"), "taken");
  EXPECT_NE(listening("protocol: tcp, address: '0.0.0.0:514', allow: 10.0.0.0/8").find("plain text"),
            std::string::npos);
  EXPECT_EQ(listening("protocol: udp, address: '0.0.0.0:514', allow: 10.0.0.0/8, insecure: true"), "taken");
  EXPECT_NE(listening("protocol: udp, address: '0.0.0.0:514', insecure: true").find("needs allow"),
            std::string::npos);
  EXPECT_NE(listening("protocol: tls, address: '127.0.0.1:514'").find("tls.cert"), std::string::npos);
  EXPECT_NE(listening("protocol: ssh, address: '127.0.0.1:514'").find("must be udp, tcp or tls"),
            std::string::npos);
  EXPECT_NE(listening("protocol: udp, address: '127.0.0.1'").find("must be address:port"), std::string::npos);
  EXPECT_NE(listening("protocol: udp, address: '127.0.0.1:1', time_zone: Mars/Base").find("is no time zone"),
            std::string::npos);
  EXPECT_NE(listening("protocol: udp, address: '127.0.0.1:1', alow: x").find("did you mean"),
            std::string::npos);
  EXPECT_FALSE(load(yaml("files: [{paths: [relative.log]}]")));
  EXPECT_FALSE(load(yaml("otlp: {grpc_listen: '0.0.0.0:4317'}")));
  EXPECT_TRUE(load(yaml("otlp: {grpc_listen: '127.0.0.1:4317'}")));
}

TEST(Config, Mail) {
  const auto c = load(
      yaml("smtp: {url: 'smtp://h', from: a@b.c}\nreceivers: [{name: m, type: email, to: 'x@y.z, u@v.w'}]"));
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->receivers.at(0).type, ReceiverType::email);
  EXPECT_EQ(c->receivers.at(0).to, (std::vector<std::string>{"x@y.z", "u@v.w"}));
}

TEST(Config, DocsPageIsCurrent) {
  std::ifstream in(TELLTALE_SOURCE_DIR "/docs/settings.md");
  std::stringstream text;
  text << in.rdbuf();
  if (text.str() != render_docs()) std::ofstream("settings.md.new") << render_docs();
  EXPECT_EQ(text.str(), render_docs()) << "copy settings.md.new over docs/settings.md";
}

}  // namespace
}  // namespace telltale::config
