// Runs LogQL over an EventStore. A query is parsed (parser.hpp), its selector, line filters and label filters
// that stored fields can answer become the store's filter, the rest of the pipeline runs row by row; what
// needs no text of a row at all is answered by the store's own aggregation.
//
// The label set of a row is its attributes of kind label and metadata under their sanitised names. Fields
// that were read out of the line when it was taken in, and the id columns, answer filters, groupings, unwrap
// and templates where the name would otherwise be absent, but are shown only when a parser stage extracts
// them.
//
// A window of a range aggregation at time t is (t - range, t]: its start excluded, its end included. A log
// query's range is [start, end).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.hpp"
#include "base/result.hpp"
#include "logql/ast.hpp"
#include "logql/parser.hpp"
#include "logql/pipeline.hpp"
#include "model/labels.hpp"
#include "storage/event_store.hpp"

namespace telltale::logql {

struct QueryRequest {
  storage::Projects projects;
  Table table = Table::logs;
  UnixNanos start;
  UnixNanos end;
  /// Metric queries are evaluated at start, start + step, … up to end; 0: at `end` alone, which answers a
  /// vector.
  Nanos step{0};
  /// Entries of a log query; 0: limits::kMaxLogEntries.
  std::size_t limit = 100;
  storage::Order direction = storage::Order::newest_first;
};

struct Point {
  UnixNanos time;
  double value = 0;
};

struct Series {
  Labels labels;
  std::vector<Point> points;  // exactly one in a vector
};

struct QueryStats {
  std::uint64_t rows = 0;               // that were looked at one by one
  std::uint64_t bytes = 0;              // of their lines
  std::uint64_t matched = 0;            // of the rows, how many passed the pipeline
  std::uint64_t aggregated_groups = 0;  // that the store aggregated itself
  Nanos took{0};
};

enum class ResultKind : unsigned char { streams, matrix, vector, scalar };
/// As Loki's JSON names it.
std::string_view to_string(ResultKind kind);

struct QueryResult {
  ResultKind kind = ResultKind::streams;
  std::vector<LogEntry> entries;  // streams: in the order of the direction
  std::vector<Series> series;     // matrix: by labels; vector: by labels, or as sort and topk order them
  Point scalar;
  QueryStats stats;
};

/// Errors: invalid_argument (parse errors come from parse()), execution (errored lines in a metric query,
/// matching errors), resource_exhausted (over limits::kMaxQuerySeries, or memory), those of the store and of
/// the context.
Result<QueryResult> run(storage::EventStore& store, const Expr& expr, const QueryRequest& request,
                        WorkContext& context);

/// Entries of one label set, as Loki's answers want them.
struct Stream {
  std::vector<Label> labels;
  std::vector<const LogEntry*> entries;
};
/// `categorized`: by stream labels alone, the rest staying with the entries (Grafana's categorize-labels);
/// else by all labels together. In order of first appearance. The entries must outlive the answer.
std::vector<Stream> group_streams(const std::vector<LogEntry>& entries, bool categorized);

}  // namespace telltale::logql
