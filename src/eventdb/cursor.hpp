// Rows of a snapshot in order of time. The sources are the head's matching rows (sorted at once, they are
// few) and the blocks of the head and of all parts. A heap holds each unread block under the best time it can
// have, and each read block under its next matching row; a block is read only when it comes to the top. So
// the newest N rows cost the few blocks that hold them, wherever they are.
#pragma once

#include <memory>
#include <queue>
#include <vector>

#include "eventdb/block_filter.hpp"
#include "eventdb/head.hpp"
#include "storage/event_store.hpp"

namespace telltale::eventdb {

/// What queries look at: one moment's head slices and parts of one table.
struct Snapshot {
  std::vector<HeadSlice> head;
  std::vector<std::shared_ptr<const Part>> parts;
};

/// Not thread-safe. Errors: those of the context; corruption when a part turns out damaged.
class RowCursor final : public storage::EventCursor {
 public:
  static Result<std::unique_ptr<RowCursor>> make(Snapshot snapshot, BlockFilter filter, storage::Order order,
                                                 std::size_t limit, storage::FieldSet fields,
                                                 bool with_payload, Nanos patience, WorkContext& context);
  Result<> next(std::vector<EventRow>& out) override;
  std::optional<UnixNanos> reached() const override { return reached_; }

 private:
  struct Source {
    BlockRef ref;
    std::unique_ptr<Block> block;     // null: not read yet
    std::vector<std::uint32_t> rows;  // matching, in the cursor's order
    std::size_t position = 0;
  };
  struct Entry {
    std::int64_t time = 0;
    std::uint64_t ordinal = 0;
    std::size_t source = 0;
  };
  struct Later {
    bool newest_first;
    bool operator()(const Entry& a, const Entry& b) const {
      if (newest_first) return a.time != b.time ? a.time < b.time : a.ordinal < b.ordinal;
      return a.time != b.time ? a.time > b.time : a.ordinal > b.ordinal;
    }
  };
  RowCursor(Snapshot snapshot, BlockFilter filter, storage::Order order, std::size_t limit,
            storage::FieldSet fields, bool with_payload, Nanos patience, WorkContext& context);
  Result<> start();
  /// Whether patience has ended, and something was looked at that does not come up again.
  bool has_had_enough(const Entry& top) const;
  Result<bool> next_row(EventRow& out);
  Result<> open_block(std::size_t source);
  Result<> push(std::size_t source);

  Snapshot snapshot_;
  const BlockFilter filter_;
  const bool newest_first_;
  const std::size_t limit_;
  const storage::FieldSet fields_;
  const bool with_payload_;
  WorkContext& context_;
  std::vector<HeadRow> head_rows_;
  std::size_t head_position_ = 0;
  std::vector<Source> sources_;
  std::priority_queue<Entry, std::vector<Entry>, Later> heap_;
  std::size_t handed_out_ = 0;
  std::size_t steps_ = 0;
  const Nanos give_up_at_;  // by the steady clock; zero: never
  std::int64_t first_time_ = 0;
  std::optional<UnixNanos> reached_;
};

/// The matching rows of the head that are not columns yet, unsorted.
Result<std::vector<HeadRow>> matching_head_rows(const std::vector<HeadSlice>& slices,
                                                const BlockFilter& filter, WorkContext& context);
/// Blocks of the snapshot, in the head and in parts, that may hold matching rows.
Result<std::vector<BlockRef>> candidate_blocks(const Snapshot& snapshot, const BlockFilter& filter,
                                               WorkContext& context);

}  // namespace telltale::eventdb
