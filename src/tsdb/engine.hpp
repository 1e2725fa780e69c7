// The store itself: an active head, frozen heads that a checkpoint is writing, parts, and the catalog.
//
// Invariants
// 1. What a reader sees is parts ∪ frozen heads ∪ active head; at equal times the later of these wins, and
// within a
//    day's parts the greater order wins.
// 2. The manifest on disk names exactly the files of the state `manifest_`; every other file is an orphan.
// 3. `manifest_` changes only under both `writer_` and `state_` (exclusive), after its publication succeeded.
// 4. No file name is given twice: when the publication of a manifest fails, it may stand on the disk all the
// same,
//    and what it names must stay as it is.
// 5. A frozen head stays until the manifest that replaces it is published; a failed checkpoint leaves it to
// the next.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "tsdb/catalog.hpp"
#include "tsdb/change_log.hpp"
#include "tsdb/head.hpp"
#include "tsdb/manifest.hpp"
#include "tsdb/part.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {

using Parts = std::vector<std::shared_ptr<Part>>;  // sorted by (day, order)
inline constexpr storage::MillisRange kAllTime{UnixMillis{INT64_MIN}, UnixMillis{INT64_MAX}};

struct Selection;

class Engine final : public Tsdb {
 public:
  Engine(io::FileSystem& fs, std::string dir, TsdbOptions options, const Clock& clock, const Logger& log,
         MetricsRegistry& metrics);
  Result<> open();

  std::string_view name() const override { return "tsdb"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    return batch.samples.empty() && batch.new_series.empty() ? storage::Urgency::none : storage::Urgency::now;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override;
  Sequence durable() const override;
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

  Result<SeriesId> resolve(ProjectId project, const Labels& labels,
                           std::vector<storage::SeriesDef>& defs) override;
  void journaled(std::span<const storage::SeriesDef> defs) override;
  Result<std::unique_ptr<storage::SeriesCursor>> select(const storage::SeriesSelect& query,
                                                        WorkContext& context) override;
  Result<storage::SeriesCursors> select_shares(const storage::SeriesSelect& query, std::size_t most,
                                               WorkContext& context) override;
  storage::Changes changes(const storage::Projects& projects, std::uint64_t since) const override;
  Result<std::vector<std::string>> label_names(const storage::LabelQuery& query,
                                               WorkContext& context) override;
  Result<storage::TextList> label_values(std::string_view name, const storage::LabelQuery& query,
                                         WorkContext& context) override;
  Result<std::vector<Labels>> series(const storage::LabelQuery& query, WorkContext& context) override;

  Result<storage::Cardinality> cardinality(const storage::LabelQuery& query, WorkContext& context) override;
  Result<std::uint64_t> delete_samples(const storage::LabelQuery& query, WorkContext& context) override;

  Result<> maintenance() override;
  void set_retention(MetricRetention retention) override;
  void set_series_limits(SeriesLimits limits) override;
  SeriesUse series_use(ProjectId project) const override;
  Result<std::vector<std::string>> verify() override;
  TsdbStats stats() const override;
  Backup backup_files() override;

 private:
  using Frozen = std::vector<std::shared_ptr<const Head>>;  // oldest first
  UnixMillis now_ms() const { return clock_.now().to_millis(); }
  std::string path(std::string_view file) const { return io::join_path(dir_, file); }

  // Opening (engine_open.cpp)
  Result<> load_catalogs(bool& changed);
  Result<> load_parts(bool& changed);
  Result<> remove_orphans();
  void quarantine(const std::string& file, const Error& why);

  // Writing (engine_write.cpp), all under writer_
  std::uint64_t new_file(Manifest& next);
  Result<std::uint64_t> write_catalog(Manifest& next, std::span<const SeriesId> ids);
  /// A part that was just published; no manifest will name one that cannot be opened, and so it is removed.
  Result<std::shared_ptr<Part>> open_written(const PartMeta& meta);
  Result<> write_heads(Manifest& next, const Frozen& heads, Parts& added);
  Result<> write_checkpoint();
  /// `same_samples`: what is added is what was removed.
  Result<> commit(Manifest next, const Parts& added, const std::set<std::uint64_t>& removed_parts,
                  std::size_t frozen_done, bool same_samples = false);
  Result<> set_damaged_aside();
  Result<> merge_parts();
  Result<> drop_series();

  // Keeping for a time (engine_retention.cpp), under writer_
  class SeriesTimes;
  Result<> expire_parts();
  /// `last_ms`: of its day.
  Result<bool> expire_series(const std::shared_ptr<Part>& part, const SeriesTimes& times,
                             std::int64_t last_ms, std::int64_t now);
  std::shared_ptr<const MetricRetention> retention() const;

  // Writing anew (engine_rewrite.cpp), under writer_
  using Edit = std::function<void(SeriesId, SampleRun&)>;
  using Ids = std::vector<SeriesId>;
  /// All of one day, in their order, as one part; nothing is added when no sample is left. `without` (sorted)
  /// are left out unread.
  Result<> rewrite(Manifest& next, const Parts& inputs, const Ids& without, const Edit& edit, Parts& added);

  // Reading (engine_select.cpp, engine_read.cpp)
  Result<std::shared_ptr<Selection>> selection(const storage::SeriesSelect& query, WorkContext& context);
  Result<> for_each_series(const storage::LabelQuery& query, WorkContext& context,
                           const std::function<Result<bool>(const LabelRef&)>& visit);
  /// Values of a label whatever the other labels are.
  Result<storage::TextList> values_of_all(std::string_view name, const storage::LabelQuery& query,
                                          WorkContext& context);
  std::shared_ptr<const ValueOrder> ordered_values(ProjectId project, std::string_view name,
                                                   std::shared_lock<std::shared_mutex>& lock);
  Result<storage::TextList> values_of_project(ProjectId project, std::string_view name,
                                              const storage::MillisRange& range, WorkContext& context);

  io::FileSystem& fs_;
  const std::string dir_;
  const TsdbOptions options_;
  const Clock& clock_;
  const Logger& log_;
  Counter& quarantined_;
  Counter& unknown_series_;
  Counter& created_series_;
  Counter& refused_series_;  // by metrics.max_series
  Counter& refused_churn_;   // by metrics.max_new_series_per_hour
  Counter& expired_;
  Counter& checkpoints_;
  Counter& merges_;

  BlockCache cache_;             // of parts
  std::mutex writer_;            // one checkpoint or maintenance at a time; taken before state_
  std::uint64_t next_file_ = 0;  // guarded by writer_; at least that of every manifest tried
  // Guarded by writer_: of each part, how many of the times of these rules had passed when it was looked
  // through.
  std::shared_ptr<const MetricRetention> looked_by_;
  std::map<std::uint64_t, std::size_t> looked_through_;
  mutable std::mutex retention_mutex_;  // taken last
  std::shared_ptr<const MetricRetention> retention_;
  mutable std::shared_mutex state_;
  // Guarded by state_.
  Manifest manifest_;
  Catalog catalog_;
  std::shared_ptr<Head> head_ = std::make_shared<Head>();  // readers hold on to it
  std::int64_t head_since_ = 0;                            // clock_.steady() of the head's first batch
  Frozen frozen_;
  Parts parts_;
  ChangeLog changes_;
  Sequence applied_;
  std::vector<std::weak_ptr<const void>> holds_;  // of backups: catalogs are not removed while one lives
  std::vector<std::string> held_files_;
};

}  // namespace telltale::tsdb
