// An EventStore that keeps rows in a vector and answers every query by looking at all of them: the oracle of
// the embedded engine, and the store of tests that need one. checkpoint() copies the state, so that "crash"
// can fall back to it.
#pragma once

#include <map>
#include <memory>

#include "base/mutex.hpp"
#include "storage/event_store.hpp"

namespace telltale::storage {

/// Thread-safe; a cursor keeps the rows it answers.
class MemoryEventStore final : public EventStore {
 public:
  std::string_view name() const override { return "eventdb"; }
  Result<> apply(Sequence sequence, const Batch& batch) override;
  Sequence applied() const override;
  Sequence durable() const override;
  Result<> checkpoint() override;
  bool wants_checkpoint() const override { return false; }

  Result<std::unique_ptr<EventCursor>> select(const EventQuery& query, WorkContext& context) override;
  Result<std::vector<EventCount>> count(const EventCountQuery& query, WorkContext& context) override;
  Result<std::vector<EventAggregateRow>> aggregate(const EventAggregateQuery& query,
                                                   WorkContext& context) override;
  Result<std::vector<std::pair<std::string, std::uint64_t>>> fields(const EventQuery& query,
                                                                    WorkContext& context) override;

  /// As a crash does: forgets everything after the last checkpoint.
  void crash();

 private:
  using Rows = std::vector<EventRow>;
  /// In order of acceptance.
  Result<Rows> matching(Table table, const Projects& projects, TimeRange range, const EventFilter& filter,
                        WorkContext& context) const;

  mutable Mutex mutex_;
  std::map<Table, Rows> rows_ TT_GUARDED_BY(mutex_);
  Sequence applied_ TT_GUARDED_BY(mutex_);
  std::map<Table, Rows> durable_rows_ TT_GUARDED_BY(mutex_);
  Sequence durable_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::storage
