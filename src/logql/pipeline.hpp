// A log query's pipeline, made ready to run on rows one at a time: over what a store selects, and over what a
// live tail is handed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "logql/ast.hpp"
#include "model/event_row.hpp"
#include "model/labels.hpp"
#include "storage/event_store.hpp"

namespace telltale::logql {

/// A row as a query shows it. Names are sanitised; each list is sorted by name. A name stands in one of them
/// only.
struct LogEntry {
  UnixNanos time;
  std::string line;
  std::vector<Label> stream;    // labels of its stream
  std::vector<Label> metadata;  // that came beside the line
  std::vector<Label> parsed;    // extracted or formatted by the query, __error__ among them

  /// All three together, without empty values.
  Labels labels() const;
};

/// Not thread-safe, since it keeps its buffers from row to row; clone() makes one for another thread.
class Pipeline {
 public:
  /// invalid_argument.
  static Result<Pipeline> compile(const LogQuery& query);
  Pipeline clone() const;
  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

  /// A filter that every row passes which the pipeline lets through: what a store or a tail may sort out
  /// beforehand.
  storage::EventFilter necessary() const;
  /// False: the row is filtered out, and `out` is unspecified.
  bool process(const EventRow& row, LogEntry& out);

 private:
  struct Impl;
  explicit Pipeline(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::logql
