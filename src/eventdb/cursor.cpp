#include "eventdb/cursor.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kHeadSource = SIZE_MAX;
constexpr std::size_t kRowsBetweenChecks = 1024;

}  // namespace

Result<std::vector<HeadRow>> matching_head_rows(const std::vector<HeadSlice>& slices,
                                                const BlockFilter& filter, WorkContext& context) {
  std::vector<HeadRow> out;
  for (const HeadSlice& slice : slices) {
    if (!slice.chunk || !filter.range().overlaps(slice.min_time, slice.max_time)) continue;
    for (std::size_t i = 0; i < slice.rows; ++i) {
      if (i % kRowsBetweenChecks == 0) TT_TRY(context.check());
      const EventRow& row = *slice.chunk->rows[i];
      if (filter.matches(row)) out.push_back({&row, slice.chunk->first_ordinal + i});
    }
  }
  return out;
}

Result<std::vector<BlockRef>> candidate_blocks(const Snapshot& snapshot, const BlockFilter& filter,
                                               WorkContext& context) {
  std::vector<BlockRef> out;
  for (const HeadSlice& slice : snapshot.head)
    if (slice.block && filter.may_match(*slice.block)) out.push_back({nullptr, slice.block, 0});
  for (const auto& part : snapshot.parts) {
    TT_TRY(context.check());
    TT_TRY(filter.candidates(part, out));
  }
  return out;
}

RowCursor::RowCursor(Snapshot snapshot, BlockFilter filter, storage::Order order, std::size_t limit,
                     storage::FieldSet fields, bool with_payload, Nanos patience, WorkContext& context)
    : snapshot_(std::move(snapshot)),
      filter_(std::move(filter)),
      newest_first_(order == storage::Order::newest_first),
      limit_(limit),
      fields_(std::move(fields)),
      with_payload_(with_payload),
      context_(context),
      heap_(Later{newest_first_}),
      give_up_at_(patience.count() > 0 ? context.clock().steady() + patience : Nanos(0)) {}

Result<std::unique_ptr<RowCursor>> RowCursor::make(Snapshot snapshot, BlockFilter filter,
                                                   storage::Order order, std::size_t limit,
                                                   storage::FieldSet fields, bool with_payload,
                                                   Nanos patience, WorkContext& context) {
  std::unique_ptr<RowCursor> cursor(new RowCursor(std::move(snapshot), std::move(filter), order, limit,
                                                  std::move(fields), with_payload, patience, context));
  TT_TRY(cursor->start());
  return cursor;
}

Result<> RowCursor::start() {
  TT_ASSIGN(head_rows_, matching_head_rows(snapshot_.head, filter_, context_));
  std::sort(head_rows_.begin(), head_rows_.end(), before);
  if (newest_first_) std::reverse(head_rows_.begin(), head_rows_.end());
  TT_TRY(push(kHeadSource));
  TT_ASSIGN(auto blocks, candidate_blocks(snapshot_, filter_, context_));
  sources_.resize(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    sources_[i].ref = std::move(blocks[i]);
    TT_TRY(push(i));
  }
  if (!heap_.empty()) first_time_ = heap_.top().time;
  return {};
}

bool RowCursor::has_had_enough(const Entry& top) const {
  if (give_up_at_.count() == 0 || top.time == first_time_) return false;
  return context_.clock().steady() >= give_up_at_;
}

Result<> RowCursor::push(std::size_t number) {
  if (number == kHeadSource) {
    if (head_position_ == head_rows_.size()) return {};
    const HeadRow& row = head_rows_[head_position_];
    heap_.push({row.row->time.ns, row.ordinal, number});
    return {};
  }
  Source& source = sources_[number];
  if (!source.block) {
    // The best it can have in the range: comes before any row of the same time.
    const BlockMeta& meta = source.ref.meta();
    const TimeRange& range = filter_.range();
    const std::int64_t best = newest_first_ ? std::min(meta.max_time.ns, range.to.ns - 1)
                                            : std::max(meta.min_time.ns, range.from.ns);
    heap_.push({best, newest_first_ ? UINT64_MAX : 0, number});
    return {};
  }
  if (source.position == source.rows.size()) {
    source = Source{};
    return {};
  }
  const std::uint32_t row = source.rows[source.position];
  TT_ASSIGN(const std::int64_t time, source.block->int_at(Column::time, row));
  TT_ASSIGN(const std::int64_t ordinal, source.block->int_at(Column::ordinal, row));
  heap_.push({time, static_cast<std::uint64_t>(ordinal), number});
  return {};
}

Result<> RowCursor::open_block(std::size_t number) {
  TT_TRY(context_.check());
  Source& source = sources_[number];
  TT_ASSIGN(source.block, source.ref.open(context_));
  Block& block = *source.block;
  TT_ASSIGN(const Bitmap rows, filter_.run(block, source.ref.meta()));
  rows.for_each([&source](std::size_t row) { source.rows.push_back(static_cast<std::uint32_t>(row)); });
  if (newest_first_) std::reverse(source.rows.begin(), source.rows.end());
  if (!source.rows.empty()) {
    TT_TRY(block.want(fields_, with_payload_));
  }
  return push(number);
}

Result<bool> RowCursor::next_row(EventRow& out) {
  if (reached_ || (limit_ != 0 && handed_out_ == limit_)) return false;
  while (!heap_.empty()) {
    const bool checks = ++steps_ % kRowsBetweenChecks == 0;
    if (checks) TT_TRY(context_.check());
    const Entry top = heap_.top();
    const bool reads = top.source != kHeadSource && !sources_[top.source].block;
    if ((checks || reads) && has_had_enough(top)) {
      reached_ = UnixNanos{top.time};
      return false;
    }
    heap_.pop();
    if (top.source == kHeadSource) {
      const EventRow& row = *head_rows_[head_position_++].row;
      fields_.copy(row, out);
      if (with_payload_) out.payload = row.payload;
    } else {
      Source& source = sources_[top.source];
      if (!source.block) {
        TT_TRY(open_block(top.source));
        continue;
      }
      TT_TRY(source.block->materialise(source.rows[source.position++], out));
    }
    TT_TRY(push(top.source));
    ++handed_out_;
    return true;
  }
  return false;
}

Result<> RowCursor::next(std::vector<EventRow>& out) {
  TT_TRY(context_.check());
  out.clear();
  EventRow row;
  while (out.size() < limits::kEventCursorRows) {
    TT_ASSIGN(const bool more, next_row(row));
    if (!more) break;
    out.push_back(std::move(row));
  }
  return {};
}

}  // namespace telltale::eventdb
