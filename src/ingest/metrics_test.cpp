// Numbers that are pushed, from bytes to the store.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <protozero/pbf_writer.hpp>

#include "base/limits.hpp"
#include "base/metric_limits.hpp"
#include "base/rng.hpp"
#include "ingest/metrics_rig.hpp"
#include "ingest/series_cache.hpp"

namespace telltale::ingest {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
class MetricsTest : public MetricsRig {
 protected:
  MetricOutcome send(const std::string& plain) {
    auto done = ingest->remote_write(kPushed, compress(Codec::snappy, plain), Codec::snappy,
                                     wire::prometheus::WriteVersion::v1);
    EXPECT_TRUE(done) << done.error().message();
    return done ? *std::move(done) : MetricOutcome{};
  }
};

/// One series with samples at the given distances from now.
std::string series(const Pairs& labels, const std::vector<std::pair<double, std::int64_t>>& samples) {
  std::string body;
  protozero::pbf_writer request(body);
  {
    protozero::pbf_writer message(request, 1);
    for (const auto& [name, value] : labels) {
      protozero::pbf_writer label(message, 1);
      label.add_string(1, name);
      label.add_string(2, value);
    }
    for (const auto& [value, ms] : samples) {
      protozero::pbf_writer sample(message, 2);
      sample.add_double(1, value);
      sample.add_int64(2, kNowMs + ms);
    }
  }
  return body;
}

TEST_F(MetricsTest, SamplesAreStoredAndKnownSeriesFoundAgain) {
  const auto first = send(series({{"__name__", "up"}, {"job", "shop"}}, {{1, -10}, {2, -5}}));
  EXPECT_EQ(first.samples, 2u);
  EXPECT_EQ(first.refused, 0u);
  const auto second = send(series({{"__name__", "up"}, {"job", "shop"}}, {{3, 0}}) +
                           series({{"job", "shop"}, {"__name__", "up"}}, {{4, 5}}) +
                           series({{"__name__", "up"}, {"job", "shop"}, {"empty", ""}}, {{5, 6}}));
  EXPECT_EQ(second.samples, 3u);
  EXPECT_EQ(stored(), (std::vector<std::string>{R"(up{job="shop"} 1@-10 2@-5 3@0 4@5 5@6)"}));
}

TEST_F(MetricsTest, ABadSeriesIsToldAndTheRestIsStored) {
  const std::string long_value(limits::kMaxLabelValueBytes + 1, 'x');
  Pairs many = {{"__name__", "wide"}};
  for (std::size_t i = 0; i < limits::kMaxLabelsPerSeries; ++i)
    many.emplace_back("l" + std::to_string(i), "v");
  const auto out = send(series({{"__name__", "good"}}, {{1, 0}}) + series({{"job", "nameless"}}, {{1, 0}}) +
                        series({{"__name__", "long"}, {"path", long_value}}, {{1, 0}, {2, 1}}) +
                        series({{"__name__", "twice"}, {"a", "1"}, {"a", "2"}}, {{1, 0}}) +
                        series(many, {{1, 0}}) + series({{"__name__", "bytes"}, {"a", "\xff"}}, {{1, 0}}) +
                        series({{"__name__", "late"}}, {{1, -1000LL * 86400 * 31}, {2, 0}}) +
                        series({{"__name__", "early"}}, {{1, 1000LL * 3600}}));
  EXPECT_EQ(out.samples, 2u);
  EXPECT_EQ(out.refused_samples, 8u);
  ASSERT_EQ(out.rejected.size(), 7u);
  const std::vector<std::string> reasons = {
      "without a metric name",    "long: label path: 4097 bytes", "twice: label a: stands twice",
      "wide: 65 labels are over", "bytes: label a: not UTF-8",    "ingest.max_past",
      "ingest.max_future"};
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    EXPECT_EQ(out.rejected[i].index, i + 1);
    EXPECT_NE(out.rejected[i].reason.find(reasons[i]), std::string::npos) << out.rejected[i].reason;
  }
  EXPECT_EQ(stored(), (std::vector<std::string>{"good 1@0", "late 2@0"}));
}

TEST_F(MetricsTest, SecretsInLabelsAreMaskedOnceAndNamesAndBoundsAreNot) {
  for (int i = 0; i < 2; ++i) {
    send(series({{"__name__", "calls_bucket"},
                 {"le", "4111111111111111"},
                 {"password", "hunter2"},
                 {"url", "/pay?card=4111111111111111"}},
                {{1, i}}));
  }
  const auto got = stored();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_NE(got[0].find(R"(le="4111111111111111")"), std::string::npos) << got[0];
  EXPECT_EQ(got[0].find("hunter2"), std::string::npos) << got[0];
  EXPECT_EQ(got[0].find("card=4111"), std::string::npos) << got[0];
  EXPECT_NE(got[0].find("1@0 1@1"), std::string::npos) << got[0];
}

TEST_F(MetricsTest, WhatIsNoRemoteWriteIsAnError) {
  const auto version = wire::prometheus::WriteVersion::v1;
  EXPECT_EQ(ingest->remote_write(kPushed, "no snappy", Codec::snappy, version).error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_EQ(ingest->remote_write(kPushed, compress(Codec::snappy, "\x0a\xff"), Codec::snappy, version)
                .error()
                .kind(),
            ErrorKind::invalid_argument);
  // A declared size over the limit is refused before anything is allocated.
  const std::string bomb("\x80\x80\x80\x80\x08\x00", 6);
  EXPECT_EQ(ingest->remote_write(kPushed, bomb, Codec::snappy, version).error().kind(), ErrorKind::too_large);
  EXPECT_EQ(send("").samples, 0u);
}

/// What a client would send of some series, in either version.
std::string random_request(Rng& rng, bool v2, std::map<Labels, std::map<std::int64_t, double>>& oracle) {
  std::vector<std::string> symbols = {""};
  const auto ref = [&](const std::string& text) {
    symbols.push_back(text);  // the same text may stand twice
    return static_cast<std::uint32_t>(symbols.size() - 1);
  };
  std::string series_bytes;
  for (auto n = 1 + rng.below(5); n > 0; --n) {
    std::vector<Label> labels = {{"__name__", "m" + std::to_string(rng.below(3))}};
    for (const char* name : {"a", "b", "c"}) {
      if (rng.chance(0.5)) labels.push_back({name, rng.chance(0.2) ? "" : std::to_string(rng.below(3))});
    }
    for (std::size_t i = labels.size() - 1; i > 0; --i) std::swap(labels[i], labels[rng.below(i + 1)]);
    protozero::pbf_writer request(series_bytes);
    protozero::pbf_writer message(request, v2 ? 5 : 1);
    if (v2) {
      std::vector<std::uint32_t> refs;
      for (const Label& l : labels) {
        refs.push_back(ref(l.name));
        refs.push_back(ref(l.value));
      }
      message.add_packed_uint32(1, refs.begin(), refs.end());
    }
    for (const Label& l : labels) {
      if (v2) break;
      protozero::pbf_writer label(message, 1);
      label.add_string(1, l.name);
      label.add_string(2, l.value);
    }
    for (auto k = 1 + rng.below(3); k > 0; --k) {
      const auto ms = static_cast<std::int64_t>(rng.below(20));
      const auto value = static_cast<double>(rng.below(1000));
      protozero::pbf_writer sample(message, 2);
      sample.add_double(1, value);
      sample.add_int64(2, kNowMs + ms);
      oracle[Labels(labels)][ms] = value;
    }
  }
  std::string body;
  protozero::pbf_writer request(body);
  for (const auto& s : symbols) {
    if (v2) request.add_string(4, s);
  }
  return body + series_bytes;
}

TEST_F(MetricsTest, BothVersionsStoreWhatANaiveMapHolds) {
  const std::uint64_t seed = 20261126;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  std::map<Labels, std::map<std::int64_t, double>> oracle;
  for (int round = 0; round < 200; ++round) {
    const bool v2 = rng.chance(0.5);
    const std::string body = random_request(rng, v2, oracle);
    const auto done =
        ingest->remote_write(kPushed, compress(Codec::snappy, body), Codec::snappy,
                             v2 ? wire::prometheus::WriteVersion::v2 : wire::prometheus::WriteVersion::v1);
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_EQ(done->refused, 0u) << done->rejected.front().reason;
  }
  std::vector<std::string> expected;
  for (const auto& [labels, samples] : oracle) {
    std::string line = labels.to_string();
    for (const auto& [ms, value] : samples) line += ' ' + number(value) + '@' + std::to_string(ms);
    expected.push_back(line);
  }
  auto got = stored();
  std::sort(got.begin(), got.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(got, expected);
}

TEST(SeriesCacheTest, ForgetsTheLongestUnusedFirst) {
  SeriesCache cache(8);
  const std::shared_ptr<const redact::Redactor> rules;
  const auto key = [](std::uint64_t n) { return Id128{n * 7919, n}; };
  const auto known = [&](std::uint64_t n) {
    const Id128 keys[] = {key(n)};
    return cache.find(kPushed, rules, keys, {})[0].value;
  };
  for (std::uint64_t n = 1; n <= 100; ++n) {
    const std::pair<Id128, SeriesId> one[] = {{key(n), SeriesId{n}}};
    cache.add(kPushed, rules, one, {});
    EXPECT_EQ(known(1), 1u) << n;  // asked for all the time
    EXPECT_EQ(known(n), n);
    EXPECT_LE(cache.size(), 10u);
  }
  EXPECT_EQ(known(50), 0u);
  const Id128 keys[] = {key(100)};
  EXPECT_EQ(cache.find(ProjectId{2}, rules, keys, {})[0].value, 0u);  // another project's
  const auto later = UnixNanos::from_seconds(limits::kSeriesRecheckSeconds + 1);
  EXPECT_EQ(cache.find(kPushed, rules, keys, later)[0].value, 0u);
}

TEST(SeriesCacheTest, OtherRulesOfMaskingForgetEverything) {
  SeriesCache cache;
  const std::shared_ptr<const redact::Redactor> before = *redact::Redactor::create({});
  const std::shared_ptr<const redact::Redactor> after = *redact::Redactor::create({});
  const Id128 keys[] = {{1, 2}};
  const std::pair<Id128, SeriesId> one[] = {{keys[0], SeriesId{3}}};
  cache.add(kPushed, before, one, {});
  EXPECT_EQ(cache.find(kPushed, before, keys, {})[0].value, 3u);
  EXPECT_EQ(cache.find(kPushed, after, keys, {})[0].value, 0u);
}

}  // namespace
}  // namespace telltale::ingest
