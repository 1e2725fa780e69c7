// Runs a plan: rows become samples of series, samples become one number a series and step. Where the store
// can count, add and compare by itself, it is asked to (run_aggregated); else rows are read once, by several
// threads when the range is long (run_windows). Which of the two a query takes is its planner's to say; their
// answers are the same but for sketches, which are within their named error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/labels.hpp"
#include "query/scan.hpp"
#include "query/windows.hpp"

namespace telltale::query {

/// Turns rows into samples. One object a thread; series are numbered from 0 as they appear.
class SampleReader {
 public:
  virtual ~SampleReader() = default;
  /// False: the row is no sample. Errors end the query.
  virtual Result<bool> read(const EventRow& row, WindowSample& sample, std::uint32_t& series) = 0;
  /// The labels of each number given so far.
  virtual const std::vector<Labels>& series() const = 0;
};

struct SeriesValues {
  Labels labels;
  std::vector<double> values;  // one a step; no_value() where there is none
};

struct WindowPlan {
  ScanPlan scan;  // its range and order are set by the executor
  WindowGrid grid;
  WindowOp op = WindowOp::count;
  double q = 0;
  std::size_t max_series = 0;
};

/// `readers`: one a piece (scan_pieces of grid.covered()), all alike. By labels. resource_exhausted over
/// max_series.
Result<std::vector<SeriesValues>> run_windows(storage::EventStore& store, WindowPlan plan,
                                              std::vector<std::unique_ptr<SampleReader>> readers,
                                              ScanStats& stats, WorkContext& context);

struct AggregatePlan {
  Table table = Table::logs;
  storage::Projects projects;
  storage::EventFilter filter;
  std::vector<std::string> group_by;  // spellings; they become the labels of the series
  WindowGrid grid;
  storage::Measure measure;
  std::size_t max_series = 0;
  /// Rows that match, in all groups together: with fewer, the answer is nullopt.
  std::uint64_t least_samples = 0;
};

/// nullopt: not expressible (windows that overlap cannot be put together from sketches; too many buckets), or
/// too few samples.
Result<std::optional<std::vector<SeriesValues>>> run_aggregated(storage::EventStore& store,
                                                                const AggregatePlan& plan,
                                                                WorkContext& context);

/// Rows by groups and buckets, as the store computes them. nullopt: more groups than the query allows.
Result<std::optional<std::vector<storage::EventAggregateRow>>> run_grouped(
    storage::EventStore& store, const storage::EventAggregateQuery& query, WorkContext& context);

}  // namespace telltale::query
