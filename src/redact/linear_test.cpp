// Long texts that repeat what a finder begins with. Each is looked through a few times at most; were
// one walked anew from every beginning, this test would not end within its time.
#include <gtest/gtest.h>

#include "redact/json_walk.hpp"
#include "redact/number_scan.hpp"
#include "redact/pairs.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kBytes = 256 * 1024;

std::string repeated(std::string_view unit) {
  std::string out;
  while (out.size() < kBytes) out += unit;
  return out;
}

const Redactor& all_on() {
  static const auto redactor = std::move(Redactor::create({.enable = {"email", "ip"}})).value();
  return *redactor;
}

TEST(Linear, TextsOfOneKind) {
  for (const char* unit : {"1",
                           "12",
                           "4",
                           "1111 ",
                           "123-",
                           "DE89",
                           "DE89 ",
                           ">",
                           "<",
                           "<password>",
                           "<password>>",
                           "password:{",
                           "password:[",
                           "password:['",
                           "password=/",
                           "password%3D&",
                           "token%3D1",
                           "password=",
                           "password:",
                           "token:",
                           "password=\\",
                           "password=\"",
                           "password='\"",
                           "('password','",
                           "('password',\"",
                           "['--password','",
                           "name=\"password\"\n",
                           "name=\"password\" ",
                           "name='password",
                           "password:[a",
                           "Pwd={",
                           "Pwd={}}",
                           "[password]=",
                           "%5Bpassword%5D%3D",
                           "%22password%22%3A",
                           "password: str",
                           "cookie=a=b; ",
                           "cookie: ",
                           "--password ",
                           "otp=1 ",
                           "bearer ",
                           "a@",
                           "1.1.",
                           "://a:b",
                           "-----BEGIN PRIVATE KEY-----",
                           "<password><![CDATA[",
                           "\\",
                           "\"",
                           "{",
                           "[",
                           "[\"password\",",
                           "{\"password\":"}) {
    const std::string text = repeated(unit);
    std::string value = "token=x1 " + text;
    all_on().redact_text(value);
    value = "{\"password\":\"x\",\"m\":\"" + text + "\"}";
    all_on().redact_event(value);
    std::vector<Match> matches;
    find_pairs(
        text, [](std::string_view key) { return classify_key(key, {}, {}); }, matches);
  }
}

// One answer a run, however long: asked at each digit, a run of n digits would cost n²/2.
TEST(Linear, ARunOfDigitsIsAskedOnce) {
  const std::string text = "x " + std::string("4111111111111") + "111 " + repeated("1");
  std::vector<std::size_t> places;
  scan_numbers(text, [&](Detector detector, std::size_t at) {
    if (detector == kCards) places.push_back(at);
  });
  ASSERT_FALSE(places.empty());
  for (const std::size_t at : places) EXPECT_EQ(at, 2u);
  EXPECT_LE(places.size(), 2u) << "windows overlap";
}

TEST(Linear, ARunIsFoundWhereverItBegins) {
  const std::string card = std::string("4111111111") + "111111";
  for (std::size_t before = 0; before < 200; ++before) {
    for (const char* filler : {".", "x ", "12 "}) {
      std::string text;
      while (text.size() < before) text += filler;
      text.resize(before, ' ');
      if (!text.empty()) text.back() = ' ';
      bool found = false;
      scan_numbers(text + card + " and more text behind it, so that windows go on",
                   [&](Detector d, std::size_t) { found |= d == kCards; });
      EXPECT_TRUE(found) << before;
    }
  }
}

TEST(Linear, RemarksOfOneValueAreBounded) {
  std::string json = R"({"m":")";
  for (int i = 0; i < 500; ++i) json += "otp=1 ";
  json += "\"}";
  EXPECT_TRUE(all_on().redact_event(json));
  EXPECT_EQ(json.find("otp=1"), std::string::npos);
  std::size_t told = 0;
  for (std::size_t at = json.find("@key"); at != std::string::npos; at = json.find("@key", at + 1)) ++told;
  EXPECT_EQ(told, 100u);
  EXPECT_NE(json.find(R"(["@key","s",4,14],["@key","s",19,29])"), std::string::npos) << json.substr(0, 200);
  EXPECT_NE(json.find("\"len\":3000"), std::string::npos);
}

TEST(Linear, OverlongPathsHaveNoRemarks) {
  const std::string key(5000, 'k');
  std::string json = "{\"" + key + "\":{\"password\":\"hunter2\",\"pwd\":\"hunter2\"},\"pwd\":\"hunter2\"}";
  EXPECT_TRUE(all_on().redact_event(json));
  EXPECT_EQ(json.find("hunter2"), std::string::npos);
  EXPECT_TRUE(json.ends_with(R"("_meta":{"pwd":{"":{"rem":[["@key","s",0,10]],"len":7}}}})"))
      << json.substr(5000);
}

TEST(Linear, LongKeysAreLookedAtEachTime) {
  const std::string key = std::string(300, 'k') + "_password";
  const KeyFacts* first = &all_on().facts(key);
  EXPECT_EQ(first->kind, KeyKind::hard);
  EXPECT_EQ(&all_on().facts(std::string(400, 'x'), 3), first) << "one place for all of them";
  EXPECT_EQ(first->kind, KeyKind::plain);
}

}  // namespace
}  // namespace telltale::redact
