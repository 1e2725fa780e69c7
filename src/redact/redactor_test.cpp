#include "redact/redactor.hpp"

#include <random>

#include <gtest/gtest.h>

#include "redact/shapes.hpp"

namespace telltale::redact {
namespace {

std::unique_ptr<const Redactor> make_redactor(bool emails = false) {
  Options options;
  if (emails) options.enable = {"email"};
  options.sensitive_keys = {"badge_no"};
  options.safe_keys = {"auth_scheme"};
  return std::move(Redactor::create(options)).value();
}

std::string redacted(std::string text) {
  static const auto r = make_redactor();
  r->redact_text(text);
  return text;
}

std::string redacted_json(std::string text) {
  static const auto r = make_redactor();
  r->redact_json(text);
  return text;
}

// Secret shapes are put together at run time, so that no scanner of repositories trips over this file.
std::string rep(std::string_view unit, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += unit;
  return out;
}

TEST(Redact, SecretShapesDisappear) {
  const std::string word = "Zq7" + rep("x9K", 12);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"password=hunter2", "hunter2"},
      {"user=bob passwd=hunter2 ok", "hunter2"},
      {"{\"password\": \"hunter2\"}", "hunter2"},
      {"{'secret': 'hunter2'}", "hunter2"},
      {"{\\\"password\\\":\\\"hunter2\\\"}", "hunter2"},
      {"api_key: hunter2abc", "hunter2abc"},
      {"api-key=hunter2", "hunter2"},
      {"apikey=hunter2&x=1", "hunter2"},
      {"client_secret=hunter2;", "hunter2"},
      {"DB_PASSWORD=hunter2", "hunter2"},
      {"mysql_pwd=hunter2", "hunter2"},
      {"aws_secret_access_key = hunter2", "hunter2"},
      {"private_key=hunter2", "hunter2"},
      {"access_token=hunter2", "hunter2"},
      {"?token=hunter2&page=3", "hunter2"},
      {"refresh_token: \"hunter2\"", "hunter2"},
      {"X-Auth: hunter2abc", "hunter2abc"},
      {"Authorization: Bearer hunter2", "hunter2"},
      {"authorization: Basic aHVudGVyMjpodW50ZXIy", "aHVudGVyMjpodW50ZXIy"},
      {"Authorization: Token hunter2", "hunter2"},
      {"sent Bearer abc.def.123 to upstream", "abc.def.123"},
      {"BEARER  " + word, word},
      {"basic dXNlcjpwYXNzMTIz=", "dXNlcjpwYXNzMTIz"},
      {"otp=123456", "123456"},
      {"cvv=123", "123"},
      {"badge_no=77", "77"},
      {"csrf_token=hunter2", "hunter2"},
      {"cookie: hunter2", "hunter2"},
      {"credentials=hunter2", "hunter2"},
      {"postgres://app:hunter2@db:5432/x", "hunter2"},
      {"redis://:hunter2@cache/0", "hunter2"},
      {"https://bob:p%40ss@host/a?b=c", "p%40ss"},
      {"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----", "MIIEow"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz", "b3BlbnNz"},
      {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-1", "eyJzdWIiOiIxIn0"},
      {"key " + ("AKIA" + rep("Q7ZX", 4)), "Q7ZXQ7ZX"},
      {"ASIA" + rep("Q7ZX", 4), "Q7ZXQ7ZX"},
      {"push with " + ("ghp_" + word), word},
      {"gho_" + word, word},
      {"github_pat_" + word, word},
      {"glpat-" + word, word},
      {"xoxb-" + word, word},
      {"sk_live_" + word, word},
      {"rk_test_" + word, word},
      {"SG." + word + "." + word, word},
      {"npm_" + rep("a1B2c3", 6), "a1B2c3"},
      {"sk-proj-" + word, word},
      {"AIza" + rep("b1C_-", 7), "b1C_-"},
      {"card 4111 1111 1111 1111 declined", "1111"},
      {"4111-1111-1111-1111", "1111"},
      {"way=1&card=4111+1111+1111+1111", "1111"},
      {"https://shop.example/buy?card=4111%201111%201111%201111&way=1", "1111"},
      {"amex 3782%20822463%2010005", "822463"},
      {"pan=5500005555555559", "5500005555555559"},
      {"amex 3782 822463 10005.", "822463"},
      {"discover 6011000990139424", "6011000990139424"},
      {"iban DE89370400440532013000", "370400"},
      {"pay to GB82 WEST 1234 5698 7654 32 now", "WEST"},
      {"ssn 219-09-9999", "219-09"},
  };
  EXPECT_GE(cases.size(), 50u);
  for (const auto& [text, secret] : cases) {
    const std::string out = redacted(text);
    EXPECT_EQ(out.find(secret), std::string::npos) << text << " -> " << out;
    EXPECT_EQ(redacted(out), out) << "a second pass changes nothing: " << out;
  }
}

TEST(Redact, InnocentsStay) {
  const std::vector<std::string> innocents = {
      "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
      "0af7651916cd43dd8448eb211c80319c",
      "41111111111111111111111111111111",
      "id 4111111111111111111",
      "40000000-4000-4000-8000-400000000000",
      "550e8400-e29b-41d4-a716-446655440000",
      "2026-01-08T09:30:00.123456789Z",
      "1736328600123456789",
      "1736328600123",
      "1736328600.123456",
      "3.141592653589793",
      "0.4111111111111111",
      "4111111111111111.5",
      "4111111111111112",
      "took 12ms, 200 OK",
      "author=jane authority=api.example.com",
      "max_tokens=4096 input_tokens: 55",
      "auth=true token_count=3",
      "Unexpected token: identifier at line 3",
      "Bearer authentication is required",
      "basic training",
      "GET /v1/users?page=2 HTTP/1.1",
      "http://example.com:8080/path@v2",
      "https://0123456789abcdef@errors.example.com/42",
      "DE89370400440532013001",
      "000-12-3456",
      "2024-09-9999",
      "phone 555-1234",
      "monkey=7 keyboard=us",
      "auth_scheme=kerberos5",
      "bob@example.com",
      "task-4711-abcdefgh-1234-5678-abcd",
      "-----BEGIN CERTIFICATE-----",
      "password=[Filtered]",
      "",
  };
  EXPECT_GE(innocents.size(), 30u);
  for (const auto& text : innocents) EXPECT_EQ(redacted(text), text);
}

TEST(Redact, EmailsOnlyWhenAsked) {
  std::string text = "from bob.smith@mail.example.com today";
  EXPECT_TRUE(make_redactor(true)->redact_text(text));
  EXPECT_EQ(text, "from [email] today");
}

TEST(Redact, CountsByRule) {
  Counts counts;
  std::string text = "password=a1 card 4111111111111111 and 4242424242424242";
  make_redactor()->redact_text(text, &counts);
  EXPECT_EQ(counts.of("key"), 1u);
  EXPECT_EQ(counts.of("card"), 2u);
}

TEST(Redact, NamedValues) {
  const auto r = make_redactor();
  std::string v = "hunter2";
  EXPECT_TRUE(r->redact_value("http.request.header.Authorization", v));
  EXPECT_EQ(v, "[Filtered]");
  v = "512";
  EXPECT_FALSE(r->redact_value("gen_ai.usage.input_tokens", v));
  EXPECT_FALSE(r->redact_value("author", v));
  EXPECT_FALSE(Redactor::create({.sensitive_keys = {""}}).has_value());
}

// One span id in 45,000 or so is all digits and passes for a payment card; masked, it would join nothing.
TEST(Redact, IdsThatLookLikeCardsStayUnderTheirNames) {
  const auto r = *Redactor::create({});
  for (const char* key : {"span_id", "spanId", "span.id", "parent_span_id", "parentSpanId", "dd.span_id",
                          "otelSpanID", "sentry.trace.parent_span_id"}) {
    std::string value = "4111111111111111";
    EXPECT_FALSE(r->redact_value(key, value)) << key;
    EXPECT_EQ(redacted(std::string(key) + "=" + value), std::string(key) + "=" + value);
    const std::string json = std::string("{\"trace\":{\"") + key + "\":\"" + value + "\"}}";
    EXPECT_EQ(redacted_json(json), json);
  }
  EXPECT_EQ(redacted("[span_id: 4111111111111111] ok"), "[span_id: 4111111111111111] ok");
}

TEST(Redact, ACardIsACardUnderAnotherNameOrInAnotherShape) {
  const auto r = *Redactor::create({});
  for (const char* key : {"card", "spanner_id", "span", "id", "trace_id", "event_id", "user_id", ""}) {
    std::string value = "4111111111111111";
    EXPECT_TRUE(r->redact_value(key, value)) << key;
  }
  for (const char* text :
       {"4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "x 4111111111111111"}) {
    std::string value = text;
    EXPECT_TRUE(r->redact_value("span_id", value)) << text;
    EXPECT_EQ(redacted_json(std::string("{\"span_id\":\"") + text + "\"}").find(text), std::string::npos)
        << text;
  }
  EXPECT_EQ(redacted_json(R"({"span_id":["4111111111111111"]})"), R"({"span_id":["[card]"]})");
  EXPECT_EQ(redacted("paid with span_id 4111111111111111"), "paid with span_id [card]");
}

TEST(Redact, Json) {
  EXPECT_EQ(
      redacted_json(R"({"a": 1.50, "password":"x","n":{"api_key":[1,{"b":2}],"k":"card 4111111111111111"}})"),
      R"({"a": 1.50, "password":"[Filtered]","n":{"api_key":"[Filtered]","k":"card [card]"}})");
  EXPECT_EQ(redacted_json(R"([["Authorization","Bearer q"],["Accept","*/*"]])"),
            R"([["Authorization","[Filtered]"],["Accept","*/*"]])");
  EXPECT_EQ(redacted_json(R"({"body":"{\"password\":\"x\"}"})"),
            R"({"body":"{\"password\":\"[Filtered]\"}"})");
  EXPECT_EQ(redacted_json(R"({"n":4111111111111111,"t":1736328600123456,"f":0.4111111111111111})"),
            R"({"n":"[card]","t":1736328600123456,"f":0.4111111111111111})");
  EXPECT_EQ(redacted_json(R"({"pass\u0077ord":"x"})"), R"({"pass\u0077ord":"[Filtered]"})");
  EXPECT_EQ(redacted_json(R"({"modules":{"google-auth":"2.3"},"tokens":7,"auth":null})"),
            R"({"modules":{"google-auth":"2.3"},"tokens":7,"auth":null})");
  EXPECT_EQ(redacted_json("not json password=x1"), "not json password=[Filtered]");
  EXPECT_EQ(redacted_json("{\"a\":"), "{\"a\":");
}

// The naive card finder asks the question at every place and length; the walking one must agree.
TEST(Redact, CardsAgreeWithNaiveSearch) {
  const unsigned seed = std::random_device{}();
  std::mt19937 rng(seed);
  const std::string pieces[] = {"4111111111111111",
                                "378282246310005",
                                "5500005555555559",
                                "30569309025904",
                                "1",
                                "42",
                                " ",
                                "-",
                                ".",
                                "x",
                                "abc "};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 6; ++i) text += pieces[rng() % std::size(pieces)];
    std::vector<Match> naive;
    const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    const auto word = [&](std::size_t i) {
      return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i]));
    };
    for (std::size_t i = 0; i < text.size(); ++i)
      for (const std::size_t n : {14, 15, 16, 17, 18, 19}) {
        if (i + n > text.size() || !is_card_number(std::string_view(text).substr(i, n))) continue;
        if ((i > 0 && word(i - 1)) || word(i + n)) continue;
        if (i > 1 && (text[i - 1] == '.' || text[i - 1] == '-') && digit(i - 2)) continue;
        if (i + n < text.size() && (text[i + n] == '.' || text[i + n] == '-') && digit(i + n + 1)) continue;
        naive.push_back({i, i + n, kCardRule});
      }
    std::vector<Match> found;
    find_cards(text, found);
    ASSERT_EQ(found.size(), naive.size()) << "seed " << seed << ": " << text;
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].begin, naive[i].begin) << text;
  }
}

}  // namespace
}  // namespace telltale::redact
