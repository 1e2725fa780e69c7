// Exemplars and metric families, by project. Exemplars are few (a named number a project, the oldest make
// room) and are asked for by labels, so they stay in memory; a checkpoint writes all of it to one file, which
// is published whole. A file that is damaged is set aside: what it had is only a hint to look at, never a
// number.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "io/file_system.hpp"
#include "storage/derived_store.hpp"
#include "storage/matcher.hpp"

namespace telltale::metricinfo {

struct Exemplar {
  UnixMillis time;
  double value = 0;
  Labels labels;
};

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;  // in the order of time
};

/// Thread-safe.
class MetricInfo final : public storage::DerivedStore {
 public:
  /// `path` is the file's.
  static Result<std::unique_ptr<MetricInfo>> open(io::FileSystem& fs, std::string path, const Clock& clock,
                                                  const Logger& log, MetricsRegistry& metrics);

  /// Of series that all matchers of one of `selectors` hold for, from `min` to `max`.
  std::vector<SeriesExemplars> exemplars(const std::vector<ProjectId>& projects,
                                         const std::vector<std::vector<storage::LabelMatcher>>& selectors,
                                         UnixMillis min, UnixMillis max) const;
  /// By name; several of one name when projects differ. `family` empty: all.
  std::vector<storage::MetadataItem> families(const std::vector<ProjectId>& projects,
                                              std::string_view family) const;

  std::string_view name() const override { return "metricinfo"; }
  storage::Urgency urgency(const storage::Batch& batch) const override;
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override { return Sequence{applied_.load()}; }
  Sequence durable() const override { return Sequence{durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;
  /// The file's problem, if it has one.
  Result<> verify() const;
  const std::string& path() const { return path_; }

 private:
  struct Project {
    std::map<Labels, std::deque<Exemplar>> series;
    std::deque<const Labels*> arrivals;  // keys of `series`, one an exemplar, oldest first
    std::map<std::string, storage::MetadataItem, std::less<>> families;
  };

  MetricInfo(io::FileSystem& fs, std::string path, const Clock& clock, const Logger& log,
             MetricsRegistry& metrics);
  static void add(Project& project, storage::ExemplarItem item);
  static void add(Project& project, storage::MetadataItem item);
  std::string encode(Sequence upto) const TT_REQUIRES(mutex_);
  /// corruption when the bytes are not a file of ours.
  Result<> decode(std::string_view bytes) TT_REQUIRES(mutex_);

  io::FileSystem& fs_;
  const std::string path_;
  const Clock& clock_;
  const Logger& log_;
  Gauge& exemplars_gauge_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::int64_t> last_checkpoint_;
  std::atomic<bool> changed_{false};
  std::atomic<std::size_t> file_bytes_{0};  // that the last checkpoint wrote
  mutable Mutex mutex_;
  std::map<ProjectId, Project> projects_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::metricinfo
