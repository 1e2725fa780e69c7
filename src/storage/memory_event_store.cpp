#include "storage/memory_event_store.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "storage/event_aggregate.hpp"
#include "storage/event_fields.hpp"

namespace telltale::storage {

namespace {

class MemoryEventCursor final : public EventCursor {
 public:
  MemoryEventCursor(std::vector<EventRow> rows, WorkContext& context)
      : rows_(std::move(rows)), context_(context) {}

  Result<> next(std::vector<EventRow>& out) override {
    TT_TRY(context_.check());
    out.clear();
    while (next_ < rows_.size() && out.size() < limits::kEventCursorRows)
      out.push_back(std::move(rows_[next_++]));
    return {};
  }

 private:
  std::vector<EventRow> rows_;
  WorkContext& context_;
  std::size_t next_ = 0;
};

}  // namespace

Result<> MemoryEventStore::apply(Sequence sequence, const Batch& batch) {
  MutexLock lock(mutex_);
  if (sequence <= applied_) return {};
  for (const Table table : kTables) {
    const auto& rows = batch.rows(table);
    auto& all = rows_[table];
    all.insert(all.end(), rows.begin(), rows.end());
  }
  applied_ = sequence;
  return {};
}

Sequence MemoryEventStore::applied() const {
  MutexLock lock(mutex_);
  return applied_;
}

Sequence MemoryEventStore::durable() const {
  MutexLock lock(mutex_);
  return durable_;
}

Result<> MemoryEventStore::checkpoint() {
  MutexLock lock(mutex_);
  durable_rows_ = rows_;
  durable_ = applied_;
  return {};
}

void MemoryEventStore::crash() {
  MutexLock lock(mutex_);
  rows_ = durable_rows_;
  applied_ = durable_;
}

Result<MemoryEventStore::Rows> MemoryEventStore::matching(Table table, const Projects& projects,
                                                          TimeRange range, const EventFilter& filter,
                                                          WorkContext& context) const {
  TT_ASSIGN(const CompiledFilter compiled, CompiledFilter::compile(filter));
  TT_TRY(context.check());
  MutexLock lock(mutex_);
  Rows out;
  const auto found = rows_.find(table);
  if (found == rows_.end()) return out;
  for (const EventRow& row : found->second) {
    if (!range.contains(row.time)) continue;
    if (std::find(projects.begin(), projects.end(), row.project) == projects.end()) continue;
    if (compiled.matches(row)) out.push_back(row);
  }
  return out;
}

Result<std::unique_ptr<EventCursor>> MemoryEventStore::select(const EventQuery& query, WorkContext& context) {
  TT_ASSIGN(Rows rows, matching(query.table, query.projects, query.range, query.filter, context));
  std::stable_sort(rows.begin(), rows.end(),
                   [](const EventRow& a, const EventRow& b) { return a.time < b.time; });
  if (query.order == Order::newest_first) std::reverse(rows.begin(), rows.end());
  if (query.limit != 0 && rows.size() > query.limit) rows.resize(query.limit);
  const FieldSet wanted(query.fields);
  for (EventRow& row : rows) {
    EventRow kept;
    wanted.copy(row, kept);
    if (query.with_payload) kept.payload = std::move(row.payload);
    row = std::move(kept);
  }
  return std::make_unique<MemoryEventCursor>(std::move(rows), context);
}

Result<std::vector<EventCount>> MemoryEventStore::count(const EventCountQuery& query, WorkContext& context) {
  TT_ASSIGN(const Rows rows, matching(query.table, query.projects, query.range, query.filter, context));
  EventCounter counter(query);
  for (const EventRow& row : rows) {
    const std::string group = query.group_by.empty() ? "" : field_text(row, query.group_by).value_or("");
    TT_TRY(counter.add(row.time, group, 1));
  }
  return counter.take();
}

Result<std::vector<EventAggregateRow>> MemoryEventStore::aggregate(const EventAggregateQuery& query,
                                                                   WorkContext& context) {
  TT_TRY(check_aggregate(query));
  TT_ASSIGN(const Rows rows, matching(query.table, query.projects, query.range, query.filter, context));
  RowAggregator aggregator(query, context);
  std::uint64_t ordinal = 0;
  for (const EventRow& row : rows) TT_TRY(aggregator.add(row, ordinal++));
  return aggregator.take();
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> MemoryEventStore::fields(const EventQuery& query,
                                                                                    WorkContext& context) {
  TT_ASSIGN(const Rows rows, matching(query.table, query.projects, query.range, query.filter, context));
  FieldCounter counter(query.kind);
  for (const EventRow& row : rows) counter.add(row);
  return counter.take(query.limit);
}

}  // namespace telltale::storage
