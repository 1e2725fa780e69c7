// Queries of the search language on spans: each random one picks the spans that a naive reading picks, and
// the traces listed are theirs, on the naive store and on the embedded engine.
#include "traces/span_conditions.hpp"

#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "io/file_system.hpp"
#include "storage/memory_event_store.hpp"
#include "traces/span_facts.hpp"
#include "traces/trace_list.hpp"

namespace telltale::traces {
namespace {

using search::Comparison;
using search::Condition;
using search::Conditions;
using search::FieldKind;
using search::Pattern;
using search::Tree;

bool compares(const Condition& c, double n) {
  const double bound = c.numbers.front();
  switch (c.comparison) {
    case Comparison::greater:
      return n > bound;
    case Comparison::greater_equal:
      return n >= bound;
    case Comparison::less:
      return n < bound;
    case Comparison::less_equal:
      return n <= bound;
    case Comparison::equal:
      break;
  }
  return std::find(c.numbers.begin(), c.numbers.end(), n) != c.numbers.end();
}

bool text_holds(const Condition& c, const std::string& text) {
  if (text.empty()) return false;
  if (c.has) return true;
  if (!c.numbers.empty()) return compares(c, std::atof(text.c_str()));
  return std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) { return p.matches(text); });
}

bool condition_holds(const Condition& c, const EventRow& span) {
  if (c.name.empty())
    return std::all_of(c.values.begin(), c.values.end(), [&](const Pattern& p) {
      return p.found_in(span.message) ||
             std::any_of(span.attributes.begin(), span.attributes.end(),
                         [&](const Attr& a) { return p.found_in(to_string(a.value)); });
    });
  if (c.field != nullptr && c.name == "error") return is_failed(span) == (c.has || c.truth);
  if (c.field != nullptr && c.name == "status")
    for (const Pattern& p : c.values)
      if (p.text() == "error" && is_failed(span)) return true;
  if (c.field != nullptr && c.name == "status" && c.has)
    return !field_text(span, "span.status").value_or("").empty();
  std::vector<std::string> names{c.name};
  if (c.name == "http.status_code")
    names = {"http.response.status_code", "http.status_code"};
  else if (c.field != nullptr)
    names = {std::string(c.field->reads)};
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return text_holds(c, field_text(span, name).value_or(""));
  });
}

bool holds(const Conditions& tree, const EventRow& span) {
  const auto child = [&](const Conditions& c) { return holds(c, span); };
  switch (tree.kind) {
    case Tree::Kind::all:
      return std::all_of(tree.children.begin(), tree.children.end(), child);
    case Tree::Kind::any:
      return std::any_of(tree.children.begin(), tree.children.end(), child);
    case Tree::Kind::none:
      return std::none_of(tree.children.begin(), tree.children.end(), child);
    case Tree::Kind::term:
      break;
  }
  return condition_holds(tree.condition, span);
}

constexpr const char* kTerms[] = {"service:s1",
                                  "service:[s0,s2]",
                                  "service:s*",
                                  "name:GET*",
                                  "name:\"GET /cart\"",
                                  "duration:>1s",
                                  "duration:<=250ms",
                                  "duration:>=2.5s",
                                  "status:error",
                                  "status:ok",
                                  "status:[error,ok]",
                                  "has:error",
                                  "error:false",
                                  "http.status_code:>=500",
                                  "http.status_code:404",
                                  "http.status_code:[200,5*]",
                                  "has:http.status_code",
                                  "kind:server",
                                  "db.rows:>5",
                                  "db.rows:<2",
                                  "db.system:post*",
                                  "has:db.system",
                                  "cart",
                                  "GET cart",
                                  "postgres",
                                  "gre*ql",
                                  "release:\"\"",
                                  "release:1.0",
                                  "!release:1.0"};

std::string random_terms(Rng& rng, int depth) {
  std::string out;
  for (std::size_t i = 0, n = 1 + rng.below(3); i < n; ++i) {
    if (i > 0) out += rng.chance(0.35) ? " OR " : " ";
    if (depth > 0 && rng.chance(0.3))
      out += (rng.chance(0.4) ? "!(" : "(") + random_terms(rng, depth - 1) + ")";
    else
      out += (rng.chance(0.2) ? "!" : "") + std::string(kTerms[rng.below(std::size(kTerms))]);
    while (out.find("!!") != std::string::npos) out.erase(out.find("!!"), 1);
  }
  return out;
}

EventRow random_span(Rng& rng, Id128 trace) {
  EventRow row;
  row.project = {1};
  row.time = UnixNanos{1'700'000'000'000'000'000 + static_cast<std::int64_t>(rng.below(3'000'000'000'000))};
  row.ids.trace_id = trace;
  row.ids.span_id = Id64{rng.next() | 1};
  row.ids.service = "s" + std::to_string(rng.below(3));
  if (rng.chance(0.5)) row.ids.release = "1.0";
  row.message = rng.chance(0.5) ? "GET /cart" : "SELECT basket";
  row.set(std::string(attr::kDurationNs), static_cast<std::int64_t>(rng.below(12)) * 250'000'000);
  if (rng.chance(0.9)) {
    constexpr const char* kStatuses[] = {"ok", "unset", "error", "internal_error"};
    row.set(std::string(attr::kSpanStatus), std::string(kStatuses[rng.below(4)]));
  }
  if (rng.chance(0.5))
    row.set(std::string(attr::kSpanKind), std::string(rng.chance(0.5) ? "server" : "client"));
  if (rng.chance(0.5)) {
    constexpr std::int64_t kCodes[] = {200, 404, 500, 503};
    row.set(rng.chance(0.5) ? "http.status_code" : "http.response.status_code", kCodes[rng.below(4)]);
  }
  if (rng.chance(0.4)) row.set("db.rows", static_cast<std::int64_t>(rng.below(10)));
  if (rng.chance(0.4)) row.set("db.system", std::string("PostgreSQL"));
  return row;
}

TEST(SpanConditions, EqualReadingSpansOneByOne) {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  FakeClock clock;
  Logger log(clock, LogLevel::error, null_sink());
  MetricsRegistry metrics;
  WorkContext context(clock, WorkLimits{});
  const auto fs = io::make_memory_file_system();
  eventdb::EventDbOptions options;
  options.block_rows = 64;
  options.chunk_rows = 32;
  auto engine = eventdb::open_eventdb(*fs, "events", options, clock, log, metrics).value();
  storage::MemoryEventStore memory;
  storage::Batch batch;
  batch.project = {1};
  for (int t = 0; t < 150; ++t) {
    const Id128 trace{rng.next(), rng.next()};
    for (std::size_t s = 0, n = 1 + rng.below(4); s < n; ++s) batch.spans.push_back(random_span(rng, trace));
  }
  ASSERT_TRUE(memory.apply(Sequence{1}, batch));
  ASSERT_TRUE(engine->apply(Sequence{1}, batch));
  ASSERT_TRUE(engine->checkpoint());

  const auto compare = [&](const std::string& text) {
    const auto where = search::understand(text, {search::Subject::traces, clock.now(), ""});
    ASSERT_TRUE(where) << text << ": " << where.error().message();
    std::set<Id128> by_hand;
    for (const EventRow& span : batch.spans)
      if (holds(*where, span)) by_hand.insert(span.ids.trace_id);
    for (storage::EventStore* store :
         {static_cast<storage::EventStore*>(&memory), static_cast<storage::EventStore*>(engine.get())}) {
      TraceQuery query;
      query.projects = {{1}};
      query.range = {{1'699'999'999'000'000'000}, {1'700'003'001'000'000'000}};
      query.filter = span_filter(*where);
      query.limit = 500;
      const auto found = list_traces(*store, query, context);
      ASSERT_TRUE(found) << text << ": " << found.error().message();
      std::set<Id128> ids;
      for (const TraceSummary& trace : found->traces) ids.insert(trace.id);
      EXPECT_EQ(ids, by_hand) << text;
    }
  };
  for (const char* term : kTerms) compare(term);
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) compare(random_terms(rng, 2));
}

}  // namespace
}  // namespace telltale::traces
