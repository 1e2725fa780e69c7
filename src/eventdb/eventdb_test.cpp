#include "eventdb/eventdb.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/skeleton.hpp"
#include "io/faulty_file_system.hpp"
#include "storage/event_store_contract.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::eventdb {

namespace {

using storage::Batch;
using storage::EventFilter;
using storage::EventQuery;
using storage::FilterOp;

/// A store on a disk in memory; reopen() is a clean restart.
struct EventDbRig {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FaultyFileSystem> disk = std::make_unique<io::FaultyFileSystem>();
  EventDbOptions options;
  std::unique_ptr<EventDb> db;

  Result<> reopen() {
    db.reset();
    auto opened = open_eventdb(*disk, "data/events", options, clock, log, metrics);
    if (!opened) return tl::unexpected<Error>(std::move(opened).error());
    db = *std::move(opened);
    return {};
  }
};

std::shared_ptr<storage::EventStore> rigged_store() {
  auto rig = std::make_shared<EventDbRig>();
  EXPECT_TRUE(rig->reopen());
  return {rig, rig->db.get()};
}

/// The attributes as a line of JSON: kept as a skeleton where they say all of it.
std::string line_of(const EventRow& row, Rng& rng) {
  std::string out = "{";
  for (const Attr& a : row.attributes) {
    if (out.size() > 1) out += ", ";
    out += "\"" + a.name + "\": ";
    const auto* text = std::get_if<std::string>(&a.value);
    if (text != nullptr) out += "\"";
    const bool fixed = std::holds_alternative<double>(a.value) && rng.chance(0.5);
    append_value(text != nullptr ? 's' : fixed ? '3' : 'r', to_string(a.value), out);
    if (text != nullptr) out += "\"";
  }
  if (rng.chance(0.1)) out += ", \"only\": \"here\"";
  return out + "}";
}

EventRow random_row(Rng& rng) {
  static constexpr std::string_view kWords[] = {"alpha", "Beta", "gamma", "delta 42", "", "timeout"};
  const auto word = [&] { return std::string(kWords[rng.below(std::size(kWords))]); };
  EventRow row;
  row.project.value = static_cast<std::uint32_t>(1 + rng.below(3));
  // Three days, few distinct times: equal ones are the interesting case.
  row.time = UnixNanos::from_seconds(1'700'000'000 + static_cast<std::int64_t>(rng.below(40)) * 5000);
  row.received = row.time + Nanos(static_cast<std::int64_t>(rng.below(1000)));
  row.message = word() + " " + word();
  row.ids.service = word();
  row.ids.level = static_cast<Level>(rng.below(7));
  if (rng.chance(0.5)) row.ids.trace_id = Id128{1, rng.below(20)};
  if (rng.chance(0.5)) row.ids.span_id = Id64{rng.below(20)};
  if (rng.chance(0.5)) row.ids.request_id = "r" + std::to_string(rng.below(20));
  if (rng.chance(0.2)) row.payload = word();
  if (rng.chance(0.5)) row.set("n", static_cast<std::int64_t>(rng.below(10)));
  if (rng.chance(0.3)) row.set("k" + std::to_string(rng.below(4)), word());
  if (rng.chance(0.3)) row.set("n2", rng.unit());
  if (rng.chance(0.3)) row.set("n3", static_cast<double>(rng.below(10)) / 4, AttrKind::parsed);
  if (rng.chance(0.1)) row.set("n", rng.chance(0.5));
  if (rng.chance(0.3)) row.set("k.1", word(), static_cast<AttrKind>(rng.below(3)));
  if (rng.chance(0.2)) row.set("service", row.ids.service);
  if (rng.chance(0.3)) row.set("timestamp", format_rfc3339(row.time), AttrKind::parsed);
  if (rng.chance(0.1)) row.set("k_1", word(), static_cast<AttrKind>(rng.below(3)));
  if (rng.chance(0.1)) row.set("trace.id", Id128{1, rng.below(20)}.hex(), AttrKind::parsed);
  if (rng.chance(0.1)) row.set("service_name", word(), AttrKind::label);
  if (rng.chance(0.2)) row.set("event_id", Id128{2, rng.below(20)}.hex());
  if (rng.chance(0.1)) row.set("q", std::string("say \"alpha\"\n") + word(), AttrKind::parsed);
  if (rng.chance(0.4)) row.message = line_of(row, rng);
  return row;
}

constexpr std::string_view kFields[] = {"message", "payload",    "project", "level", "service",  "trace_id",
                                        "span_id", "request_id", "n",       "k1",    "event_id", "absent"};

constexpr std::string_view kSpellings[] = {"k_1", "trace_id", "service_name", "detected_level",
                                           "n",   "n3",       "absent"};

EventFilter random_filter(Rng& rng, int depth);

EventFilter random_spelled(Rng& rng) {
  EventFilter f = random_filter(rng, 0);
  if (f.field == "*") return f;
  f.field = kSpellings[rng.below(std::size(kSpellings))];
  f.any_spelling = true;
  if (f.op == FilterOp::eq && rng.chance(0.7)) f.value = spelled_text(random_row(rng), f.field).value_or("");
  return f;
}

EventFilter random_filter(Rng& rng, int depth) {
  if (depth > 0 && rng.chance(0.5)) {
    EventFilter f;
    f.op = static_cast<FilterOp>(rng.below(3));
    for (std::uint64_t i = rng.below(4); i > 0; --i) f.children.push_back(random_filter(rng, depth - 1));
    return f;
  }
  if (depth > 0 && rng.chance(0.3)) return random_spelled(rng);
  if (depth > 0 && rng.chance(0.1))
    return EventFilter::says(rng.chance(0.3) ? "" : std::string(kSpellings[rng.below(std::size(kSpellings))]),
                             rng.chance(0.4));
  const std::string field(kFields[rng.below(std::size(kFields))]);
  switch (rng.below(9)) {
    case 0:
      return EventFilter::leaf(FilterOp::exists, field);
    case 6: {
      std::vector<std::string> values;
      for (std::uint64_t i = rng.below(4); i > 0; --i)
        values.push_back(field_text(random_row(rng), field).value_or(""));
      return EventFilter::one_of(field, std::move(values));
    }
    case 1:
      return EventFilter::leaf(FilterOp::gt, field, std::to_string(rng.below(6)));
    case 2:
      return EventFilter::leaf(FilterOp::le, field, "1.5");
    case 3:
      return EventFilter::leaf(FilterOp::regex, rng.chance(0.3) ? "*" : field,
                               rng.chance(0.5)   ? "^[a-g]"
                               : rng.chance(0.3) ? "2$|^$"
                               : rng.chance(0.3) ? "(?s)alpha [A-Z]+et"
                               : rng.chance(0.3) ? "elta \\d+"
                               : rng.chance(0.3) ? "[0-9]: [0-9]+,"
                               : rng.chance(0.3) ? "alpha[a-z ]*"
                                                 : "alpha.*: ");
    case 4:
      return EventFilter::leaf(FilterOp::icontains, rng.chance(0.3) ? "*" : field, "ET");
    case 5: {
      static constexpr std::string_view kNeedles[] = {
          "al", "alpha", "n1", "\": \"al", "delta 42", "\\nalpha", "0000", " ", "",    "k_1\": ", ".50",
          "5",  "nal",   "00", "n1\": ",   ": 1",      "5, \"",    "5,",   "}", "1, ", "n",       "lpha\""};
      return EventFilter::leaf(FilterOp::contains, field,
                               std::string(kNeedles[rng.below(std::size(kNeedles))]));
    }
    default:
      break;
  }
  const auto text = field_text(random_row(rng), field);
  return EventFilter::leaf(FilterOp::eq, field, text.value_or(""));
}

EventQuery random_query(Rng& rng) {
  EventQuery q;
  q.projects = {ProjectId{1}};
  if (rng.chance(0.5)) q.projects.push_back(ProjectId{3});
  q.filter = random_filter(rng, 3);
  q.order = rng.chance(0.5) ? storage::Order::newest_first : storage::Order::oldest_first;
  if (rng.chance(0.5)) q.limit = 1 + rng.below(30);
  if (rng.chance(0.5))
    q.range.from = UnixNanos::from_seconds(1'700'000'000 + static_cast<std::int64_t>(rng.below(200'000)));
  if (rng.chance(0.3)) q.range.to = q.range.from + std::chrono::hours(rng.below(30));
  if (q.range.from.ns == INT64_MIN) q.range.to = {INT64_MAX};
  q.with_payload = rng.chance(0.5);
  for (std::uint64_t i = rng.chance(0.5) ? 1 + rng.below(4) : 0; i > 0; --i)
    q.fields.emplace_back(kFields[rng.below(std::size(kFields))]);
  return q;
}

storage::EventAggregateQuery random_aggregate(Rng& rng, const EventQuery& q) {
  storage::EventAggregateQuery a;
  a.projects = q.projects;
  a.range = q.range;
  if (rng.chance(0.6)) a.filter = q.filter;
  if (rng.chance(0.6)) a.bucket = std::chrono::minutes(1 + rng.below(2000));
  a.origin = UnixNanos::from_seconds(static_cast<std::int64_t>(rng.below(5000)));
  a.any_spelling = rng.chance(0.4);
  const auto field = [&] {
    return std::string(a.any_spelling ? kSpellings[rng.below(std::size(kSpellings))]
                                      : kFields[rng.below(std::size(kFields))]);
  };
  for (std::uint64_t i = rng.below(4); i > 0; --i) a.group_by.push_back(field());
  for (std::uint64_t i = rng.below(5); i > 0; --i) {
    storage::Measure m{static_cast<storage::MeasureOp>(rng.below(8)), rng.chance(0.7) ? "n" : field(),
                       rng.unit()};
    if (m.op == storage::MeasureOp::count && rng.chance(0.5)) m.field.clear();
    a.measures.push_back(std::move(m));
  }
  return a;
}

void expect_same_aggregates(storage::EventStore& db, storage::EventStore& oracle, Rng& rng,
                            const EventQuery& q, WorkContext& context) {
  const storage::EventAggregateQuery a = random_aggregate(rng, q);
  const auto got = db.aggregate(a, context);
  const auto want = oracle.aggregate(a, context);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_TRUE(want) << want.error().message();
  ASSERT_EQ(got->size(), want->size());
  for (std::size_t i = 0; i < got->size(); ++i) {
    const auto& g = (*got)[i];
    const auto& w = (*want)[i];
    ASSERT_EQ(g.bucket, w.bucket);
    ASSERT_EQ(g.group, w.group);
    ASSERT_EQ(g.values.size(), a.measures.size());
    for (std::size_t m = 0; m < g.values.size(); ++m) {
      if (std::isnan(w.values[m])) {
        ASSERT_TRUE(std::isnan(g.values[m]));
      } else {
        ASSERT_NEAR(g.values[m], w.values[m], 1e-9 * std::abs(w.values[m])) << "measure " << m;
      }
    }
  }
}

void expect_same(storage::EventStore& db, storage::EventStore& oracle, Rng& rng, const Clock& clock) {
  WorkContext context(clock, WorkLimits{});
  const EventQuery q = random_query(rng);
  auto got = storage::collect(db, q, context);
  auto want = storage::collect(oracle, q, context);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_TRUE(want);
  ASSERT_EQ(got->size(), want->size());
  for (std::size_t i = 0; i < got->size(); ++i) ASSERT_TRUE((*got)[i] == (*want)[i]) << "row " << i;
  storage::EventCountQuery c;
  c.projects = q.projects;
  c.range = q.range;
  if (rng.chance(0.6)) c.filter = q.filter;
  c.bucket = rng.chance(0.5) ? Nanos(std::chrono::hours(5)) : Nanos(0);
  static constexpr std::string_view kGroups[] = {"", "level", "service", "n", "trace_id", "project"};
  c.group_by = kGroups[rng.below(std::size(kGroups))];
  auto got_counts = db.count(c, context);
  auto want_counts = oracle.count(c, context);
  ASSERT_TRUE(got_counts) << got_counts.error().message();
  ASSERT_EQ(got_counts->size(), want_counts->size());
  for (std::size_t i = 0; i < got_counts->size(); ++i) {
    ASSERT_EQ((*got_counts)[i].bucket, (*want_counts)[i].bucket);
    ASSERT_EQ((*got_counts)[i].group, (*want_counts)[i].group);
    ASSERT_EQ((*got_counts)[i].count, (*want_counts)[i].count);
  }
  expect_same_aggregates(db, oracle, rng, q, context);
  if (::testing::Test::HasFatalFailure()) return;
  EventQuery f = q;
  f.limit = 0;
  if (rng.chance(0.5)) f.filter = {};
  if (rng.chance(0.3)) f.kind = static_cast<AttrKind>(rng.below(3));
  ASSERT_EQ(*db.fields(f, context), *oracle.fields(f, context));
  // What is left of the budget's use are the rows that are kept here.
  std::size_t kept = 0;
  for (const auto* rows : {&*got, &*want})
    for (const EventRow& row : *rows) kept += memory_bytes(row);
  ASSERT_EQ(context.memory_used(), kept);
}

}  // namespace

using storage::EventStoreContract;
INSTANTIATE_TEST_SUITE_P(Embedded, EventStoreContract,
                         ::testing::Combine(::testing::Values(storage::EventStoreMaker{"eventdb",
                                                                                       rigged_store}),
                                            ::testing::Values(0, 1, 2)),
                         [](const auto& test) { return "mode" + std::to_string(std::get<1>(test.param)); });

TEST(EventDbDifferential, AgreesWithThePlainStore) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 3; ++run) {
    EventDbRig rig;
    // Small chunks and blocks: more of them meet.
    if (run > 0) rig.options.chunk_rows = 1 + rng.below(60);
    if (run > 0) rig.options.block_rows = 1 + rng.below(120);
    ASSERT_TRUE(rig.reopen());
    storage::MemoryEventStore oracle;
    for (std::uint64_t sequence = 1; sequence <= 30; ++sequence) {
      Batch batch;
      for (std::uint64_t i = rng.below(12) == 0 ? 400 : rng.below(8); i > 0; --i)
        batch.logs.push_back(random_row(rng));
      ASSERT_TRUE(rig.db->apply(Sequence{sequence}, batch));
      ASSERT_TRUE(oracle.apply(Sequence{sequence}, batch));
      if (rng.chance(0.3)) {
        ASSERT_TRUE(rig.db->checkpoint());
      }
      if (rng.chance(0.1)) {
        ASSERT_TRUE(rig.db->maintenance());
      }
      if (rng.chance(0.1)) {
        ASSERT_TRUE(rig.db->checkpoint());
        ASSERT_TRUE(rig.reopen());
        ASSERT_EQ(rig.db->applied(), Sequence{sequence});
      }
      for (int i = 0; i < 3; ++i) {
        expect_same(*rig.db, oracle, rng, rig.clock);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(EventDbDifferential, MergesThatTakeBlocksOverAgreeWithThePlainStore) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  EventDbRig rig;
  // Texts that differ in every row of blocks as large as these stand in pages.
  rig.options.chunk_rows = 1500;
  rig.options.block_rows = 3000;
  ASSERT_TRUE(rig.reopen());
  storage::MemoryEventStore oracle;
  std::int64_t second = 1'699'930'000;  // all of one day
  for (std::uint64_t sequence = 1; sequence <= 25; ++sequence) {
    Batch batch;
    // In order of time but for a few, as logs are.
    for (int i = 0; i < 800; ++i, second += rng.chance(0.5) ? 1 : 0) {
      EventRow row = random_row(rng);
      row.time = UnixNanos::from_seconds(second - (rng.chance(0.0002) ? 300 : 0));
      row.message = row.payload = std::to_string(rng.next()) + " and " + std::to_string(rng.next());
      row.ids.request_id = "r" + std::to_string(rng.below(3000));
      batch.logs.push_back(std::move(row));
    }
    ASSERT_TRUE(rig.db->apply(Sequence{sequence}, batch));
    ASSERT_TRUE(oracle.apply(Sequence{sequence}, batch));
    if (sequence % 2 == 0) {
      ASSERT_TRUE(rig.db->checkpoint());
    }
    if (sequence % 8 == 0) {
      ASSERT_TRUE(rig.db->maintenance());
    }
  }
  ASSERT_TRUE(rig.db->checkpoint());
  ASSERT_TRUE(rig.db->maintenance());
  EXPECT_GT(rig.metrics.counter("telltale_eventdb_copied_blocks_total", "").value(), 0u);
  ASSERT_TRUE(rig.reopen());
  ASSERT_TRUE(rig.db->verify()->damaged.empty());
  WorkContext context(rig.clock, WorkLimits{});
  EventQuery q;
  q.projects = {ProjectId{1}, ProjectId{2}, ProjectId{3}};
  for (int i = 0; i < 200; ++i) {
    q.filter =
        EventFilter::leaf(FilterOp::eq, i % 2 == 0 ? "request_id" : "trace_id",
                          i % 2 == 0 ? "r" + std::to_string(rng.below(3300)) : Id128{1, rng.below(22)}.hex());
    ASSERT_EQ(*storage::collect(*rig.db, q, context), *storage::collect(oracle, q, context));
  }
  q.filter = {};
  const auto all = storage::collect(*rig.db, q, context);
  ASSERT_EQ(all->size(), 20'000u);
  ASSERT_EQ(*all, *storage::collect(oracle, q, context));
}

TEST(EventDb, ABatchOfOtherThingsThanRowsMovesTheSequence) {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  auto fs = io::make_memory_file_system();
  auto db = open_eventdb(*fs, "events", {}, clock, log, metrics);
  ASSERT_TRUE(db);
  storage::Batch batch;
  batch.row_bytes = 300;  // sessions and check-ins weigh something, too
  ASSERT_TRUE((*db)->apply(Sequence{1}, batch));
  EXPECT_EQ((*db)->applied(), Sequence{1});
  EXPECT_EQ((*db)->stats().head_rows, 0u);
}

TEST(EventDb, ASearchWhosePatienceEndsGoesOnWhereItWas) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  EventDbRig rig;
  rig.options.chunk_rows = 20;
  rig.options.block_rows = 50;
  ASSERT_TRUE(rig.reopen());
  storage::MemoryEventStore oracle;
  for (std::uint64_t sequence = 1; sequence <= 12; ++sequence) {
    Batch batch;
    for (int i = 0; i < 30; ++i) batch.logs.push_back(random_row(rng));
    ASSERT_TRUE(rig.db->apply(Sequence{sequence}, batch));
    ASSERT_TRUE(oracle.apply(Sequence{sequence}, batch));
    if (sequence % 5 == 0) {
      ASSERT_TRUE(rig.db->checkpoint());
    }
  }
  WorkContext context(rig.clock, {std::chrono::hours(1), std::size_t{256} << 20});
  for (const auto order : {storage::Order::newest_first, storage::Order::oldest_first}) {
    EventQuery q;
    q.projects = {ProjectId{1}, ProjectId{2}, ProjectId{3}};
    q.order = order;
    q.filter = EventFilter::leaf(FilterOp::contains, "message", "alpha");
    const auto whole = storage::collect(oracle, q, context);
    ASSERT_TRUE(whole);
    ASSERT_GT(whole->size(), 20u);
    q.patience = Nanos(1);
    std::vector<EventRow> found;
    int pieces = 0;
    for (bool more = true; more; ++pieces) {
      ASSERT_LT(pieces, 1000);
      const auto cursor = rig.db->select(q, context);
      ASSERT_TRUE(cursor);
      rig.clock.advance(std::chrono::milliseconds(1));
      std::vector<EventRow> some;
      do {
        ASSERT_TRUE((*cursor)->next(some));
        found.insert(found.end(), some.begin(), some.end());
      } while (!some.empty());
      const auto reached = (*cursor)->reached();
      more = reached.has_value();
      if (!more) break;
      // What is of this very time comes again.
      std::erase_if(found, [&](const EventRow& row) {
        return order == storage::Order::newest_first ? row.time <= *reached : row.time >= *reached;
      });
      if (order == storage::Order::newest_first) {
        ASSERT_LT(reached->ns + 1, q.range.to.ns);
        q.range.to = *reached + Nanos(1);
      } else {
        ASSERT_GT(*reached, q.range.from);
        q.range.from = *reached;
      }
    }
    EXPECT_GT(pieces, 3);
    EXPECT_EQ(found, *whole);
  }
}

TEST(EventDbCrash, EveryRowExactlyOnceWhereverThePowerGoes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr std::uint64_t kBatches = 10;
  const auto batch = [](std::uint64_t sequence) {
    Batch out;
    for (std::uint64_t i = 0; i < 3; ++i) {
      EventRow row;
      row.project.value = 1;
      row.time = UnixNanos::from_seconds(1'700'000'000 + static_cast<std::int64_t>(i * 86'400));
      row.message = std::to_string(sequence) + "." + std::to_string(i);
      out.logs.push_back(row);
    }
    return out;
  };
  for (std::uint64_t k = 1;; ++k) {
    EventDbRig rig;
    rig.disk->power_off_at(k);
    if (rig.reopen()) {
      for (std::uint64_t s = 1; s <= kBatches; ++s) {
        ASSERT_TRUE(rig.db->apply(Sequence{s}, batch(s)));
        if (s % 2 == 0) (void)rig.db->checkpoint();
        if (s % 5 == 0) (void)rig.db->maintenance();
      }
    }
    const bool last = !rig.disk->powered_off();
    const Sequence promised = rig.db ? rig.db->durable() : Sequence{};
    rig.db.reset();
    rig.disk->crash(seed + k);
    auto opened = rig.reopen();
    ASSERT_TRUE(opened) << "call " << k << ": " << opened.error().message();
    ASSERT_GE(rig.db->applied(), promised) << "call " << k;
    for (std::uint64_t s = rig.db->applied().value + 1; s <= kBatches; ++s)
      ASSERT_TRUE(rig.db->apply(Sequence{s}, batch(s)));
    storage::MemoryEventStore oracle;
    for (std::uint64_t s = 1; s <= kBatches; ++s) ASSERT_TRUE(oracle.apply(Sequence{s}, batch(s)));
    for (int round = 0; round < 2; ++round) {
      WorkContext context(rig.clock, WorkLimits{});
      EventQuery q;
      q.projects = {ProjectId{1}};
      auto got = storage::collect(*rig.db, q, context);
      ASSERT_TRUE(got) << got.error().message();
      ASSERT_EQ(*got, *storage::collect(oracle, q, context)) << "call " << k;
      ASSERT_TRUE(rig.db->checkpoint());
      ASSERT_TRUE(rig.db->maintenance());
      ASSERT_TRUE(rig.reopen());
    }
    ASSERT_TRUE(rig.db->stats().quarantined.empty()) << "call " << k;
    if (last) break;
  }
}

TEST(EventDbDamage, EveryFlippedBitIsFoundAndQuarantined) {
  Rng rng(7);
  EventDbRig rig;
  ASSERT_TRUE(rig.reopen());
  Batch batch;
  for (int i = 0; i < 60; ++i) {
    batch.logs.push_back(random_row(rng));
    batch.logs.back().time = UnixNanos::from_seconds(1'700'000'000);
  }
  ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
  ASSERT_TRUE(rig.db->checkpoint());
  const std::string name = rig.db->backup_files().files.at(0);
  const std::string path = "data/events/" + name;
  const std::string bytes = *io::read_file(*rig.disk, path);
  for (std::uint64_t at = 0; at < bytes.size(); at += 13) {
    ASSERT_TRUE(rig.disk->flip_bit(path, at, static_cast<unsigned>(at % 8)));
    auto report = rig.db->verify();
    ASSERT_TRUE(report);
    ASSERT_EQ(report->damaged, std::vector<std::string>{name}) << "byte " << at;
    WorkContext context(rig.clock, WorkLimits{});
    EventQuery q;
    q.projects = {ProjectId{1}, ProjectId{2}, ProjectId{3}};
    ASSERT_TRUE(storage::collect(*rig.db, q, context)->empty());
    // Heal and serve again, through a fresh store on the same disk.
    rig.db.reset();
    const std::string aside = "data/events/quarantine/" + name;
    ASSERT_TRUE(rig.disk->remove(aside));
    ASSERT_TRUE(rig.disk->remove("data/events/MANIFEST"));
    ASSERT_TRUE(rig.reopen());
    ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
    ASSERT_TRUE(rig.db->checkpoint());
    ASSERT_EQ(*io::read_file(*rig.disk, path), bytes);
  }
}

TEST(EventDbDamage, AQueryThatMeetsDamageSaysSoOnceAndTheStoreLives) {
  Rng rng(8);
  EventDbRig rig;
  ASSERT_TRUE(rig.reopen());
  Batch batch;
  for (int i = 0; i < 500; ++i) {
    batch.logs.push_back(random_row(rng));
    batch.logs.back().project.value = 1;
  }
  ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
  ASSERT_TRUE(rig.db->checkpoint());
  const auto files = rig.db->backup_files().files;
  ASSERT_GT(files.size(), 1u);
  ASSERT_TRUE(rig.disk->flip_bit("data/events/" + files[0], 30, 1));
  WorkContext context(rig.clock, WorkLimits{});
  EventQuery q;
  q.projects = {ProjectId{1}};
  auto first = storage::collect(*rig.db, q, context);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind(), ErrorKind::corruption);
  EXPECT_NE(first.error().message().find(files[0]), std::string::npos);
  EXPECT_TRUE(storage::collect(*rig.db, q, context));
  ASSERT_TRUE(rig.db->maintenance());
  EXPECT_EQ(rig.db->stats().quarantined, std::vector<std::string>{files[0]});
  ASSERT_TRUE(rig.reopen());
  EXPECT_TRUE(storage::collect(*rig.db, q, context));
}

TEST(EventDbRetention, WholeDaysGo) {
  EventDbRig rig;
  rig.options.retention.tables[Table::logs] = std::chrono::hours(24);
  ASSERT_TRUE(rig.reopen());
  Batch batch;
  batch.logs.resize(1);
  batch.logs[0].project.value = 1;
  batch.logs[0].time = rig.clock.now();
  batch.spans = batch.logs;
  ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
  ASSERT_TRUE(rig.db->checkpoint());
  ASSERT_TRUE(rig.db->maintenance());
  EXPECT_EQ(rig.db->stats().parts, 2u);
  rig.clock.advance(std::chrono::hours(48));
  ASSERT_TRUE(rig.db->maintenance());
  EXPECT_EQ(rig.db->stats().parts, 1u);
  EXPECT_EQ(rig.db->stats().disk_bytes[Table::logs], 0u);
}

TEST(EventDbRetention, AProjectWithATimeOfItsOwnHasPartitionsOfItsOwn) {
  EventDbRig rig;
  const auto hours = [](int n) { return Nanos(std::chrono::hours(n)); };
  rig.options.retention.tables[Table::logs] = hours(24 * 10);
  rig.options.retention.projects[{Table::logs, ProjectId{2}}] = hours(24);
  rig.options.retention.projects[{Table::logs, ProjectId{3}}] = hours(24 * 30);
  ASSERT_TRUE(rig.reopen());
  std::uint64_t sequence = 0;
  const auto write = [&] {
    Batch batch;
    for (std::uint32_t project = 1; project <= 3; ++project) {
      EventRow row;
      row.project.value = project;
      row.time = rig.clock.now();
      batch.logs.push_back(row);
    }
    batch.spans = batch.logs;
    ASSERT_TRUE(rig.db->apply(Sequence{++sequence}, batch));
    ASSERT_TRUE(rig.db->checkpoint());
  };
  const auto projects = [&](Table table) {
    EXPECT_TRUE(rig.db->maintenance());
    EventQuery q;
    q.table = table;
    q.projects = {ProjectId{1}, ProjectId{2}, ProjectId{3}};
    WorkContext context(rig.clock, WorkLimits{});
    std::map<std::uint32_t, int> rows;
    const auto found = storage::collect(*rig.db, q, context);
    EXPECT_TRUE(found);
    for (const auto& row : *found) ++rows[row.project.value];
    return rows;
  };
  using Rows = std::map<std::uint32_t, int>;
  for (int i = 0; i < 6; ++i) write();  // enough for a merge, which keeps the classes apart
  EXPECT_EQ(projects(Table::logs), (Rows{{1, 6}, {2, 6}, {3, 6}}));
  EXPECT_LE(rig.db->stats().parts, 12u) << "merged";
  rig.clock.advance(hours(49));
  EXPECT_EQ(projects(Table::logs), (Rows{{1, 6}, {3, 6}}));
  ASSERT_TRUE(rig.reopen());
  rig.clock.advance(hours(24 * 10));
  EXPECT_EQ(projects(Table::logs), (Rows{{3, 6}}));
  EXPECT_EQ(projects(Table::spans), (Rows{{1, 6}, {2, 6}, {3, 6}})) << "another table";
  // Without its own time the project's old partitions follow the table's.
  rig.db->set_retention({{{Table::logs, hours(24 * 10)}}, {}, {}});
  EXPECT_EQ(projects(Table::logs), Rows{});
}

TEST(EventDbRetention, OldestDayOfOneTableGoesForTheBudget) {
  EventDbRig rig;
  ASSERT_TRUE(rig.reopen());
  for (std::uint64_t day = 1; day <= 3; ++day) {
    Batch batch;
    batch.logs.resize(1);
    batch.logs[0].project.value = 1;
    batch.logs[0].time = rig.clock.now();
    batch.logs[0].message = "day " + std::to_string(day);
    batch.spans = batch.logs;
    ASSERT_TRUE(rig.db->apply(Sequence{day}, batch));
    rig.clock.advance(std::chrono::hours(24));
  }
  ASSERT_TRUE(rig.db->checkpoint());
  const auto left = [&](Table table) {
    WorkContext context(rig.clock, WorkLimits{});
    EventQuery q;
    q.table = table;
    q.projects = {ProjectId{1}};
    q.order = storage::Order::oldest_first;
    std::vector<std::string> messages;
    const auto rows = storage::collect(*rig.db, q, context);
    for (const auto& row : rows.value()) messages.push_back(row.message);
    return messages;
  };
  const auto before = rig.db->stats().disk_bytes[Table::logs];
  const auto freed = rig.db->drop_oldest_day(Table::logs);
  ASSERT_TRUE(freed);
  EXPECT_EQ(rig.db->stats().disk_bytes[Table::logs], before - *freed);
  EXPECT_EQ(left(Table::logs), (std::vector<std::string>{"day 2", "day 3"}));
  EXPECT_EQ(left(Table::spans).size(), 3u);
  EXPECT_GT(rig.db->drop_oldest_day(Table::logs).value(), 0u);
  EXPECT_EQ(rig.db->drop_oldest_day(Table::logs).value(), 0u);  // the newest stays
  ASSERT_TRUE(rig.reopen());
  EXPECT_EQ(left(Table::logs), std::vector<std::string>{"day 3"});
}

}  // namespace telltale::eventdb
