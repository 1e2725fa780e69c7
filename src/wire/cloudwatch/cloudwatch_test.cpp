#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "wire/cloudwatch/requests.hpp"
#include "wire/cloudwatch/sigv4.hpp"

namespace telltale::wire::cloudwatch {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

SignedRequest list_users() {
  return {"GET",
          "/",
          {{"Version", "2010-05-08"}, {"Action", "ListUsers"}},
          {{"host", "iam.amazonaws.com"},
           {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
           {"x-amz-date", "20150830T123600Z"}},
          ""};
}

// The worked example of AWS's guide to Signature Version 4.
TEST(SigV4, TheGuidesExample) {
  const auto claim = parse_sigv4(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  ASSERT_TRUE(claim) << claim.error().message();
  EXPECT_EQ(claim->access_key, "AKIDEXAMPLE");
  EXPECT_EQ(claim->region, "us-east-1");
  EXPECT_EQ(signed_time(*claim, list_users())->ns, 1'440'938'160'000'000'000);
  EXPECT_EQ(*sigv4_signature(*claim, list_users(), kSecret), claim->signature);
  auto other = list_users();
  other.body = "x";
  EXPECT_NE(*sigv4_signature(*claim, other, kSecret), claim->signature);
  EXPECT_NE(*sigv4_signature(*claim, list_users(), "another"), claim->signature);
  other = list_users();
  other.headers.emplace_back("x-amz-content-sha256", "0000");
  EXPECT_FALSE(sigv4_signature(*claim, other, kSecret));
}

TEST(SigV4, NamesMayHaveSlashesAndBadClaimsAreRefused) {
  const std::string signature(64, 'a');
  const auto claim = parse_sigv4(
      "AWS4-HMAC-SHA256 Credential=team/shop/20260108/eu/logs/aws4_request,SignedHeaders=Host,Signature=" +
      signature);
  ASSERT_TRUE(claim) << claim.error().message();
  EXPECT_EQ(claim->access_key, "team/shop");
  EXPECT_FALSE(signed_time(*claim, list_users()));  // of another day
  for (const std::string& bad :
       {std::string("Bearer x"), std::string("AWS4-HMAC-SHA256"),
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + signature,
        std::string("AWS4-HMAC-SHA256 Credential=k/1/2/3/aws4_request, SignedHeaders=host, Signature=short"),
        "AWS4-HMAC-SHA256 Credential=k/1/2/3/aws4_request, SignedHeaders=x-amz-date, Signature=" + signature,
        "AWS4-HMAC-SHA256 Credential=/1/2/3/aws4_request, SignedHeaders=host, Signature=" + signature})
    EXPECT_FALSE(parse_sigv4(bad)) << bad;
}

TEST(Requests, PutLogEvents) {
  const auto put = parse_put_log_events(
      R"({"logGroupName":"/app/web","logStreamName":"i-1","sequenceToken":"x","logEvents":[{"timestamp":5,"message":"a"},{"timestamp":5,"message":"b"}]})");
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(put->group, "/app/web");
  ASSERT_EQ(put->events.size(), 2u);
  EXPECT_EQ(put->events[1].time.ns, 5'000'000);
  const std::pair<const char*, const char*> bad[] = {
      {"{}", "logGroupName"},
      {R"({"logGroupName":"a b","logStreamName":"s","logEvents":[]})", "logGroupName"},
      {R"({"logGroupName":"g","logStreamName":"a:b","logEvents":[]})", "logStreamName"},
      {R"({"logGroupName":"g","logStreamName":"s","logEvents":[]})", "logEvents"},
      {R"({"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":-1,"message":"a"}]})",
       "logEvents[0].timestamp"},
      {R"({"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":""}]})",
       "logEvents[0].message"},
      {R"({"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":2,"message":"a"},{"timestamp":1,"message":"b"}]})",
       "chronological"},
      {"nonsense", "JSON"}};
  for (const auto& [body, word] : bad) {
    const auto r = parse_put_log_events(body);
    ASSERT_FALSE(r) << body;
    EXPECT_NE(r.error().message().find(word), std::string::npos) << r.error().message();
  }
}

TEST(Requests, GroupsByNameOrArn) {
  const auto r = parse_group_request(
      R"({"resourceArn":"arn:aws:logs:eu-central-1:000000000001:log-group:/app/web:*","tags":{"team":"shop"},"limit":7})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->group, "/app/web");
  EXPECT_EQ(r->tags, (TextPairs{{"team", "shop"}}));
  EXPECT_EQ(r->limit, 7);
  EXPECT_EQ(arn_of("eu", "1", "g", "s"), "arn:aws:logs:eu:1:log-group:g:log-stream:s");
  EXPECT_TRUE(parse_group_request(""));
  EXPECT_FALSE(parse_group_request("[]"));
  EXPECT_TRUE(is_retention(30));
  EXPECT_FALSE(is_retention(31));
}

}  // namespace
}  // namespace telltale::wire::cloudwatch
