// select, count and fields over a snapshot. count() and fields() answer a block from its metadata when the
// whole block is inside the question, and read columns otherwise.
#include <algorithm>

#include "eventdb/engine.hpp"
#include "storage/event_aggregate.hpp"

namespace telltale::eventdb {

namespace {

bool wholly_inside(const BlockFilter& filter, const BlockMeta& block) {
  return block.counted && filter.answered_by_counts() && filter.range().contains(block.min_time) &&
         filter.range().contains(block.max_time);
}

/// The text of `group_by` for the matching rows of a block.
class BlockGroups {
 public:
  static Result<BlockGroups> make(const std::string& field, BlockColumns& block) {
    BlockGroups out;
    if (field.empty()) return out;
    out.column_ = fixed_column(field);
    if (!out.column_) {
      TT_ASSIGN(out.attributes_, block.attributes());
      for (auto& column : out.attributes_->columns)
        if (column.name == field) TT_TRY(block.load(column));
      out.field_ = field;
    } else if (is_int_column(*out.column_)) {
      TT_ASSIGN(out.ints_, block.ints(*out.column_));
    } else {
      TT_ASSIGN(out.strings_, block.strings(*out.column_));
    }
    return out;
  }

  std::string of(std::uint32_t row) const {
    if (ints_ != nullptr) return column_text(*column_, (*ints_)[row]).value_or("");
    if (strings_ != nullptr) return column_text(*column_, strings_->at(row)).value_or("");
    if (attributes_ == nullptr) return "";
    for (std::uint32_t i = attributes_->first_cell[row]; i < attributes_->first_cell[row + 1]; ++i) {
      const auto& cell = attributes_->cells[i];
      const auto& column = attributes_->columns[cell.column];
      if (column.name == field_) return to_string(BlockColumns::value(column, cell.value));
    }
    return "";
  }

 private:
  std::optional<Column> column_;
  std::string field_;
  const std::vector<std::int64_t>* ints_ = nullptr;
  const StringColumn* strings_ = nullptr;
  BlockColumns::Attributes* attributes_ = nullptr;
};

bool grouped_by_counts(const std::string& field) {
  return field.empty() || field == "project" || field == "service" || field == "level";
}

std::string group_of(const BlockCount& count, const std::string& field) {
  if (field == "project") return std::to_string(count.project.value);
  if (field == "service") return count.service;
  if (field == "level")
    return column_text(Column::level, static_cast<std::int64_t>(count.level)).value_or("");
  return "";
}

Result<> count_block(const storage::EventCountQuery& query, const BlockFilter& filter, BlockColumns& block,
                     storage::EventCounter& counter) {
  TT_ASSIGN(const auto rows, filter.run(block));
  if (rows.empty()) return {};
  TT_ASSIGN(const auto* times, block.ints(Column::time));
  TT_ASSIGN(const BlockGroups groups, BlockGroups::make(query.group_by, block));
  for (const std::uint32_t row : rows) TT_TRY(counter.add({(*times)[row]}, groups.of(row), 1));
  return {};
}

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
  TT_ASSIGN(auto cursor,
            RowCursor::make(snapshot(query.table, query.range), std::move(filter), query.order, query.limit,
                            storage::FieldSet(query.fields), query.with_payload, context));
  return cursor;
}

Result<std::vector<storage::EventCount>> Engine::count(const storage::EventCountQuery& query,
                                                       WorkContext& context) {
  TT_TRY(context.check());
  TT_ASSIGN(const BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  storage::EventCounter counter(query);
  const Snapshot from = snapshot(query.table, query.range);
  TT_ASSIGN(const auto head, matching_head_rows(from.head, filter, context));
  for (const HeadRow& row : head) {
    const std::string group = query.group_by.empty() ? "" : field_text(*row.row, query.group_by).value_or("");
    TT_TRY(counter.add(row.row->time, group, 1));
  }
  for (const auto& part : from.parts) {
    TT_ASSIGN(const auto blocks, filter.candidates(*part));
    for (const std::uint32_t number : blocks) {
      TT_TRY(context.check());
      const BlockMeta& meta = part->blocks()[number];
      const bool one_bucket = counter.bucket_of(meta.min_time) == counter.bucket_of(meta.max_time);
      if (wholly_inside(filter, meta) && one_bucket && grouped_by_counts(query.group_by)) {
        for (const BlockCount& count : meta.counts)
          if (filter.count_matches(count))
            TT_TRY(counter.add(meta.min_time, group_of(count, query.group_by), count.rows));
        continue;
      }
      BlockColumns block(part, number, context);
      TT_TRY(count_block(query, filter, block, counter));
    }
  }
  return counter.take();
}

Result<std::vector<storage::EventAggregateRow>> Engine::aggregate(const storage::EventAggregateQuery& query,
                                                                  WorkContext& context) {
  TT_TRY(context.check());
  TT_TRY(storage::check_aggregate(query));
  TT_ASSIGN(BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  std::vector<std::string> wanted;
  // A spelling may stand for any attribute.
  if (!query.any_spelling) {
    wanted = query.group_by;
    for (const storage::Measure& m : query.measures)
      if (!m.field.empty()) wanted.push_back(m.field);
    wanted.emplace_back("project");
  }
  const bool with_payload = std::find(wanted.begin(), wanted.end(), "payload") != wanted.end();
  TT_ASSIGN(auto cursor, RowCursor::make(snapshot(query.table, query.range), std::move(filter),
                                         storage::Order::oldest_first, 0, storage::FieldSet(wanted),
                                         with_payload, context));
  storage::RowAggregator aggregator(query, context);
  EventRow row;
  std::uint64_t ordinal = 0;
  while (true) {
    TT_ASSIGN(const bool more, cursor->next_row(row, ordinal));
    if (!more) return aggregator.take();
    TT_TRY(aggregator.add(row, ordinal));
  }
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> Engine::fields(const storage::EventQuery& query,
                                                                          WorkContext& context) {
  TT_TRY(context.check());
  TT_ASSIGN(const BlockFilter filter, BlockFilter::compile(query.filter, query.projects, query.range));
  storage::FieldCounter counter;
  const Snapshot from = snapshot(query.table, query.range);
  TT_ASSIGN(const auto head, matching_head_rows(from.head, filter, context));
  for (const HeadRow& row : head) counter.add(*row.row);
  for (const auto& part : from.parts) {
    TT_ASSIGN(const auto blocks, filter.candidates(*part));
    for (const std::uint32_t number : blocks) {
      TT_TRY(context.check());
      const BlockMeta& meta = part->blocks()[number];
      BlockColumns block(part, number, context);
      TT_ASSIGN(const BlockColumns::Attributes* attributes, block.attributes());
      const bool every_row = wholly_inside(filter, meta) &&
                             std::all_of(meta.counts.begin(), meta.counts.end(),
                                         [&](const BlockCount& c) { return filter.count_matches(c); });
      if (every_row) {
        for (std::size_t i = 0; i < storage::kFixedFieldCount; ++i)
          counter.add(storage::kFixedFields[i], meta.present[i]);
        for (const auto& column : attributes->columns) counter.add(column.name, column.values);
        continue;
      }
      TT_ASSIGN(const auto rows, filter.run(block));
      const storage::FieldSet everything({});
      EventRow row;
      for (const std::uint32_t r : rows) {
        TT_TRY(block.materialise(r, everything, false, row));
        counter.add(row);
      }
    }
  }
  return counter.take(query.limit);
}

}  // namespace telltale::eventdb
