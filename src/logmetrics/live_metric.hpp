// Internal: one metric with what it has counted so far. Not thread-safe; LogMetrics holds its lock.
//
// Everything that counts has a mark of its last change, a number that rises; a checkpoint takes what has
// changed since the last one, and forgets nothing when it fails.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/sketch.hpp"
#include "logmetrics/definition.hpp"
#include "model/sample.hpp"
#include "storage/records.hpp"

namespace telltale::logmetrics {

/// How rows fared.
struct RowCounts {
  std::uint64_t counted = 0;
  std::uint64_t late = 0;
  std::uint64_t unusable = 0;
  std::uint64_t over_limit = 0;
};

using Samples = std::vector<std::pair<Labels, Sample>>;

class LiveMetric {
 public:
  /// `record.definition` has been parsed into `definition`. invalid_argument when it does not compile.
  static Result<LiveMetric> make(storage::LogMetric record, Definition definition);

  /// `received`: of the batch. `max_late`: older rows are not counted. `room`: of distinct groups in all
  /// metrics, taken from. `mark`: of this change.
  void add(const EventRow& row, UnixNanos received, Nanos max_late, std::size_t& room, std::uint64_t mark);
  /// Values at `now`; for a series without one so far first a zero, right before its first row came, so that
  /// a rate sees that, too. `told`: groups to be handed to set_told() once the samples are written.
  void samples(UnixMillis now, Samples& out, std::vector<std::string>& told) const;
  void set_told(const std::vector<std::string>& groups, std::uint64_t mark);
  /// Ends every series that has had samples.
  void end_samples(UnixMillis now, Samples& out) const;

  /// States changed behind `mark`; an empty value: the state is gone.
  void changed(std::uint64_t mark, std::vector<storage::LogMetricState>& out) const;
  /// Forgets which states are gone, once that is kept.
  void forget_gone(std::uint64_t mark);
  /// A state as changed() gave it. corruption.
  Result<> restore(const storage::LogMetricState& state);

  const storage::LogMetric& record() const { return record_; }
  const Definition& definition() const { return definition_; }
  const RowCounts& counts() const { return counts_; }
  UnixNanos last_match() const { return last_match_; }
  std::size_t groups() const { return groups_.size(); }
  std::size_t series() const { return groups_.size() * series_per_group(definition_); }

 private:
  struct Slice {
    DistinctSketch values;
    std::uint64_t changed = 0;
  };
  struct Group {
    std::vector<std::string> labels;
    UnixMillis began;                      // its first row was taken in
    bool told = false;                     // it has had a sample
    std::uint64_t count = 0;               // counter; histogram: of all values
    double sum = 0;                        // histogram
    std::vector<std::uint64_t> buckets;    // values not above the bound, each value once
    std::map<std::int64_t, Slice> slices;  // distinct: by number of the slice of time
    std::uint64_t changed = 0;
  };

  LiveMetric(storage::LogMetric record, Definition definition, logql::RowValues values);
  Group* group_of(const std::vector<std::string>& labels, UnixNanos received, std::size_t& room);
  void add_distinct(Group& group, const std::string& key, UnixNanos time, UnixNanos received,
                    std::uint64_t mark);
  Labels labels_of(const Group& group, std::string_view suffix) const;
  void value_samples(const Group& group, UnixMillis now, double share, Samples& out) const;
  std::uint64_t distinct_at(const Group& group, UnixMillis now) const;
  std::int64_t slice_of(UnixNanos time) const;
  std::string encode(const Group& group) const;
  Result<> decode_group(std::string_view key, std::string_view value);

  storage::LogMetric record_;
  Definition definition_;
  logql::RowValues values_;
  logql::RowValue value_;            // of the row at hand
  std::vector<std::string> bounds_;  // le
  std::unordered_map<std::string, Group> groups_;
  std::map<std::string, std::uint64_t> gone_;  // states, by the mark of their going
  RowCounts counts_;
  UnixNanos last_match_{0};
  std::uint64_t changed_ = 0;
};

}  // namespace telltale::logmetrics
