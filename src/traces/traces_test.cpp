// Trace lists and service reports over random spans, each compared with the obvious computation over a plain
// list.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "storage/memory_event_store.hpp"
#include "traces/service_stats.hpp"
#include "traces/span_facts.hpp"
#include "traces/trace_list.hpp"

namespace telltale::traces {
namespace {

constexpr std::int64_t kBaseNs = 1'700'000'000'000'000'000;

std::uint64_t printed_seed() {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

EventRow span_row(std::string_view kind, bool parent, std::string_view status) {
  EventRow row;
  row.set(std::string(attr::kSpanKind), std::string(kind));
  if (parent) row.set(std::string(attr::kParentSpanId), std::string("00000000000000aa"));
  row.set(std::string(attr::kSpanStatus), std::string(status));
  return row;
}

TEST(SpanFacts, SayWhatAnEntryIs) {
  EXPECT_TRUE(is_entry(span_row("server", true, "ok")));
  EXPECT_TRUE(is_entry(span_row("consumer", true, "ok")));
  EXPECT_TRUE(is_entry(span_row("internal", false, "ok")));
  EXPECT_FALSE(is_entry(span_row("internal", true, "ok")));
  EXPECT_FALSE(is_entry(span_row("client", false, "ok")));
  EXPECT_FALSE(is_entry(span_row("producer", false, "ok")));
  EventRow transaction = span_row("", true, "ok");
  transaction.set(std::string(attr::kIsTransaction), true);
  EXPECT_TRUE(is_entry(transaction));
}

TEST(SpanFacts, SayWhatFailed) {
  EXPECT_TRUE(is_failed(span_row("server", false, "error")));
  EXPECT_TRUE(is_failed(span_row("server", false, "internal_error")));
  EXPECT_FALSE(is_failed(span_row("server", false, "not_found")));
  EXPECT_FALSE(is_failed(span_row("server", false, "unset")));
  EventRow status = span_row("server", false, "unset");
  status.set("http.response.status_code", std::int64_t{503});
  EXPECT_TRUE(is_failed(status));
  status.set("http.response.status_code", std::string("500"));
  EXPECT_TRUE(is_failed(status));
  status.set("http.response.status_code", std::int64_t{404});
  EXPECT_FALSE(is_failed(status));
}

class SpansTest : public ::testing::Test {
 protected:
  /// Traces of one to six spans, starting within `seconds`.
  void fill(std::size_t traces, std::int64_t seconds) {
    Rng rng(printed_seed());
    for (std::size_t t = 0; t < traces; ++t) {
      const Id128 trace{rng.next(), rng.next()};
      const auto start =
          kBaseNs + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(seconds) * 1'000'000'000));
      const std::size_t spans = 1 + rng.below(6);
      for (std::size_t s = 0; s < spans; ++s) add_span(rng, trace, start, s);
    }
    storage::Batch batch;
    batch.project.value = 1;
    batch.spans = rows_;
    ASSERT_TRUE(store_.apply(Sequence{1}, batch));
  }

  void add_span(Rng& rng, Id128 trace, std::int64_t start, std::size_t number) {
    constexpr const char* kKinds[] = {"server", "client", "internal", "consumer", "producer"};
    constexpr const char* kStatuses[] = {"ok", "unset", "error", "not_found", "unset", "ok", "ok"};
    EventRow row = span_row(kKinds[rng.below(5)], number != 0 || rng.chance(0.1), kStatuses[rng.below(7)]);
    row.project.value = rng.chance(0.05) ? 2 : 1;
    row.time.ns = start + (number == 0 ? 0 : static_cast<std::int64_t>(rng.below(20'000'000'000)));
    row.ids.trace_id = trace;
    row.ids.span_id = Id64{rng.next() | 1};
    row.ids.service = "s" + std::to_string(rng.below(4));
    const bool late = row.time.ns > kBaseNs + 1'500'000'000'000;
    if (rng.chance(0.9)) row.ids.release = late && rng.chance(0.5) ? "r2" : "r1";
    row.message = "op" + std::to_string(rng.below(9));
    row.set(std::string(attr::kDurationNs), static_cast<std::int64_t>(rng.below(3'000'000'000)));
    rows_.push_back(std::move(row));
  }

  static TimeRange range(std::int64_t from_s, std::int64_t to_s) {
    return {{kBaseNs + from_s * 1'000'000'000}, {kBaseNs + to_s * 1'000'000'000}};
  }

  /// What list_traces() must answer, one line a trace.
  std::vector<std::string> expected(const TraceQuery& query) const {
    const auto filter = storage::CompiledFilter::compile(query.filter);
    std::map<Id128, std::vector<EventRow>> traces;
    std::set<Id128> matching;
    for (const auto& row : rows_) {
      if (row.project.value != 1) continue;
      traces[row.ids.trace_id].push_back(row);
      if (query.range.contains(row.time) && filter->matches(row)) matching.insert(row.ids.trace_id);
    }
    std::vector<TraceSummary> all;
    for (const Id128& id : matching) {
      TraceSummary sum;
      sum.id = id;
      sum.start.ns = INT64_MAX;
      std::int64_t end = INT64_MIN;
      const EventRow* root = nullptr;
      std::set<std::string> services;
      auto& spans = traces[id];
      std::sort(spans.begin(), spans.end(), [](const EventRow& a, const EventRow& b) {
        return std::tie(a.time, a.ids.span_id) < std::tie(b.time, b.ids.span_id);
      });
      for (const auto& span : spans) {
        sum.start = std::min(sum.start, span.time);
        end = std::max(end, (span.time + duration_of(span)).ns);
        sum.error_count += is_failed(span) ? 1 : 0;
        services.insert(span.ids.service);
        if (root == nullptr && span.find(attr::kParentSpanId) == nullptr) root = &span;
      }
      if (root == nullptr) root = &spans.front();
      sum.span_count = spans.size();
      sum.duration = Nanos(end - sum.start.ns);
      sum.root_name = root->message;
      sum.root_service = root->ids.service;
      sum.services.assign(services.begin(), services.end());
      if (query.errors_only && sum.error_count == 0) continue;
      if (query.min_duration && sum.duration < *query.min_duration) continue;
      if (query.max_duration && sum.duration > *query.max_duration) continue;
      all.push_back(std::move(sum));
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.start != b.start ? a.start > b.start : a.id > b.id;
    });
    if (all.size() > query.limit) all.resize(query.limit);
    std::vector<std::string> lines;
    for (const auto& sum : all) lines.push_back(line(sum));
    return lines;
  }
  static std::string line(const TraceSummary& t) {
    std::string text = t.id.hex() + " " + std::to_string(t.start.ns) + "+" +
                       std::to_string(t.duration.count()) + " " + t.root_service + "/" + t.root_name + " " +
                       std::to_string(t.span_count) + "/" + std::to_string(t.error_count);
    for (const auto& service : t.services) text += " " + service;
    return text;
  }

  FakeClock clock_;
  WorkContext context_{clock_, WorkLimits{}};
  storage::MemoryEventStore store_;
  std::vector<EventRow> rows_;
};

TEST_F(SpansTest, FiltersMeanWhatThePredicatesSay) {
  fill(300, 1000);
  const auto entry = storage::CompiledFilter::compile(entry_filter());
  const auto failed = storage::CompiledFilter::compile(failed_filter());
  ASSERT_TRUE(entry && failed);
  for (const auto& row : rows_) {
    EXPECT_EQ(entry->matches(row), is_entry(row));
    EXPECT_EQ(failed->matches(row), is_failed(row));
  }
}

TEST_F(SpansTest, ListEqualsGroupingByHand) {
  fill(900, 3000);
  using storage::EventFilter;
  const std::vector<EventFilter> filters = {EventFilter{},
                                            EventFilter::leaf(storage::FilterOp::eq, "service", "s1"),
                                            EventFilter::leaf(storage::FilterOp::eq, "message", "op3"),
                                            EventFilter::leaf(storage::FilterOp::eq, "message", "nothing")};
  for (const auto& filter : filters) {
    for (int kind = 0; kind < 5; ++kind) {
      TraceQuery query;
      query.projects = {ProjectId{1}};
      query.range = kind % 2 == 0 ? range(0, 3100) : range(700, 1300);
      query.filter = filter;
      query.limit = kind == 4 ? 5000 : 7;
      query.errors_only = kind == 1 || kind == 3;
      if (kind == 2) query.max_duration = std::chrono::milliseconds(400);
      if (kind == 3) query.min_duration = std::chrono::seconds(19);
      const auto found = list_traces(store_, query, context_);
      ASSERT_TRUE(found) << found.error().message();
      EXPECT_TRUE(found->complete);
      std::vector<std::string> lines;
      for (const auto& trace : found->traces) lines.push_back(line(trace));
      EXPECT_EQ(lines, expected(query)) << "kind " << kind;
    }
  }
}

TEST_F(SpansTest, PagesFollowOneAnotherWithoutGapOrRepetition) {
  fill(150, 3000);
  for (const auto& filter :
       {storage::EventFilter{}, storage::EventFilter::leaf(storage::FilterOp::eq, "service", "s1")}) {
    TraceQuery query;
    query.projects = {ProjectId{1}};
    query.range = range(0, 3100);
    query.filter = filter;
    query.limit = 23;
    std::vector<std::string> listed;
    for (int page = 0; page < 1000; ++page) {
      TraceQuery by_hand = query;
      by_hand.limit = 5000;
      if (query.after) {
        const Nanos overlap = filter.field.empty() ? Nanos(0) : TraceQuery::kPageOverlap;
        by_hand.range.to = std::min(query.range.to, query.after->start + overlap + Nanos(1));
      }
      auto all = expected(by_hand);
      const auto found = list_traces(store_, query, context_);
      ASSERT_TRUE(found) << found.error().message();
      if (query.after) {
        // What comes before the cursor was on an earlier page.
        TraceQuery whole = by_hand;
        whole.after.reset();
        std::vector<std::string> kept;
        const auto everything = list_traces(store_, whole, context_);
        for (const auto& trace : everything->traces) {
          if (std::tie(trace.start, trace.id) < std::tie(query.after->start, query.after->id))
            kept.push_back(line(trace));
        }
        all = std::move(kept);
      }
      if (all.size() > query.limit) all.resize(query.limit);
      std::vector<std::string> lines;
      for (const auto& trace : found->traces) lines.push_back(line(trace));
      ASSERT_EQ(lines, all) << "page " << page;
      listed.insert(listed.end(), lines.begin(), lines.end());
      if (!found->next) break;
      const auto next = TraceCursor::parse(found->next->text());
      ASSERT_TRUE(next && next->start == found->next->start && next->id == found->next->id);
      query.after = next;
    }
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()).size(), listed.size());
    EXPECT_GT(listed.size(), query.limit);
  }
  for (const char* bad : {"", "-", "12", "12-", "12-zz", "x-755f4e55e3a349a4b3690715bb9b3c2e",
                          "-5-755f4e55e3a349a4b3690715bb9b3c2e"})
    EXPECT_FALSE(TraceCursor::parse(bad)) << bad;
}

TEST_F(SpansTest, ServiceReportEqualsCountingByHand) {
  fill(1200, 3000);
  ServiceQuery query;
  query.projects = {ProjectId{1}};
  query.range = range(1400, 2900);
  query.steps = 20;
  const auto report = service_report(store_, query, context_);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->complete);
  std::map<std::string, std::vector<EventRow>> by_service;
  std::map<std::string, std::set<std::string>> earlier;
  for (const auto& row : rows_) {
    if (row.project.value != 1 || !is_entry(row)) continue;
    if (query.range.contains(row.time)) by_service[row.ids.service].push_back(row);
    if (row.time < query.range.from) earlier[row.ids.service].insert(row.ids.release);
  }
  ASSERT_EQ(report->services.size(), by_service.size());
  for (const auto& stats : report->services) {
    const auto& rows = by_service[stats.service];
    ASSERT_EQ(stats.requests, rows.size()) << stats.service;
    EXPECT_EQ(stats.errors, static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), is_failed)));
    std::vector<std::int64_t> durations;
    std::map<std::string, UnixNanos> releases;
    for (const auto& row : rows) {
      durations.push_back(duration_of(row).count());
      if (row.ids.release.empty()) continue;
      const auto at = releases.try_emplace(row.ids.release, row.time).first;
      at->second = std::min(at->second, row.time);
    }
    std::sort(durations.begin(), durations.end());
    const auto p95 = static_cast<double>(
        durations[static_cast<std::size_t>(std::ceil(0.95 * static_cast<double>(durations.size()))) - 1]);
    ASSERT_TRUE(stats.p95);
    EXPECT_NEAR(static_cast<double>(stats.p95->count()), p95, p95 * 0.01 + 1);
    ASSERT_EQ(stats.releases.size(), releases.size());
    for (const auto& release : stats.releases) {
      const UnixNanos first = releases[release.release];
      EXPECT_EQ(release.is_new, !earlier[stats.service].contains(release.release));
      if (release.is_new) {
        EXPECT_EQ(release.first_seen, first);
      } else {
        EXPECT_LE(release.first_seen, first);
        EXPECT_GT(release.first_seen + report->step, first);
      }
    }
    for (std::size_t i = 0; i < report->steps.size(); ++i) {
      std::uint64_t requests = 0, errors = 0;
      for (const auto& row : rows) {
        if (row.time < report->steps[i] || row.time >= report->steps[i] + report->step) continue;
        ++requests;
        errors += is_failed(row) ? 1 : 0;
      }
      EXPECT_EQ(stats.request_steps[i], requests);
      EXPECT_EQ(stats.error_steps[i], errors);
      EXPECT_EQ(stats.p95_steps[i].has_value(), requests > 0);
    }
  }
}

}  // namespace
}  // namespace telltale::traces
