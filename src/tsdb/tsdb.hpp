// The embedded store for numbers behind storage::MetricStore. Samples since the last checkpoint live in a
// head in memory; checkpoint() writes them as an immutable part (or several, one a day) and publishes a
// manifest that names the parts, the series catalog and the newest sequence applied: effect and sequence
// become durable together. maintenance() merges small parts, drops what retention no longer covers and sets
// damaged parts aside.
//
// Format: docs/formats/tsdb.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/upkeep_limits.hpp"
#include "io/file_system.hpp"
#include "storage/metric_store.hpp"

namespace telltale::tsdb {

/// How long samples are kept: by the first rule that holds for their series, else by the series' project,
/// else `keep`. Whole days go: the samples of a UTC day in one maintenance() after the last of them is past
/// its time.
struct MetricRetention {
  struct Rule {
    ProjectId project;                            // 0: every one
    std::vector<storage::LabelMatcher> matchers;  // all must hold
    Nanos keep{};
  };
  Nanos keep{std::chrono::hours(24 * 90)};
  std::map<ProjectId, Nanos> projects;
  std::vector<Rule> rules;
};

/// Of each project. A series that is there goes on over either.
struct SeriesLimits {
  std::size_t max_series = limits::kMaxSeriesPerProject;
  std::size_t max_new_per_hour =
      limits::kMaxNewSeriesPerHour;  // hours of the clock, since the store was opened
};

/// How much of its limits a project has used.
struct SeriesUse {
  std::uint64_t series = 0;
  std::uint64_t new_this_hour = 0;
  SeriesLimits limits;
};

struct TsdbOptions {
  SeriesLimits series;
  std::size_t head_max_bytes = std::size_t{128} << 20;  // wants_checkpoint() above it, about
  Nanos head_max_age{std::chrono::hours(2)};            // … or when the oldest unsaved batch is older
  MetricRetention retention;
  std::size_t block_cache_bytes = std::size_t{64} << 20;  // blocks of parts that were read lately, parsed
  std::size_t least_share_series = 128;         // of a query: fewer are not worth a thread of their own
  std::size_t merge_fan_in = 4;                 // parts of one day and size class that are merged into one
  std::size_t merge_max_samples = 400'000'000;  // as many take some ten seconds
};

struct PartStats {
  std::string file;
  std::int64_t day = 0;  // days since 1970-01-01
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  std::uint64_t series = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
};

struct TsdbStats {
  std::uint64_t series = 0;  // in the catalog, all projects
  std::uint64_t head_samples = 0;
  std::uint64_t head_bytes = 0;
  std::uint64_t index_bytes = 0;  // catalog and postings in memory, estimated
  std::uint64_t disk_bytes = 0;
  std::uint64_t quarantined = 0;
  std::vector<PartStats> parts;
};

/// Thread-safe: one thread applies, one checkpoints or maintains (they exclude each other), any number read.
class Tsdb : public storage::MetricStore {
 public:
  /// Merges parts, applies retention, sets damaged parts aside. Runs beside everything else.
  virtual Result<> maintenance() = 0;
  /// Holds from the next maintenance() on.
  virtual void set_retention(MetricRetention retention) = 0;
  /// Holds from the next series on.
  virtual void set_series_limits(SeriesLimits limits) = 0;
  virtual SeriesUse series_use(ProjectId project) const = 0;
  /// Reads and checks every byte on disk; one line a damaged file, empty when all is well. Sets nothing
  /// aside.
  virtual Result<std::vector<std::string>> verify() = 0;
  virtual TsdbStats stats() const = 0;
  /// The state of the last checkpoint: files (relative to the store's folder), kept while `hold` lives, and
  /// the content of the file MANIFEST that names exactly these, to be written beside the copies.
  struct Backup {
    std::vector<std::string> files;
    std::string manifest;
    Sequence durable;
    std::shared_ptr<const void> hold;
  };
  virtual Backup backup_files() = 0;
};

Result<std::unique_ptr<Tsdb>> open_tsdb(io::FileSystem& fs, std::string dir, TsdbOptions options,
                                        const Clock& clock, const Logger& log, MetricsRegistry& metrics);

}  // namespace telltale::tsdb
