// What every EventStore must do, as tests that both implementations run:
//   INSTANTIATE_TEST_SUITE_P(Memory, EventStoreContract, ::testing::Values(EventStoreMaker{"memory", []
//   {…}}));
// Each case runs three times: with the rows still in the head, after a checkpoint, and half and half.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "storage/event_store.hpp"

namespace telltale::storage {

struct EventStoreMaker {
  std::string name;
  std::function<std::shared_ptr<EventStore>()> make;
};

class EventStoreContract : public ::testing::TestWithParam<std::tuple<EventStoreMaker, int>> {
 protected:
  static constexpr std::int64_t kStart = 1'700'000'000;

  void SetUp() override { store_ = std::get<0>(GetParam()).make(); }

  static EventRow row(std::int64_t second, std::string message, std::uint32_t project = 1) {
    EventRow r;
    r.project.value = project;
    r.time = UnixNanos::from_seconds(kStart + second);
    r.received = r.time + Nanos(5);
    r.message = std::move(message);
    return r;
  }
  void apply(std::vector<EventRow> rows, Table table = Table::logs) {
    Batch batch;
    batch.project.value = 1;
    batch.rows(table) = std::move(rows);
    ASSERT_TRUE(store_->apply(Sequence{++sequence_}, batch));
    const int mode = std::get<1>(GetParam());
    if (mode == 1 || (mode == 2 && sequence_ % 2 == 1)) {
      ASSERT_TRUE(store_->checkpoint());
    }
  }
  static EventQuery query(EventFilter filter = {}) {
    EventQuery q;
    q.projects = {ProjectId{1}};
    q.filter = std::move(filter);
    q.order = Order::oldest_first;
    return q;
  }
  std::string messages(const EventQuery& q) {
    auto rows = collect(*store_, q, context_);
    if (!rows) return "error: " + rows.error().message();
    std::string out;
    for (const EventRow& r : *rows) out += (out.empty() ? "" : " ") + r.message;
    return out;
  }
  std::string messages(EventFilter filter) { return messages(query(std::move(filter))); }
  static EventFilter leaf(FilterOp op, std::string field, std::string value = {}) {
    return EventFilter::leaf(op, std::move(field), std::move(value));
  }

  FakeClock clock_;
  WorkContext context_{clock_, WorkLimits{}};
  std::shared_ptr<EventStore> store_;
  std::uint64_t sequence_ = 0;
};

TEST_P(EventStoreContract, GivesBackEveryBit) {
  EventRow r = row(1, "a line \xff with bytes");
  r.ids = {"prod", "1.2", "web", "h1", Id128{1, 2}, Id64{3}, "req-1", "u1", "/buy", Level::error};
  r.payload = std::string(5000, 'p');
  r.set("text", "x");
  r.set("empty", std::string());
  r.set("int", std::int64_t{-7});
  r.set("real", 0.1);
  r.set("flag", true);
  apply({r, row(2, "bare")});
  auto q = query();
  q.with_payload = true;
  auto rows = collect(*store_, q, context_);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0], r);
  q.with_payload = false;
  rows = collect(*store_, q, context_);
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[0].payload, "");
}

TEST_P(EventStoreContract, OrderIsTimeThenAcceptance) {
  apply({row(5, "a"), row(5, "b"), row(3, "c")});
  apply({row(5, "d"), row(4, "e")});
  EXPECT_EQ(messages(query()), "c e a b d");
  auto q = query();
  q.order = Order::newest_first;
  EXPECT_EQ(messages(q), "d b a e c");
  q.limit = 3;
  EXPECT_EQ(messages(q), "d b a");
}

TEST_P(EventStoreContract, ProjectsTablesAndRangesConfine) {
  apply({row(1, "one"), row(2, "two", 2), row(3, "three", 3)});
  apply({row(1, "span")}, Table::spans);
  EXPECT_EQ(messages(query()), "one");
  auto q = query();
  q.projects = {ProjectId{1}, ProjectId{3}};
  EXPECT_EQ(messages(q), "one three");
  q.range = {UnixNanos::from_seconds(kStart + 1), UnixNanos::from_seconds(kStart + 3)};
  EXPECT_EQ(messages(q), "one");
  q.projects = {};
  EXPECT_EQ(messages(q), "");
  q = query();
  q.table = Table::spans;
  EXPECT_EQ(messages(q), "span");
}

TEST_P(EventStoreContract, FiltersMeanWhatTheySay) {
  EventRow a = row(1, "Alpha beta");
  a.ids.request_id = "r1";
  a.ids.trace_id = Id128{0xAB, 1};
  a.ids.level = Level::error;
  a.set("n", std::int64_t{10});
  EventRow b = row(2, "beta");
  b.ids.service = "web";
  b.set("n", 2.5);
  b.set("note", "needle here");
  EventRow c = row(3, "gamma");
  c.payload = "Needle in payload";
  apply({a, b});
  apply({c});
  using Op = FilterOp;
  EXPECT_EQ(messages(leaf(Op::eq, "request_id", "r1")), "Alpha beta");
  EXPECT_EQ(messages(leaf(Op::eq, "request_id", "r2")), "");
  EXPECT_EQ(messages(leaf(Op::eq, "trace_id", a.ids.trace_id.hex())), "Alpha beta");
  EXPECT_EQ(messages(leaf(Op::eq, "request_id")), "beta gamma");
  EXPECT_EQ(messages(leaf(Op::eq, "level", "error")), "Alpha beta");
  EXPECT_EQ(messages(leaf(Op::contains, "message", "alpha")), "");
  EXPECT_EQ(messages(leaf(Op::icontains, "message", "ALPHA")), "Alpha beta");
  EXPECT_EQ(messages(leaf(Op::regex, "message", "^(b|g)")), "beta gamma");
  EXPECT_EQ(messages(leaf(Op::gt, "n", "2.5")), "Alpha beta");
  EXPECT_EQ(messages(leaf(Op::ge, "n", "2.5")), "Alpha beta beta");
  EXPECT_EQ(messages(leaf(Op::exists, "n")), "Alpha beta beta");
  EXPECT_EQ(messages(leaf(Op::icontains, "*", "needle")), "beta gamma");
  EXPECT_EQ(messages(leaf(Op::contains, "payload", "Needle")), "gamma");
  EXPECT_EQ(messages({Op::any, "", "", {leaf(Op::eq, "service", "web"), leaf(Op::eq, "request_id", "r1")}}),
            "Alpha beta beta");
  EXPECT_EQ(messages({Op::none, "", "", {leaf(Op::eq, "service", "web")}}), "Alpha beta gamma");
  EXPECT_EQ(messages({Op::any, "", "", {}, {}}), "");
  EXPECT_EQ(messages(EventFilter::one_of("trace_id", {Id128{1, 1}.hex(), a.ids.trace_id.hex()})),
            "Alpha beta");
  EXPECT_EQ(messages(EventFilter::one_of("request_id", {"r1", ""})), "Alpha beta beta gamma");
  EXPECT_EQ(messages(EventFilter::one_of("n", {"2.5", "7"})), "beta");
  EXPECT_EQ(messages(EventFilter::one_of("service", {})), "");
}

TEST_P(EventStoreContract, RowsCarryOnlyTheFieldsAskedFor) {
  EventRow r = row(1, "a line");
  r.ids = {"prod", "1.2", "web", "h1", Id128{1, 2}, Id64{3}, "req-1", "u1", "/buy", Level::error};
  r.payload = "original";
  r.set("n", std::int64_t{-7});
  r.set("other", "x");
  apply({r, row(2, "bare")});
  auto q = query(leaf(FilterOp::eq, "host", "h1"));
  q.fields = {"service", "level", "trace_id", "n", "unknown"};
  EventRow want;
  want.project = r.project;
  want.time = r.time;
  want.ids.service = "web";
  want.ids.level = Level::error;
  want.ids.trace_id = r.ids.trace_id;
  want.set("n", std::int64_t{-7});
  auto rows = collect(*store_, q, context_);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front(), want);
  q.with_payload = true;
  q.fields = {"message", "span_id", "environment", "release", "host", "request_id", "user_id", "transaction"};
  want = r;
  want.received = {};
  want.ids.service.clear();
  want.ids.level = Level::unknown;
  want.ids.trace_id = {};
  want.attributes.clear();
  rows = collect(*store_, q, context_);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->at(0), want);
}

TEST_P(EventStoreContract, BadFiltersNameTheField) {
  EXPECT_NE(messages(leaf(FilterOp::regex, "message", "(")).find("message"), std::string::npos);
  EXPECT_NE(messages(leaf(FilterOp::gt, "took", "fast")).find("took"), std::string::npos);
}

TEST_P(EventStoreContract, CountsByBucketAndGroup) {
  EventRow a = row(0, "a"), b = row(61, "b"), c = row(62, "c");
  a.ids.level = b.ids.level = Level::info;
  a.set("path", "/x");
  apply({a, b});
  apply({c});
  EventCountQuery q;
  q.projects = {ProjectId{1}};
  q.range.from = UnixNanos::from_seconds(kStart - 100);
  const auto text = [&] {
    auto counts = store_->count(q, context_);
    if (!counts) return counts.error().message();
    std::string out;
    for (const auto& n : *counts)
      out += std::to_string(n.bucket.ns / 1'000'000'000 - kStart) + ":" + n.group + "=" +
             std::to_string(n.count) + " ";
    return out;
  };
  EXPECT_EQ(text(), "-100:=3 ");
  q.group_by = "level";
  EXPECT_EQ(text(), "-100:=1 -100:info=2 ");
  q.bucket = std::chrono::seconds(10);
  EXPECT_EQ(text(), "0:info=1 60:=1 60:info=1 ");
  q.group_by = "path";
  EXPECT_EQ(text(), "0:/x=1 60:=2 ");
  q.max_groups = 1;
  EXPECT_FALSE(store_->count(q, context_));
}

TEST_P(EventStoreContract, SpellingsNameAttributesBeforeColumns) {
  EventRow a = row(1, "a"), b = row(2, "b"), c = row(3, "c");
  a.ids.service = "web";
  a.set("http.status", std::int64_t{500}, AttrKind::parsed);
  b.ids.service = "web";
  b.set("service-name", std::string("own"), AttrKind::metadata);
  b.set("http_status", std::string(), AttrKind::label);
  b.set("http.status", std::int64_t{200}, AttrKind::parsed);
  b.set("http/status", std::int64_t{404}, AttrKind::metadata);
  c.ids.level = Level::warning;
  apply({a, b});
  apply({c});
  using Op = FilterOp;
  const auto spelled = [](Op op, std::string field, std::string value = {}) {
    return EventFilter::spelled(op, std::move(field), std::move(value));
  };
  EXPECT_EQ(messages(spelled(Op::eq, "http_status", "500")), "a");
  EXPECT_EQ(messages(spelled(Op::eq, "http_status", "200")), "") << "metadata stands before parsed";
  EXPECT_EQ(messages(spelled(Op::eq, "http_status", "404")), "b") << "an empty label is none";
  EXPECT_EQ(messages(leaf(Op::eq, "http_status", "404")), "");
  EXPECT_EQ(messages(spelled(Op::exists, "http_status")), "a b");
  EXPECT_EQ(messages(spelled(Op::ge, "http_status", "404")), "a b");
  EXPECT_EQ(messages(spelled(Op::eq, "http_status")), "c");
  EXPECT_EQ(messages(spelled(Op::eq, "service_name", "web")), "a");
  EXPECT_EQ(messages(spelled(Op::regex, "service_name", "^(own|web)$")), "a b");
  EXPECT_EQ(messages(spelled(Op::eq, "detected_level", "warning")), "c");
  EXPECT_EQ(messages(spelled(Op::eq, "level", "warning")), "c");
  EXPECT_EQ(messages(spelled(Op::exists, "message")), "") << "the line is no label";
  EventFilter in = EventFilter::one_of("http_status", {"500", ""});
  in.any_spelling = true;
  EXPECT_EQ(messages(in), "a c");
  EXPECT_NE(messages(spelled(Op::contains, "*", "x")).find("error"), std::string::npos);
}

TEST_P(EventStoreContract, AggregatesByBucketAndGroup) {
  const auto with = [](std::int64_t second, std::string path, AttrValue ms) {
    EventRow r = row(second, path);
    r.set("path", path);
    r.set("ms", std::move(ms));
    return r;
  };
  apply({with(1, "/a", 10.0), with(61, "/a", std::int64_t{30}), with(62, "/b", std::string("5")),
         row(63, "bare")});
  apply({with(61, "/a", 20.5), with(62, "/b", std::string("soon")), with(2, "/a", true)});
  EventAggregateQuery q;
  q.projects = {ProjectId{1}};
  q.range.from = UnixNanos::from_seconds(kStart);
  const auto text = [&] {
    auto rows = store_->aggregate(q, context_);
    if (!rows) return "error: " + rows.error().message();
    std::string out;
    for (const auto& r : *rows) {
      out += std::to_string(r.bucket.ns / 1'000'000'000 - kStart) + ":";
      for (const std::string& g : r.group) out += g + "=";
      for (const double v : r.values) out += std::isnan(v) ? "-," : to_string(AttrValue(v)) + ",";
      out += " ";
    }
    return out;
  };
  q.measures = {{MeasureOp::count, "", 0}};
  EXPECT_EQ(text(), "0:7, ");
  q.group_by = {"path"};
  EXPECT_EQ(text(), "0:=1, 0:/a=4, 0:/b=2, ");
  q.measures = {{MeasureOp::count, "ms", 0},   {MeasureOp::sum, "ms", 0},   {MeasureOp::min, "ms", 0},
                {MeasureOp::max, "ms", 0},     {MeasureOp::first, "ms", 0}, {MeasureOp::last, "ms", 0},
                {MeasureOp::distinct, "ms", 0}};
  EXPECT_EQ(text(), "0:=0,-,-,-,-,-,0, 0:/a=4,60.5,10,30,10,20.5,4, 0:/b=2,5,5,5,5,5,2, ");
  q.bucket = std::chrono::seconds(60);
  q.origin = UnixNanos::from_seconds(kStart + 1);
  q.measures = {{MeasureOp::last, "ms", 0}};
  EXPECT_EQ(text(), "1:/a=10, 61:=-, 61:/a=20.5, 61:/b=5, ");
  q.group_by = {"path", "message"};
  q.bucket = Nanos(0);
  q.measures = {{MeasureOp::quantile, "ms", 1}};
  auto rows = store_->aggregate(q, context_);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_NEAR(rows->at(1).values.at(0), 30, 0.3);
  q.max_groups = 2;
  EXPECT_NE(text().find("path, message"), std::string::npos);
  q = {};
  q.projects = {ProjectId{1}};
  EXPECT_NE(text(), "") << "nothing to measure is allowed";
  q.measures = {{MeasureOp::quantile, "ms", 1.5}};
  EXPECT_NE(text().find("error"), std::string::npos);
  EXPECT_EQ(context_.memory_used(), 0u);
}

TEST_P(EventStoreContract, FieldsMostFrequentFirst) {
  EventRow a = row(0, "a"), b = row(1, "b");
  a.ids.service = "web";
  a.set("k", "v");
  b.set("k", std::int64_t{1});
  apply({a});
  apply({b});
  auto fields = store_->fields(query(), context_);
  ASSERT_TRUE(fields);
  const std::vector<std::pair<std::string, std::uint64_t>> want{{"k", 2}, {"message", 2}, {"service", 1}};
  EXPECT_EQ(*fields, want);
}

TEST_P(EventStoreContract, OldSequencesAreNoOps) {
  apply({row(0, "a")});
  Batch again;
  again.logs = {row(0, "again")};
  ASSERT_TRUE(store_->apply(Sequence{1}, again));
  EXPECT_EQ(messages(query()), "a");
  EXPECT_EQ(store_->applied(), Sequence{1});
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(store_->durable(), Sequence{1});
}

TEST_P(EventStoreContract, CursorShowsTheMomentOfSelect) {
  apply({row(0, "a")});
  auto cursor = store_->select(query(), context_);
  ASSERT_TRUE(cursor);
  apply({row(1, "b")});
  ASSERT_TRUE(store_->checkpoint());
  std::vector<EventRow> rows;
  ASSERT_TRUE((*cursor)->next(rows));
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_TRUE((*cursor)->next(rows));
  EXPECT_TRUE(rows.empty());
}

TEST_P(EventStoreContract, CancelledWorkStops) {
  apply({row(0, "a")});
  context_.cancel();
  EXPECT_NE(messages(query()).find("error"), std::string::npos);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EventStoreContract);

}  // namespace telltale::storage
