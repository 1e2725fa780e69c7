// Random batches survive the round trip; every damaged form is refused or decodes to something, but never
// crashes.
#include "storage/batch.hpp"

#include <bit>
#include <limits>

#include <gtest/gtest.h>

#include "base/bytes.hpp"
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
  r.message = random_text(rng) + random_text(rng) + random_text(rng);
  for (auto n = rng.below(4); n > 0; --n) {
    AttrValue value;
    switch (rng.below(4)) {
      case 0: {
        const std::size_t begin = rng.below(r.message.size() + 1);
        value = rng.chance(0.5) ? random_text(rng) : r.message.substr(begin, rng.below(8));
        break;
      }
      case 1:
        value = static_cast<std::int64_t>(rng.next());
        break;
      case 2:
        value = rng.chance(0.5) ? rng.unit() : static_cast<double>(rng.below(100'000)) / 1000;
        break;
      default:
        value = rng.chance(0.5);
    }
    r.attributes.push_back({random_text(rng), value, static_cast<AttrKind>(rng.below(kAttrKinds))});
  }
  r.payload = random_text(rng);
  return r;
}

Id128 random_id(Rng& rng) { return rng.chance(0.3) ? Id128{} : Id128{rng.next(), rng.next()}; }

BatchItems random_items(Rng& rng) {
  BatchItems out;
  for (auto n = rng.below(4); n > 0; --n) {
    SessionUpdate s;
    s.release = random_text(rng);
    s.environment = random_text(rng);
    s.user = rng.next() >> rng.below(64);
    s.started.ns = static_cast<std::int64_t>(rng.next());
    if (rng.chance(0.5)) {
      s.sid = rng.next() | 1;
      s.init = rng.chance(0.5);
      s.state = static_cast<SessionState>(rng.below(5));
    } else {
      s.exited = rng.next() >> rng.below(64);
      s.errored = rng.below(3);
      s.abnormal = rng.below(3);
      s.crashed = rng.below(3);
    }
    out.sessions.push_back(s);
  }
  for (auto n = rng.below(3); n > 0; --n) {
    CheckIn c{random_id(rng), random_text(rng), random_text(rng), random_text(rng)};
    c.status = static_cast<CheckInStatus>(1 + rng.below(5));
    c.duration_ms = static_cast<std::int64_t>(rng.below(9)) - 1;
    c.time.ns = static_cast<std::int64_t>(rng.next());
    c.trace_id = random_id(rng);
    c.config = random_text(rng);
    out.check_ins.push_back(c);
  }
  for (auto n = rng.below(3); n > 0; --n) {
    FeedbackItem f;
    f.id = random_id(rng);
    f.time.ns = static_cast<std::int64_t>(rng.next());
    for (auto* text : {&f.message, &f.email, &f.name, &f.url, &f.environment, &f.release, &f.user_id,
                       &f.source, &f.replay_id})
      *text = random_text(rng);
    f.event_id = random_id(rng);
    f.trace_id = random_id(rng);
    out.feedback.push_back(f);
  }
  for (auto n = rng.below(3); n > 0; --n)
    out.outcomes.push_back(
        {random_text(rng), random_text(rng), random_text(rng), rng.next() >> rng.below(64)});
  for (auto n = rng.below(3); n > 0; --n) {
    AttachmentItem a;
    for (Id128* id : {&a.blob, &a.event_id, &a.trace_id, &a.digest}) *id = random_id(rng);
    for (auto* text : {&a.kind, &a.name, &a.content_type}) *text = random_text(rng);
    a.size = rng.next() >> rng.below(64);
    a.stored = rng.next() >> rng.below(64);
    out.attachments.push_back(a);
  }
  for (auto n = rng.below(4); n > 0; --n) {
    out.exemplars.push_back({Labels(std::vector<Label>{{"__name__", random_text(rng)}, {"a", "b"}}),
                             {static_cast<std::int64_t>(rng.next())},
                             rng.unit(),
                             Labels(std::vector<Label>{{"trace_id", random_text(rng)}})});
    out.metadata.push_back(
        {random_text(rng), static_cast<std::uint8_t>(rng.below(8)), random_text(rng), random_text(rng)});
    out.usage.push_back({kUsageKinds[rng.below(std::size(kUsageKinds))], random_text(rng), random_text(rng),
                         random_id(rng), rng.next() >> rng.below(64)});
  }
  return out;
}

void random_side(Rng& rng, bool whole, std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  for (auto n = rng.below(4); n > 0; --n) {
    spans.push_back({static_cast<std::int32_t>(rng.below(9)) - (spans.empty() ? 4 : 0),
                     static_cast<std::uint32_t>(rng.below(5))});
    for (std::uint32_t i = 0; i < spans.back().length; ++i)
      counts.push_back(whole ? static_cast<double>(rng.next() >> (11 + rng.below(53)))
                             : std::bit_cast<double>(rng.next()));
  }
}

std::shared_ptr<const Histogram> random_histogram(Rng& rng, double sum) {
  auto h = std::make_shared<Histogram>();
  h->reset_hint = static_cast<ResetHint>(rng.below(4));
  h->integer = rng.chance(0.5);
  h->schema = rng.chance(0.2) ? kCustomSchema : static_cast<std::int32_t>(rng.below(13)) - 4;
  h->zero_threshold = std::bit_cast<double>(rng.next());
  const bool whole = rng.chance(0.5);
  h->zero_count = whole ? static_cast<double>(rng.below(1000)) : -0.0;
  h->count = whole ? 0x1p53 : std::bit_cast<double>(rng.next());
  h->sum = sum;
  random_side(rng, whole, h->positive_spans, h->positive);
  random_side(rng, whole, h->negative_spans, h->negative);
  for (auto n = rng.below(3); n > 0; --n) h->custom_values.push_back(std::bit_cast<double>(rng.next()));
  return h;
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
    Sample& s = b.samples.back().sample;
    if (rng.chance(0.3)) s.start.ms = static_cast<std::int64_t>(rng.next());
    if (rng.chance(0.3)) s.histogram = random_histogram(rng, s.value);
  }
  b.items = random_items(rng);
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
    EXPECT_EQ(a.samples[i].sample.start, b.samples[i].sample.start);
    const auto& x = a.samples[i].sample.histogram;
    const auto& y = b.samples[i].sample.histogram;
    ASSERT_EQ(x != nullptr, y != nullptr);
    if (x) {
      EXPECT_TRUE(x->same_bits(*y));
    }
  }
  EXPECT_EQ(a.items.sessions, b.items.sessions);
  EXPECT_EQ(a.items.check_ins, b.items.check_ins);
  EXPECT_EQ(a.items.feedback, b.items.feedback);
  EXPECT_EQ(a.items.attachments, b.items.attachments);
  EXPECT_EQ(a.items.outcomes, b.items.outcomes);
  EXPECT_EQ(a.items.usage, b.items.usage);
  EXPECT_EQ(a.items.exemplars, b.items.exemplars);
  EXPECT_EQ(a.items.metadata, b.items.metadata);
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

// What version 5 wrote of two samples, byte by byte.
TEST(BatchCodec, VersionFiveHasNeitherStartTimesNorHistograms) {
  ByteWriter out;
  out.u8(5);
  out.u8(0);  // not compressed
  out.varint(7);
  out.zigzag(9'000'000);
  for (int table = 0; table < 3; ++table) out.varint(0);
  out.varint(0);  // series
  out.varint(2);  // samples
  out.zigzag(3);
  out.zigzag(1);
  out.f64(0.5);
  out.zigzag(1);
  out.zigzag(-2);
  out.f64(-8);
  for (int list = 0; list < 6; ++list) out.varint(0);
  const auto back = decode_batch(out.view());
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ(back->samples.size(), 2u);
  EXPECT_EQ(back->samples[0].series, SeriesId{3});
  EXPECT_EQ(back->samples[0].sample.time.ms, 10);
  EXPECT_EQ(back->samples[0].sample.value, 0.5);
  EXPECT_EQ(back->samples[1].series, SeriesId{4});
  EXPECT_EQ(back->samples[1].sample.time.ms, 8);
  EXPECT_EQ(back->samples[1].sample.value, -8);
  EXPECT_EQ(back->samples[1].sample.start.ms, 0);
  EXPECT_EQ(back->samples[1].sample.histogram, nullptr);
}

TEST(BatchCodec, HistogramsThatDoNotFitTheirSpansAreRefused) {
  Batch batch;
  auto h = std::make_shared<Histogram>();
  h->positive_spans = {{0, 2}};
  h->positive = {1, 2};
  h->count = 3;
  batch.samples.push_back({SeriesId{1}, {UnixMillis{1}, 0, {}, h}});
  EXPECT_TRUE(decode_batch(encode_batch(batch)));
  auto broken = std::make_shared<Histogram>(*h);
  broken->positive_spans = {{0, 3}};
  batch.samples[0].sample.histogram = broken;
  EXPECT_FALSE(decode_batch(encode_batch(batch)));
  broken->positive_spans = {{INT32_MAX, 2}};
  EXPECT_FALSE(decode_batch(encode_batch(batch)));
}

TEST(BatchCodec, VersionFourHasNoAttachmentsNorUsageAndVersionThreeNoItems) {
  // A batch without items, as those wrote it: the same bytes without the empty lists.
  Batch batch;
  batch.project = {7};
  batch.received.ns = 5;
  std::string bytes = encode_batch(batch);
  ASSERT_EQ(bytes[0], 7);
  bytes[0] = 6;
  EXPECT_FALSE(decode_batch(bytes)) << "it has more than version 6";
  bytes.resize(bytes.size() - 2);
  ASSERT_TRUE(decode_batch(bytes));
  bytes[0] = 5;
  EXPECT_FALSE(decode_batch(bytes)) << "it has more than version 5";
  bytes.resize(bytes.size() - 2);
  ASSERT_TRUE(decode_batch(bytes));
  bytes[0] = 4;
  EXPECT_FALSE(decode_batch(bytes)) << "it has more than version 4";
  bytes.resize(bytes.size() - 2);
  ASSERT_TRUE(decode_batch(bytes));
  bytes[0] = 3;
  EXPECT_FALSE(decode_batch(bytes)) << "it has more than version 3";
  bytes.resize(bytes.size() - 4);
  const auto back = decode_batch(bytes);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->project, ProjectId{7});
  EXPECT_TRUE(back->items.empty());
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

// Rows as a source writes them: one shape, values out of the line, ids that repeat attributes.
EventRow line_row(Rng& rng) {
  EventRow r;
  const Id128 trace{rng.next(), rng.next()};
  const Id64 span{rng.next()};
  const std::string user = std::to_string(rng.below(1000));
  const double duration = static_cast<double>(rng.below(100'000)) / 1000;
  r.time.ns = static_cast<std::int64_t>(rng.below(1'000'000'000));
  r.message = R"({"level":"INFO","trace_id":")" + trace.hex() + R"(","span_id":")" + span.hex() +
              R"(","user_id":")" + user + R"(","duration_ms":)" + std::to_string(duration) + "}";
  r.set("service", std::string("orders"), AttrKind::label);
  r.set("level", std::string("INFO"), AttrKind::parsed);
  r.set("trace_id", trace.hex(), AttrKind::parsed);
  r.set("span_id", rng.chance(0.1) ? std::string("other") : span.hex(), AttrKind::parsed);
  r.set("user_id", user, AttrKind::parsed);
  r.set("duration_ms", duration, AttrKind::parsed);
  if (rng.chance(0.2)) r.set("exc_info", std::string("a \"quoted\" text that the line has escaped"));
  r.ids.service = "orders";
  r.ids.trace_id = trace;
  r.ids.span_id = span;
  r.ids.user_id = rng.chance(0.1) ? "somebody" : user;
  return r;
}

TEST(BatchCodec, RowsOfOneSourceAreSmallAndSurvive) {
  Rng rng(7);
  Batch batch;
  std::size_t lines = 0;
  for (int i = 0; i < 500; ++i) {
    batch.logs.push_back(line_row(rng));
    lines += batch.logs.back().message.size();
  }
  const std::string bytes = encode_batch(batch);
  EXPECT_LT(bytes.size(), lines);
  const auto back = decode_batch(bytes);
  ASSERT_TRUE(back) << back.error().message();
  expect_same(batch, *back);
}

// What a request adds row by row is what its batch as a whole would be.
TEST(BatchCodec, RowsEncodedAsTheyComeSurvive) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Batch batch = random_batch(rng);
    if (rng.chance(0.7)) {
      const Table only = kTables[rng.below(std::size(kTables))];
      for (const Table t : kTables)
        if (t != only) batch.rows(t).clear();
      for (auto n = rng.below(40); n > 0; --n)
        batch.rows(only).push_back(rng.chance(0.5) ? line_row(rng) : random_row(rng));
    }
    BatchEncoder encoder(batch.project, batch.received);
    std::vector<EventRow> moved;  // rows move as a request's list grows
    for (const Table t : kTables) {
      for (const EventRow& row : batch.rows(t)) {
        EventRow here = row;
        encoder.add(t, here);
        moved.push_back(std::move(here));
      }
    }
    if (rng.chance(0.2)) {  // a duplicate goes after it was added
      auto& rows = batch.rows(kTables[rng.below(std::size(kTables))]);
      if (!rows.empty()) rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(rng.below(rows.size())));
    }
    const auto back = decode_batch(encoder.finish(batch));
    ASSERT_TRUE(back) << back.error().message();
    expect_same(batch, *back);
  }
}

TEST(BatchCodec, NumbersKeepTheirBits) {
  Batch batch;
  batch.logs.resize(1);
  int i = 0;
  for (const double v :
       {0.0, -0.0, 1.0, -2.5, 0.1, 7.319, 1e300, -1e-300, 4503599627370.496, 9007199254740.993,
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    batch.logs[0].set("v" + std::to_string(i++), v);
  }
  const auto back = decode_batch(encode_batch(batch));
  ASSERT_TRUE(back);
  for (std::size_t k = 0; k < batch.logs[0].attributes.size(); ++k) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(std::get<double>(batch.logs[0].attributes[k].value)),
              std::bit_cast<std::uint64_t>(std::get<double>(back->logs[0].attributes[k].value)));
  }
}

// What versions 1 and 2 wrote, byte by byte: one row of table logs.
std::string old_bytes(std::uint8_t version, std::uint8_t kind) {
  ByteWriter out;
  out.u8(version);
  out.u8(0);  // not compressed
  out.varint(7);
  out.zigzag(1000);
  out.varint(1);  // logs
  out.varint(7);
  out.zigzag(-5);
  out.zigzag(1);
  std::uint64_t empty = 0;  // the first empty text is a new one
  for (int column = 0; column < 7; ++column) {
    if (column == 2) {
      out.varint(0);
      out.string("shop");
      continue;
    }
    out.varint(empty);
    if (empty == 0) out.string("");
    empty = 1;
  }
  out.u8(1);  // a trace id, no span id
  out.u64(3);
  out.u64(4);
  out.u8(3);  // info
  out.varint(0);
  out.string("hello");
  out.varint(2);  // attributes
  out.varint(0);
  out.string("a");
  out.u8(static_cast<std::uint8_t>(kind << 4));
  out.varint(2);  // the second text: shop
  out.varint(0);
  out.string("yes");
  out.u8(4);  // true
  out.string("payload");
  for (int i = 0; i < 4; ++i) out.varint(0);  // spans, errors, series, samples
  return out.take();
}

TEST(BatchCodec, OlderVersionsAreRead) {
  for (const std::uint8_t version : {1, 2}) {
    SCOPED_TRACE(static_cast<int>(version));
    const std::uint8_t kind = version == 1 ? 0 : 2;
    const auto batch = decode_batch(old_bytes(version, kind));
    ASSERT_TRUE(batch) << batch.error().message();
    ASSERT_EQ(batch->logs.size(), 1u);
    const EventRow& row = batch->logs[0];
    EXPECT_EQ(row.time.ns, 995);
    EXPECT_EQ(row.received.ns, 1001);
    EXPECT_EQ(row.project.value, 7u);
    EXPECT_EQ(row.ids.service, "shop");
    EXPECT_EQ(row.ids.trace_id, (Id128{3, 4}));
    EXPECT_EQ(row.ids.level, Level::info);
    EXPECT_EQ(row.message, "hello");
    EXPECT_EQ(row.payload, "payload");
    ASSERT_EQ(row.attributes.size(), 2u);
    EXPECT_EQ(row.attributes[0], (Attr{"a", std::string("shop"), static_cast<AttrKind>(kind)}));
    EXPECT_EQ(row.attributes[1], (Attr{"yes", true, AttrKind::metadata}));
  }
  EXPECT_FALSE(decode_batch(old_bytes(1, 2)));  // version 1 knew no kinds
}

TEST(BatchCodec, RefusesAnUnknownVersion) {
  std::string bytes = encode_batch(Batch{});
  bytes[0] = 9;
  ASSERT_FALSE(decode_batch(bytes));
  EXPECT_NE(decode_batch(bytes).error().message().find("version 9"), std::string::npos);
}

}  // namespace
}  // namespace telltale::storage
