// The contract of the store for numbers. Reading goes by cursors over series whose samples come as columns;
// hints let a store skip work and may be ignored. One contract test suite (metric_store_contract.hpp) runs on
// the embedded engine and on the in-memory implementation.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/context.hpp"
#include "base/result.hpp"
#include "model/histogram.hpp"
#include "storage/batch.hpp"
#include "storage/derived_store.hpp"
#include "storage/matcher.hpp"
#include "storage/text_list.hpp"

namespace telltale::storage {

using Projects = std::vector<ProjectId>;

/// Both ends inclusive, as PromQL's selectors think.
struct MillisRange {
  UnixMillis min;
  UnixMillis max;
};

/// The windows (t - window, t] of a query, for `count` times t from first_ms on, `step_ms` apart.
struct Windows {
  std::int64_t first_ms = 0;
  std::int64_t step_ms = 0;
  std::size_t count = 0;
};

/// What the query will do with the samples; a store may use it to read less.
struct SelectHints {
  std::int64_t step_ms = 0;
  std::int64_t window_ms = 0;  // range of a matrix selector, 0 for an instant one
  std::string function;        // innermost function or aggregation, empty if unknown
  bool start_times = true;     // false: the query does not look at them, the store may leave them out
  /// Nothing is made of the samples but `function` over each of these windows, of window_ms: the store may
  /// give stand-ins (SeriesView::weights).
  std::optional<Windows> windows;
};

struct SeriesSelect {
  Projects projects;
  MillisRange range;
  std::vector<LabelMatcher> matchers;  // all must match
  SelectHints hints;
};

/// A series' labels as its store keeps them: most queries look at one or two, and need none as a list.
class SeriesLabels {
 public:
  virtual ~SeriesLabels() = default;
  /// Empty when absent.
  virtual std::string_view get(std::string_view name) const = 0;
  virtual Labels all() const = 0;
};

/// Of labels that somebody else holds.
class KeptLabels final : public SeriesLabels {
 public:
  KeptLabels() = default;
  explicit KeptLabels(const Labels& labels) : labels_(&labels) {}
  std::string_view get(std::string_view name) const override { return labels_->get(name); }
  Labels all() const override { return *labels_; }

 private:
  const Labels* labels_ = nullptr;
};

/// One series with its samples in the range, times strictly rising. Valid until the cursor moves.
struct SeriesView {
  const SeriesLabels* labels = nullptr;
  std::span<const std::int64_t> times_ms;
  std::span<const double> values;  // of a histogram its sum, as in Sample
  /// Empty when the series has none in the range; else one for each time, null where the sample is a float. A
  /// histogram may be kept longer than the view; it never changes.
  std::span<const std::shared_ptr<const Histogram>> histograms;
  /// Empty when none is told; else one for each time, zero where it is not told.
  std::span<const std::int64_t> start_times_ms;
  /// Empty unless there are stand-ins: then of how many samples each entry tells. Where no window begins or
  /// ends between them, an entry (or two) may stand for many samples of which the function of the hints comes
  /// to the same: the greatest of them, their sum, the first and the last of a counter that only grew. Such a
  /// series has no histograms, and of start times nothing is told.
  std::span<const std::uint32_t> weights;
};

/// Not thread-safe; may be used while the store is written to and shows the state at the time of select(); of
/// a series with late samples or histograms it may also show what came since.
class SeriesCursor {
 public:
  virtual ~SeriesCursor() = default;
  /// False at the end. Errors: cancelled, deadline_exceeded, resource_exhausted, corruption.
  virtual Result<bool> next(SeriesView& out) = 0;
};

struct LabelQuery {
  Projects projects;
  MillisRange range;
  std::vector<LabelMatcher> matchers;
  std::size_t limit = 0;  // 0: none
};

/// What a set of series is made of: where too many come from.
struct Cardinality {
  struct Count {
    std::string name;
    std::string value;  // empty where a name is counted
    std::uint64_t count = 0;
  };
  std::uint64_t series = 0;
  std::uint64_t label_pairs = 0;        // distinct names with values
  std::vector<Count> series_by_metric;  // the largest first, then by name; at most as many as were asked for
  std::vector<Count> series_by_pair;
  std::vector<Count> series_by_label;  // that have a label of this name
  std::vector<Count> values_by_label;
  std::vector<Count> bytes_by_label;  // of its values, once for each series
};

/// What a store tells who keeps answers: `version` rises with every change.
struct Changes {
  std::uint64_t version = 0;
  UnixMillis since{INT64_MIN};  // samples before this time are as they were; INT64_MAX: all are
};

using SeriesCursors = std::vector<std::unique_ptr<SeriesCursor>>;

class MetricStore : public DerivedStore {
 public:
  /// The ids of `labels` in `project`, made where new; `defs` receives every series whose definition has not
  /// been journaled yet (see journaled()). resource_exhausted over the project's series limit. Thread-safe.
  virtual Result<SeriesId> resolve(ProjectId project, const Labels& labels, std::vector<SeriesDef>& defs) = 0;
  /// Tells that a record with these definitions has its place in the journal.
  virtual void journaled(std::span<const SeriesDef> defs) = 0;

  /// In the order of labels; series of several projects that have the same ones stand next to each other.
  virtual Result<std::unique_ptr<SeriesCursor>> select(const SeriesSelect& query, WorkContext& context) = 0;
  /// The same in any order, as one to `most` cursors over disjoint shares of the series, each of which may go
  /// to a thread of its own.
  virtual Result<SeriesCursors> select_shares(const SeriesSelect& query, std::size_t most,
                                              WorkContext& context) {
    (void)most;
    SeriesCursors out;
    TT_ASSIGN(out.emplace_back(), select(query, context));
    return out;
  }
  /// What has changed for these projects since a version that this told; everything, unless a store knows
  /// better.
  virtual Changes changes(const Projects& projects, std::uint64_t since) const {
    (void)projects;
    (void)since;
    return {};
  }
  /// Sorted.
  virtual Result<std::vector<std::string>> label_names(const LabelQuery& query, WorkContext& context) = 0;
  /// Sorted.
  virtual Result<TextList> label_values(std::string_view name, const LabelQuery& query,
                                        WorkContext& context) = 0;
  /// Label sets of the series that have samples in the range, sorted.
  virtual Result<std::vector<Labels>> series(const LabelQuery& query, WorkContext& context) = 0;
  /// Of the series that have samples in the range; `limit` is of each list.
  virtual Result<Cardinality> cardinality(const LabelQuery& query, WorkContext& context) = 0;

  /// Deletes, of the series that match, the samples in the range that were applied before; how many. Durable
  /// when it returns; the limit says nothing here.
  virtual Result<std::uint64_t> delete_samples(const LabelQuery& query, WorkContext& context) = 0;
};

}  // namespace telltale::storage
