// For the tests of this folder: the way in up to the stores, on stores in memory.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/ingest.hpp"
#include "io/file_system.hpp"
#include "redact/redactor.hpp"
#include "storage/memory_event_store.hpp"
#include "storage/memory_metric_store.hpp"

namespace telltale::ingest {

class IngestRig : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = io::Journal::open(*disk, "journal", {}, clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    journal = std::move(*opened);
    pipeline = std::make_unique<Pipeline>(
        *journal, std::vector<storage::DerivedStore*>{&events, numbers.get()}, *numbers, [] { return true; },
        clock, log, metrics);
    pipeline->start();
    auto made = redact::Redactor::create({});
    ASSERT_TRUE(made);
    redactor = std::move(*made);
    ingest = std::make_unique<Ingest>(*pipeline, *redactor, clock, metrics, options);
  }
  void TearDown() override {
    journal->stop();
    pipeline->stop();
  }

  /// Once everything acknowledged is applied; oldest first, with payloads.
  std::vector<EventRow> rows_of(ProjectId project, Table table) {
    EXPECT_TRUE(pipeline->wait_applied(journal->durable(), std::chrono::seconds(10)));
    storage::EventQuery query;
    query.table = table;
    query.projects = {project};
    query.order = storage::Order::oldest_first;
    query.with_payload = true;
    WorkContext context(clock, {});
    auto found = storage::collect(events, query, context);
    EXPECT_TRUE(found);
    return found ? std::move(*found) : std::vector<EventRow>{};
  }

  IngestOptions options;  // set before SetUp()
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> disk = io::make_memory_file_system();
  storage::MemoryEventStore events;
  std::unique_ptr<storage::MetricStore> numbers = storage::make_memory_metric_store();
  std::unique_ptr<io::Journal> journal;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<const redact::Redactor> redactor;
  std::unique_ptr<Ingest> ingest;
};

}  // namespace telltale::ingest
