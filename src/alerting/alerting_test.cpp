#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "alerting/notifier.hpp"
#include "alerting/rule_file.hpp"
#include "alerting/template.hpp"
#include "promql/conformance/test_store.hpp"

namespace telltale::alerting {
namespace {

using std::chrono::seconds;

constexpr const char* kRules =
    "groups:\n- name: g\n  interval: 10s\n  rules:\n  - record: job:x\n    expr: sum(x)\n"
    "  - alert: High\n    expr: x > 5\n    for: 20s\n    labels: {severity: page}\n"
    "    annotations: {summary: 'x is {{ $value }} on {{ $labels.host }}'}\n";

struct FakeHttp final : transport::HttpClient {
  Result<transport::OutboundResponse> send(const transport::OutboundRequest& r) override {
    bodies.push_back(r.body);
    transport::OutboundResponse response;
    response.status = status;
    return response;
  }
  int status = 200;
  std::vector<std::string> bodies;
};

TEST(RuleFile, ErrorsNameTheLine) {
  auto bad =
      parse_rule_file("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'sum('\n    frob: 1\n", "r.yml");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("r.yml:5: "), std::string::npos) << bad.error().message();
  EXPECT_NE(bad.error().message().find("r.yml:6: rule: unknown field frob"), std::string::npos);
}

TEST(RuleFile, AFeatureThatIsOffIsRefusedByNameAndRule) {
  const char* text =
      "groups:\n- name: g\n  rules:\n  - alert: Few\n    expr: limitk(1, up) == 0\n"
      "  - record: r\n    expr: rate(a[5m] anchored)\n";
  const auto off = parse_rule_file(text, "r.yml");
  ASSERT_FALSE(off);
  const std::string& message = off.error().message();
  EXPECT_NE(message.find("r.yml:5: rule Few: "), std::string::npos) << message;
  EXPECT_NE(message.find("promql-experimental-functions"), std::string::npos) << message;
  EXPECT_NE(message.find("r.yml:7: rule r: "), std::string::npos) << message;
  EXPECT_NE(message.find("promql-extended-range-selectors"), std::string::npos) << message;
  EXPECT_TRUE(parse_rule_file(text, "r.yml", promql::Features::all()));
}

TEST(Template, KnowsTheUsualFunctions) {
  const Labels labels(std::vector<Label>{{"host", "a"}});
  const std::pair<const char*, const char*> cases[] = {
      {"{{ $labels.host | toUpper }}", "A"},
      {"{{ $value | humanize }}", "1.234M"},
      {"{{ printf \"%.1f\" .Value }}", "1234000.0"},
      {"{{ if gt $value 5 }}high{{ else }}low{{ end }}", "high"},
      {"{{ humanizeDuration 3700 }}", "1h 1m 40s"},
      {"{{ 0.5 | humanizePercentage }}", "50%"}};
  for (const auto& [text, want] : cases) {
    auto got = expand_template(text, labels, 1234000);
    ASSERT_TRUE(got) << text << ": " << got.error().message();
    EXPECT_EQ(*got, want);
  }
  EXPECT_FALSE(expand_template("{{ range query \"x\" }}", labels, 1));
}

TEST(Alerting, AlertLivesFromPendingToResolvedAndIsTold) {
  FakeClock clock;
  promql::TestStore store;
  promql::Engine engine(store);
  MetricsRegistry metrics;
  Logger log(clock, LogLevel::error, null_sink());
  FakeHttp http;
  NotifierOptions options;
  options.group_wait = Millis(1000);
  options.group_interval = Millis(5000);
  Notifier notifier(http, clock, metrics, log, options);
  Receiver receiver;
  receiver.name = "hook";
  notifier.set_receivers({receiver});
  std::vector<std::pair<Labels, Sample>> written;
  RuleManager rules(
      RuleQueries(engine, nullptr), clock,
      [&](ProjectId, std::vector<std::pair<Labels, Sample>> samples) -> Result<> {
        written = std::move(samples);
        return {};
      },
      [&](ProjectId p, const std::vector<Alert>& alerts) { notifier.take(p, alerts); }, nullptr, metrics);
  auto groups = parse_rule_file(kRules, "r.yml");
  ASSERT_TRUE(groups) << groups.error().message();
  rules.set_groups(ProjectId{1}, *std::move(groups));
  const auto step = [&](double value, int n) {
    for (int i = 0; i < n; ++i) {
      store.add(Labels(std::vector<Label>{{"__name__", "x"}, {"host", "a"}}), clock.now().to_millis().ms,
                value);
      rules.tick();
      clock.advance(seconds(2));
      notifier.tick();
      clock.advance(seconds(8));
      notifier.tick();
    }
  };
  const auto state = [&] { return rules.status({ProjectId{1}})[0].rules[1].state; };
  step(9, 1);
  EXPECT_EQ(state(), AlertState::pending);
  EXPECT_TRUE(http.bodies.empty());
  http.status = 500;  // the first attempt fails and is tried again
  step(9, 3);
  EXPECT_EQ(state(), AlertState::firing);
  http.status = 200;
  step(9, 1);
  ASSERT_FALSE(http.bodies.empty());
  EXPECT_NE(http.bodies.back().find("\"summary\":\"x is 9 on a\""), std::string::npos) << http.bodies.back();
  EXPECT_EQ(notifier.queued(), 0U);
  const std::size_t told = http.bodies.size();
  step(9, 3);
  EXPECT_EQ(http.bodies.size(), told) << "nothing new, nothing sent";
  step(1, 2);
  EXPECT_EQ(state(), AlertState::resolved);
  ASSERT_EQ(http.bodies.size(), told + 1);
  EXPECT_NE(http.bodies.back().find("\"status\":\"resolved\""), std::string::npos);
}

// On a full disk nothing can be written, and that is when alerts are needed.
TEST(Alerting, AnAlertGoesOutAlthoughItsSeriesCannotBeStored) {
  FakeClock clock;
  promql::TestStore store;
  promql::Engine engine(store);
  MetricsRegistry metrics;
  bool full = true;
  std::size_t written = 0;
  std::vector<Alert> told;
  RuleManager rules(
      RuleQueries(engine, nullptr), clock,
      [&](ProjectId, const std::vector<std::pair<Labels, Sample>>& samples) -> Result<> {
        if (full) return fail(ErrorKind::disk_full, "the disk is full");
        written += samples.size();
        return {};
      },
      [&](ProjectId, const std::vector<Alert>& alerts) {
        told.insert(told.end(), alerts.begin(), alerts.end());
      },
      nullptr, metrics);
  auto groups = parse_rule_file(
      "groups: [{name: g, interval: 10s, rules: [{alert: Always, expr: vector(1)}]}]\n", "r.yml");
  ASSERT_TRUE(groups) << groups.error().message();
  rules.set_groups(ProjectId{1}, *std::move(groups));
  rules.tick();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].labels.get("alertname"), "Always");
  EXPECT_EQ(rules.status({ProjectId{1}})[0].rules[0].health, "err") << "what is not stored is told of, too";
  full = false;
  clock.advance(seconds(10));
  rules.tick();
  EXPECT_EQ(rules.status({ProjectId{1}})[0].rules[0].health, "ok");
  EXPECT_EQ(written, 2u);
}

struct FakeMail final : transport::MailSender {
  Result<> send(const transport::Mail& mail) override {
    if (down) return fail(ErrorKind::unavailable, "down");
    mails.push_back(mail);
    return {};
  }
  bool down = false;
  std::vector<transport::Mail> mails;
};

TEST(Alerting, AlertsAndIssuesGoOutByMail) {
  FakeClock clock;
  MetricsRegistry metrics;
  Logger log(clock, LogLevel::error, null_sink());
  FakeHttp http;
  NotifierOptions options;
  options.group_wait = Millis(0);
  options.external_url = "https://telltale.example.com";
  Notifier notifier(http, clock, metrics, log, options);
  const auto sender = std::make_shared<FakeMail>();
  notifier.set_mail(sender, "alerts@example.com");
  Receiver receiver;
  receiver.name = "team";
  receiver.kind = ReceiverKind::email;
  receiver.to = {"a@example.com", "b@example.com"};
  notifier.set_receivers({receiver});

  Alert alert;
  alert.labels = Labels(std::vector<Label>{{"alertname", "High"}, {"host", "web-1"}});
  alert.annotations = Labels(std::vector<Label>{{"summary", "too much"}});
  alert.state = AlertState::firing;
  alert.fired_at = clock.now().to_millis();
  notifier.take(ProjectId{1}, {alert});
  sender->down = true;
  notifier.tick();
  sender->down = false;
  clock.advance(seconds(5));
  notifier.tick();
  ASSERT_EQ(sender->mails.size(), 1u) << "sent again after a failure";
  const transport::Mail& mail = sender->mails[0];
  EXPECT_EQ(mail.from, "alerts@example.com");
  EXPECT_EQ(mail.to, receiver.to);
  EXPECT_EQ(mail.subject, "[Firing: 1] High");
  for (const char* part : {"host: web-1", "summary: too much", "https://telltale.example.com"})
    EXPECT_NE(mail.text.find(part), std::string::npos) << mail.text;

  ASSERT_TRUE(notifier.notify_issue(ProjectId{1},
                                    {"New error: boom", "shop.buy", "", "error", {{"Issue", "S-1"}}, {}}));
  notifier.tick();
  ASSERT_EQ(sender->mails.size(), 2u);
  EXPECT_EQ(sender->mails[1].subject, "New error: boom");
  EXPECT_NE(sender->mails[1].text.find("Issue: S-1"), std::string::npos) << sender->mails[1].text;
  EXPECT_TRUE(http.bodies.empty());
}

TEST(RuleFile, ATypeNamesTheLanguageOfAGroupOrARule) {
  auto groups = parse_rule_file(
      "groups:\n- name: g\n  type: logql\n  rules:\n  - alert: A\n    expr: 'sum(rate({app=\"x\"} [5m])) > "
      "1'\n"
      "  - record: r\n    type: promql\n    expr: sum(x)\n",
      "r.yml");
  ASSERT_TRUE(groups) << groups.error().message();
  EXPECT_EQ((*groups)[0].rules[0].language, RuleLanguage::logql);
  EXPECT_EQ((*groups)[0].rules[1].language, RuleLanguage::promql);
  for (const auto& [type, expr] : {std::pair{"sql", "up"}, {"logql", "{app=\"x\"}"}, {"logql", "rate({"}}) {
    const auto bad = parse_rule_file(
        fmt::format("groups:\n- name: g\n  rules:\n  - alert: A\n    type: {}\n    expr: '{}'\n", type, expr),
        "r.yml");
    ASSERT_FALSE(bad) << type << ' ' << expr;
    EXPECT_NE(bad.error().message().find("r.yml:"), std::string::npos);
  }
}

TEST(Notifier, AnAlertGoesToTheReceiversItNames) {
  FakeClock clock;
  MetricsRegistry metrics;
  Logger log(clock, LogLevel::error, null_sink());
  FakeHttp http;
  NotifierOptions options;
  options.group_wait = Millis(0);
  Notifier notifier(http, clock, metrics, log, options);
  Receiver ops;
  ops.name = "ops";
  Receiver web;
  web.name = "web";
  notifier.set_receivers({ops, web});
  const auto told = [&](const std::string& name, std::vector<std::string> receivers) {
    Alert a;
    a.state = AlertState::firing;
    a.labels.set("alertname", name);
    a.receivers = std::move(receivers);
    http.bodies.clear();
    notifier.take(ProjectId{1}, {a});
    notifier.tick();
    std::set<std::string> out;
    for (const auto& body : http.bodies)
      for (const char* receiver : {"ops", "web"})
        if (body.find(fmt::format("\"receiver\":\"{}\"", receiver)) != std::string::npos)
          out.insert(receiver);
    return out;
  };
  EXPECT_EQ(told("one", {"web"}), std::set<std::string>{"web"});
  EXPECT_EQ(told("all", {}), (std::set<std::string>{"ops", "web"}));
  EXPECT_EQ(told("both", {"web", "ops"}), (std::set<std::string>{"ops", "web"}));
  EXPECT_EQ(told("gone", {"pager"}), (std::set<std::string>{"ops", "web"})) << "rather than nobody";
}

}  // namespace
}  // namespace telltale::alerting
