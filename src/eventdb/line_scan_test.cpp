// Searching thousands of JSON lines, whose texts are too many for dictionaries, against the plain store.
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/skeleton.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::eventdb {
namespace {

using storage::EventFilter;
using storage::FilterOp;

/// A line with texts of its own in every row, its fields read out of it.
EventRow line_row(Rng& rng, std::int64_t number) {
  static constexpr std::string_view kPieces[] = {"moved from ", "related: ", "50 % of ", "\n  at ",
                                                 "say \"no\" ", "C:\\",      "\x1f",     "\xC3\xA9t\xC3\xA9 ",
                                                 "ffff0 ",      "n, "};
  EventRow row;
  row.project.value = 1;
  row.time = UnixNanos::from_seconds(1'700'000'000 + number);
  std::string text = std::to_string(rng.below(1'000'000));
  for (auto n = rng.below(4); n > 0; --n) {
    text += kPieces[rng.below(std::size(kPieces))];
    text += std::to_string(rng.below(1000)) + (rng.chance(0.3) ? ".99" : "");
  }
  const auto set = [&](const char* name, AttrValue v) { row.set(name, std::move(v), AttrKind::parsed); };
  set("msg", text);
  set("id", Id64{rng.next()}.hex());
  set("uuid", "0000aaaa-0000-4000-8000-" + Id64{rng.next()}.hex().substr(4));
  set("ms", static_cast<double>(rng.below(100'000)) / 100);
  set("status", static_cast<std::int64_t>(200 + rng.below(4) * 100));
  set("ok", rng.chance(0.5));
  if (rng.chance(0.2)) set("tags", std::string("[1, \"a, b\"]"));
  const bool spaced = rng.chance(0.5);
  std::string line = "{";
  for (const Attr& a : row.attributes) {
    if (line.size() > 1) line += spaced ? ", " : ",";
    line += "\"" + a.name + (spaced ? "\": " : "\":");
    const auto* s = std::get_if<std::string>(&a.value);
    const bool quoted = s != nullptr && a.name != "tags";
    if (quoted) line += '"';
    const char mode = quoted ? 's' : std::holds_alternative<double>(a.value) && rng.chance(0.5) ? '2' : 'r';
    append_value(mode, to_string(a.value), line);
    if (quoted) line += '"';
  }
  row.message = line + "}";
  return row;
}

std::uint64_t rows_with(storage::EventStore& store, const EventFilter& filter, const Clock& clock) {
  WorkContext context(clock, WorkLimits{});
  storage::EventCountQuery q;
  q.projects = {ProjectId{1}};
  q.filter = filter;
  const auto counts = store.count(q, context);
  EXPECT_TRUE(counts);
  return counts && !counts->empty() ? counts->front().count : 0;
}

TEST(LineScan, AgreesWithThePlainStore) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  const auto disk = io::make_memory_file_system();
  auto db = open_eventdb(*disk, "data/events", {}, clock, log, metrics);
  ASSERT_TRUE(db);
  storage::MemoryEventStore oracle;
  storage::Batch batch;
  for (int i = 0; i < 3000; ++i) batch.logs.push_back(line_row(rng, i));
  ASSERT_TRUE((*db)->apply(Sequence{1}, batch));
  ASSERT_TRUE((*db)->checkpoint());
  ASSERT_TRUE(oracle.apply(Sequence{1}, batch));
  std::vector<EventFilter> filters;
  for (const char* needle :
       {"oved fr", "lated: ",  "related: 4", "ffff0", "n0",      "n1",     "00",        "0",
        "f",       "u001f",    "1f7",        "\\n",   "\\u001f", "9\",",   "99",        ".50",
        "50,",     ": 200",    ":200",       "true,", "\":",     "C:",     "\\\\",      "\xC3\xA9",
        "% of",    ", ",       "a, b",       "1, ",   "n  at",   "no\\\"", "aaaa-0000", "-4000-8000-",
        "status",  "atus\":5", ".0",         "0}",    "e}",      "20."}) {
    filters.push_back(EventFilter::leaf(FilterOp::contains, "message", needle));
    filters.push_back(EventFilter::leaf(FilterOp::icontains, "message", needle));
  }
  for (const char* regex :
       {"(?s)moved from 4[0-9]+\\.99", "moved from 4[0-9]+", "related: \\d+", "related: \\d+\"",
        "ffff0 [0-9]", "at 9\\d*", "b\"\\]+", "a, b", "200,+", "status.*true", "ms\":[ ]?1[0-9]",
        "say [^ ]+ 1", "n  at 5", "moved from [0-9]+[a-z]", "^\\{\"msg", "50 % of [0-9]+\\.9+"})
    filters.push_back(EventFilter::leaf(FilterOp::regex, "message", regex));
  for (const EventFilter& filter : filters)
    EXPECT_EQ(rows_with(**db, filter, clock), rows_with(oracle, filter, clock))
        << static_cast<int>(filter.op) << " " << filter.value;
}

}  // namespace
}  // namespace telltale::eventdb
