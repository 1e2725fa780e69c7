// The store itself. Three locks: mutex_ guards what a query takes a snapshot of and is held for moments;
// writer_mutex_ lets one manifest be published at a time and is held by a checkpoint as long as it writes;
// upkeep_mutex_ is held by whatever replaces or removes published parts (merges, erasing, retention), so that
// the parts it began with are still there when it ends, while checkpoints add theirs.
//
// Invariants: (1) parts_ ∪ head_ is exactly the rows of batches 1 … applied_. (2) The manifest on disk names
// parts that hold exactly the rows of batches 1 … durable_. (3) A file the manifest on disk may name is not
// removed.
#pragma once

#include <array>
#include <span>

#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "eventdb/aggregate.hpp"
#include "eventdb/block_merger.hpp"
#include "eventdb/cursor.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/manifest.hpp"
#include "eventdb/part_word_cache.hpp"
#include "eventdb/part_writer.hpp"

namespace telltale::eventdb {

class Engine final : public EventDb {
 public:
  Engine(io::FileSystem& fs, std::string dir, EventDbOptions options, const Clock& clock, const Logger& log,
         MetricsRegistry& metrics);
  ~Engine() override;
  Result<> open();

  std::string_view name() const override { return "eventdb"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    return batch.row_count() == 0 ? storage::Urgency::none : storage::Urgency::now;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override {
    return apply_shared(sequence, std::make_shared<const storage::Batch>(batch));
  }
  Result<> apply_shared(Sequence sequence, std::shared_ptr<const storage::Batch> batch) override;
  Sequence applied() const override;
  Sequence durable() const override;
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

  Result<std::unique_ptr<storage::EventCursor>> select(const storage::EventQuery& query,
                                                       WorkContext& context) override;
  Result<std::vector<storage::EventCount>> count(const storage::EventCountQuery& query,
                                                 WorkContext& context) override;
  Result<std::vector<storage::EventAggregateRow>> aggregate(const storage::EventAggregateQuery& query,
                                                            WorkContext& context) override;
  Result<std::vector<std::pair<std::string, std::uint64_t>>> fields(const storage::EventQuery& query,
                                                                    WorkContext& context) override;
  Result<std::optional<storage::WordGroups>> word_groups(const storage::WordQuery& query,
                                                         WorkContext& context) override;

  Result<> maintenance() override;
  void set_retention(EventRetention retention) override;
  Result<std::uint64_t> drop_oldest_day(Table table) override;
  Result<std::uint64_t> erase(const storage::EraseRequest& request) override;
  Result<VerifyReport> verify() override;
  EventDbStats stats() const override;
  BackupFiles backup_files() override;

 private:
  using Parts = std::vector<std::shared_ptr<Part>>;
  struct Frozen {
    Sequence applied;
    std::array<std::vector<HeadSlice>, std::size(kTables)> slices;
    std::array<std::uint64_t, std::size(kTables)> next_ordinal{};
  };

  Snapshot snapshot(Table table, TimeRange range) const;
  /// What blocks of the table get a word index of; null: nothing.
  const storage::WordIndexing* words_of(Table table) const {
    return options_.words && options_.words->table == table ? &*options_.words : nullptr;
  }
  /// Counts and measures the candidate blocks on this thread and the query pool's.
  Result<> aggregate_blocks(const storage::EventAggregateQuery& query, const BlockFilter& filter,
                            const std::vector<BlockRef>& blocks, GroupTable& into, WorkContext& context);
  Result<> remove_orphans(const std::vector<std::string>& keep);
  Result<> open_parts(const std::vector<std::string>& names);
  Result<> set_aside(const std::string& name);
  Frozen freeze();
  Result<> write_head(const Frozen& frozen, Parts& written) TT_REQUIRES(writer_mutex_);
  Result<std::shared_ptr<Part>> write_part(Table table, std::int64_t day, RetentionClass kept,
                                           std::vector<MergeInput> inputs);
  std::string new_part_name(Table table, std::int64_t day, RetentionClass kept);
  /// Publishes a manifest that names `parts`; on success `gone` lose their files when their readers are done.
  Result<> publish(Sequence applied, const std::array<std::uint64_t, std::size(kTables)>& ordinals,
                   const Parts& parts, const Parts& gone) TT_REQUIRES(writer_mutex_);
  /// The same sequence, other parts.
  Result<> replace_parts(const Parts& gone, const Parts& fresh) TT_REQUIRES(upkeep_mutex_)
      TT_EXCLUDES(writer_mutex_);
  Result<> drop_expired() TT_REQUIRES(upkeep_mutex_);
  Result<> quarantine_damaged() TT_REQUIRES(upkeep_mutex_) TT_EXCLUDES(writer_mutex_);
  Result<> merge_small() TT_REQUIRES(upkeep_mutex_);
  Result<> merge(const Parts& inputs) TT_REQUIRES(upkeep_mutex_);
  /// The part without the rows that match, null when none is left; `gone` counts them. The same part when
  /// none matches.
  Result<std::shared_ptr<Part>> without(const std::shared_ptr<Part>& part,
                                        const storage::EraseRequest& request, std::uint64_t& gone)
      TT_REQUIRES(upkeep_mutex_);
  EventRetention retention() const;
  void update_gauges() const;

  // Constant after construction.
  io::FileSystem& fs_;
  const std::string dir_;
  const EventDbOptions options_;
  const Clock& clock_;
  const Logger& log_;
  std::unique_ptr<io::FileLock> lock_;

  const std::size_t query_helpers_;  // threads beside the one that asks

  // Self-synchronised.
  ThreadPool query_pool_;
  PartWordCache word_cache_{kPartWordCacheBytes};
  Gauge& head_rows_gauge_;
  Gauge& head_bytes_gauge_;
  Gauge& parts_gauge_;
  Counter& quarantined_counter_;
  LatencyHistogram& checkpoint_seconds_;
  LatencyHistogram& merge_seconds_;
  Counter& copied_blocks_;

  mutable Mutex upkeep_mutex_;
  mutable Mutex writer_mutex_;  // after upkeep_mutex_
  std::array<std::uint64_t, std::size(kTables)> durable_ordinal_ TT_GUARDED_BY(writer_mutex_){};

  mutable Mutex mutex_;  // after writer_mutex_
  std::uint64_t next_part_ TT_GUARDED_BY(mutex_) = 1;
  Head head_ TT_GUARDED_BY(mutex_);
  Nanos head_since_ TT_GUARDED_BY(mutex_){0};
  std::array<std::uint64_t, std::size(kTables)> next_ordinal_ TT_GUARDED_BY(mutex_){};
  Parts parts_ TT_GUARDED_BY(mutex_);
  Sequence applied_ TT_GUARDED_BY(mutex_);
  Sequence durable_ TT_GUARDED_BY(mutex_);
  std::vector<std::string> quarantined_ TT_GUARDED_BY(mutex_);
  EventRetention retention_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::eventdb
