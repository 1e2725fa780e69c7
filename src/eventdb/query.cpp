// select, count, aggregate and fields over a snapshot. What block counts can answer is not read; blocks that
// have to be read are shared between the asking thread and the query pool.
#include <algorithm>
#include <atomic>

#include "eventdb/engine.hpp"
#include "storage/event_aggregate.hpp"

namespace telltale::eventdb {

namespace {

/// Fewer blocks than this are not worth waking threads for.
constexpr std::size_t kBlocksWorthHelp = 4;

bool in_one_bucket(const storage::EventAggregateQuery& query, const BlockMeta& meta) {
  return storage::bucket_start(query, meta.min_time) == storage::bucket_start(query, meta.max_time);
}

Result<> add_fields(const BlockFilter& filter, const BlockRef& ref, WorkContext& context,
                    storage::FieldCounter& counter) {
  static constexpr Column kColumnsOfFields[] = {Column::message,  Column::level,      Column::environment,
                                                Column::release,  Column::service,    Column::host,
                                                Column::trace_id, Column::span_id,    Column::request_id,
                                                Column::user_id,  Column::transaction};
  static_assert(std::size(kColumnsOfFields) == storage::kFixedFieldCount);
  TT_ASSIGN(const auto block, ref.open(context));
  TT_ASSIGN(const Bitmap rows, filter.run(*block, ref.meta()));
  if (rows.none()) return {};
  const bool every_row = rows.all();
  const BlockDirectory& directory = block->directory();
  const auto count = [&](std::string_view name, std::uint32_t number) -> Result<> {
    if (every_row) {
      counter.add(name, directory.columns[number].present);
      return {};
    }
    TT_ASSIGN(Bitmap present, block->presence(number));
    present &= rows;
    counter.add(name, present.count());
    return {};
  };
  const auto wanted = [&](AttrKind kind) { return !counter.kind() || kind == *counter.kind(); };
  for (std::size_t i = 0; !counter.kind() && i < storage::kFixedFieldCount; ++i) {
    const auto number = block->find(kColumnsOfFields[i]);
    if (!number) continue;
    if (kColumnsOfFields[i] != Column::level) {
      TT_TRY(count(storage::kFixedFields[i], *number));
      continue;
    }
    TT_ASSIGN(const auto* levels, block->ints(Column::level));
    std::uint64_t known = 0;
    rows.for_each([&](std::size_t r) { known += (*levels)[r] != 0 ? 1 : 0; });
    counter.add(storage::kFixedFields[i], known);
  }
  for (std::uint32_t c = 0; c < directory.columns.size(); ++c) {
    const ColumnEntry& column = directory.columns[c];
    if (column.is_attribute() && wanted(column.kind)) TT_TRY(count(column.name, c));
  }
  return for_each_residual(*block, rows, [&](std::size_t, const std::vector<Attr>& attributes) {
    for (const Attr& a : attributes)
      if (wanted(a.kind)) counter.add(a.name, 1);
  });
}

/// What the workers of one aggregation share.
struct AggregateWork {
  const storage::EventAggregateQuery& query;
  const BlockFilter& filter;
  const std::vector<BlockRef>& blocks;
  WorkContext& context;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};

  Result<> run(GroupTable& into) {
    while (!failed.load(std::memory_order_relaxed)) {
      const std::size_t i = next.fetch_add(1);
      if (i >= blocks.size()) break;
      if (auto done = add(blocks[i], into); !done) {
        failed.store(true);
        return done;
      }
    }
    return {};
  }

 private:
  Result<> add(const BlockRef& ref, GroupTable& into) {
    TT_TRY(context.check());
    const BlockMeta& meta = ref.meta();
    if (answered_by_block_counts(query) && filter.every_row_by_counts(meta) && in_one_bucket(query, meta))
      return add_block_counts(query, filter, meta, into);
    TT_ASSIGN(const auto block, ref.open(context));
    TT_ASSIGN(const Bitmap rows, filter.run(*block, meta));
    return into.add_block(*block, meta, rows);
  }
};

/// Takes part in an aggregation unless it is over before a thread of the pool is free: nobody waits for a
/// helper that has not begun.
class AggregateHelper {
 public:
  AggregateHelper(const storage::EventAggregateQuery& query, WorkContext& context)
      : table_(std::make_unique<GroupTable>(query, context)) {}

  void run(AggregateWork& work) {
    GroupTable* table = nullptr;
    {
      MutexLock lock(mutex_);
      if (state_ != State::waiting) return;
      state_ = State::running;
      table = table_.get();
    }
    Result<> result = work.run(*table);
    MutexLock lock(mutex_);
    result_ = std::move(result);
    state_ = State::done;
    changed_.notify_all();
  }
  /// What it found; null when it had not begun, and never will. The table must not outlive the query, as the
  /// pool's last reference to the helper may.
  Result<std::unique_ptr<GroupTable>> take() {
    MutexLock lock(mutex_);
    if (state_ == State::waiting) {
      state_ = State::done;
      table_.reset();
      return std::unique_ptr<GroupTable>();
    }
    while (state_ != State::done) changed_.wait(mutex_);
    std::unique_ptr<GroupTable> table = std::move(table_);
    TT_TRY(std::move(result_));
    return table;
  }

 private:
  enum class State : unsigned char { waiting, running, done };
  Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<GroupTable> table_ TT_GUARDED_BY(mutex_);  // used by the helper's thread while it runs
  State state_ TT_GUARDED_BY(mutex_) = State::waiting;
  Result<> result_ TT_GUARDED_BY(mutex_);
};

}  // namespace

Snapshot Engine::snapshot(Table table, TimeRange range) const {
  MutexLock lock(mutex_);
  Snapshot out;
  out.head = head_.slices(table);
  for (const auto& part : parts_) {
    if (part->table() != table || part->damaged()) continue;
    if (day_of(range.from) > part->day() || day_of(range.to) < part->day()) continue;
    out.parts.push_back(part);
  }
  return out;
}

Result<std::unique_ptr<storage::EventCursor>> Engine::select(const storage::EventQuery& query,
                                                             WorkContext& context) {
  TT_TRY(context.check());
  TT_ASSIGN(BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  filter.look_only(std::dynamic_pointer_cast<const BlockPlaces>(query.places));
  TT_ASSIGN(auto cursor,
            RowCursor::make(snapshot(query.table, query.range), std::move(filter), query.order, query.limit,
                            storage::FieldSet(query.fields), query.with_payload, query.patience, context));
  return cursor;
}

Result<std::vector<storage::EventCount>> Engine::count(const storage::EventCountQuery& query,
                                                       WorkContext& context) {
  storage::EventAggregateQuery a;
  a.table = query.table;
  a.projects = query.projects;
  a.range = query.range;
  a.filter = query.filter;
  a.bucket = std::max(query.bucket, Nanos(0));
  if (!query.group_by.empty()) a.group_by.push_back(query.group_by);
  a.measures.push_back({storage::MeasureOp::count, "", 0});
  a.max_groups = query.max_groups;
  auto rows = aggregate(a, context);
  if (!rows) {
    Error error = std::move(rows).error();
    constexpr std::string_view kAggregate = "aggregate by ";
    if (error.kind() == ErrorKind::resource_exhausted && error.message().starts_with(kAggregate))
      error = Error(error.kind(), "count by " + std::string(error.message().substr(kAggregate.size())));
    return tl::unexpected<Error>(std::move(error));
  }
  std::vector<storage::EventCount> out;
  out.reserve(rows->size());
  for (auto& row : *rows)
    out.push_back({row.bucket, row.group.empty() ? std::string() : std::move(row.group[0]),
                   static_cast<std::uint64_t>(row.values[0])});
  return out;
}

Result<> Engine::aggregate_blocks(const storage::EventAggregateQuery& query, const BlockFilter& filter,
                                  const std::vector<BlockRef>& blocks, GroupTable& into,
                                  WorkContext& context) {
  AggregateWork work{query, filter, blocks, context};
  std::vector<std::shared_ptr<AggregateHelper>> helpers;
  const std::size_t wanted =
      blocks.size() < kBlocksWorthHelp ? 0 : std::min(query_helpers_, blocks.size() / 2);
  for (std::size_t i = 0; i < wanted; ++i) {
    auto helper = std::make_shared<AggregateHelper>(query, context);
    // `work` is only touched when the helper was not called off.
    if (!query_pool_.submit([helper, &work] { helper->run(work); })) break;
    helpers.push_back(std::move(helper));
  }
  Result<> result = work.run(into);
  for (const auto& helper : helpers) {
    const auto table = helper->take();
    if (!result) continue;
    if (!table) {
      result = tl::unexpected<Error>(table.error());
    } else if (*table) {
      result = into.merge(**table);
    }
  }
  return result;
}

Result<std::vector<storage::EventAggregateRow>> Engine::aggregate(const storage::EventAggregateQuery& query,
                                                                  WorkContext& context) {
  TT_TRY(context.check());
  TT_TRY(storage::check_aggregate(query));
  TT_ASSIGN(const BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  const Snapshot from = snapshot(query.table, query.range);
  GroupTable table(query, context);
  TT_ASSIGN(const auto head, matching_head_rows(from.head, filter, context));
  for (const HeadRow& row : head) TT_TRY(table.add_row(*row.row, row.ordinal));
  TT_ASSIGN(const auto blocks, candidate_blocks(from, filter, context));
  TT_TRY(aggregate_blocks(query, filter, blocks, table, context));
  return table.take();
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> Engine::fields(const storage::EventQuery& query,
                                                                          WorkContext& context) {
  TT_TRY(context.check());
  TT_ASSIGN(const BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  storage::FieldCounter counter(query.kind);
  const Snapshot from = snapshot(query.table, query.range);
  TT_ASSIGN(const auto head, matching_head_rows(from.head, filter, context));
  for (const HeadRow& row : head) counter.add(*row.row);
  TT_ASSIGN(const auto blocks, candidate_blocks(from, filter, context));
  for (const BlockRef& ref : blocks) {
    TT_TRY(context.check());
    TT_TRY(add_fields(filter, ref, context, counter));
  }
  return counter.take(query.limit);
}

}  // namespace telltale::eventdb
