// Random batches survive the round trip; every damaged form is refused or decodes to something, but never
// crashes.
#include "storage/batch.hpp"

#include <bit>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale::storage {
namespace {

std::string random_text(Rng& rng) {
  std::string s;
  for (auto n = rng.below(12); n > 0; --n) s += static_cast<char>('a' + rng.below(3));
  return s;
}

EventRow random_row(Rng& rng) {
  EventRow r;
  r.project.value = static_cast<std::uint32_t>(rng.below(3));
  r.time.ns = static_cast<std::int64_t>(rng.next());
  r.received.ns = static_cast<std::int64_t>(rng.next());
  r.ids.service = random_text(rng);
  r.ids.user_id = random_text(rng);
  if (rng.chance(0.5)) r.ids.trace_id = {rng.next(), rng.next()};
  if (rng.chance(0.5)) r.ids.span_id = {rng.next()};
  r.ids.level = static_cast<Level>(rng.below(7));
  r.message = random_text(rng);
  for (auto n = rng.below(4); n > 0; --n) {
    AttrValue value;
    switch (rng.below(4)) {
      case 0:
        value = random_text(rng);
        break;
      case 1:
        value = static_cast<std::int64_t>(rng.next());
        break;
      case 2:
        value = rng.unit();
        break;
      default:
        value = rng.chance(0.5);
    }
    r.attributes.push_back({random_text(rng), value, static_cast<AttrKind>(rng.below(kAttrKinds))});
  }
  r.payload = random_text(rng);
  return r;
}

Batch random_batch(Rng& rng) {
  Batch b;
  b.project.value = static_cast<std::uint32_t>(rng.next());
  b.received.ns = static_cast<std::int64_t>(rng.next());
  for (const Table t : kTables) {
    for (auto n = rng.below(4); n > 0; --n) b.rows(t).push_back(random_row(rng));
  }
  for (auto n = rng.below(4); n > 0; --n) {
    b.new_series.push_back(
        {SeriesId{rng.next()}, Labels(std::vector<Label>{{random_text(rng), random_text(rng)}, {"x", "y"}})});
  }
  for (auto n = rng.below(20); n > 0; --n) {
    b.samples.push_back(
        {SeriesId{rng.next() >> rng.below(64)},
         {UnixMillis{static_cast<std::int64_t>(rng.next())}, std::bit_cast<double>(rng.next())}});
  }
  return b;
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.project, b.project);
  EXPECT_EQ(a.received, b.received);
  for (const Table t : kTables) EXPECT_EQ(a.rows(t), b.rows(t));
  ASSERT_EQ(a.new_series.size(), b.new_series.size());
  for (std::size_t i = 0; i < a.new_series.size(); ++i) {
    EXPECT_EQ(a.new_series[i].id, b.new_series[i].id);
    EXPECT_EQ(a.new_series[i].labels, b.new_series[i].labels);
  }
  ASSERT_EQ(a.samples.size(), b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    EXPECT_EQ(a.samples[i].series, b.samples[i].series);
    EXPECT_EQ(a.samples[i].sample.time, b.samples[i].sample.time);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(a.samples[i].sample.value),
              std::bit_cast<std::uint64_t>(b.samples[i].sample.value));
  }
}

TEST(BatchCodec, RandomBatchesSurviveTheRoundTrip) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Batch batch = random_batch(rng);
    const auto back = decode_batch(encode_batch(batch));
    ASSERT_TRUE(back) << back.error().message();
    expect_same(batch, *back);
  }
}

TEST(BatchCodec, DamagedBytesNeverCrash) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::string bytes = encode_batch(random_batch(rng));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      const auto cut = decode_batch(std::string_view(bytes).substr(0, n));
      ASSERT_FALSE(cut);
      EXPECT_EQ(cut.error().kind(), ErrorKind::corruption);
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      const auto back = decode_batch(flipped);
      if (!back) {
        EXPECT_EQ(back.error().kind(), ErrorKind::corruption);
      }
    }
    EXPECT_FALSE(decode_batch(bytes + "x"));
  }
}

TEST(BatchCodec, VersionOneHadNoKinds) {
  Batch batch;
  batch.logs.resize(1);
  batch.logs[0].set("a", std::string("b"));
  std::string bytes = encode_batch(batch);
  ASSERT_EQ(bytes[0], 2);
  bytes[0] = 1;
  const auto back = decode_batch(bytes);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->logs, batch.logs);
  batch.logs[0].attributes[0].kind = AttrKind::parsed;
  bytes = encode_batch(batch);
  EXPECT_EQ(decode_batch(bytes)->logs, batch.logs);
  bytes[0] = 1;
  EXPECT_FALSE(decode_batch(bytes));
}

TEST(BatchCodec, RefusesAnUnknownVersion) {
  std::string bytes = encode_batch(Batch{});
  bytes[0] = 9;
  ASSERT_FALSE(decode_batch(bytes));
  EXPECT_NE(decode_batch(bytes).error().message().find("version 9"), std::string::npos);
}

}  // namespace
}  // namespace telltale::storage
