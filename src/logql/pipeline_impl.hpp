// Internal: the stages of a compiled pipeline and the row they work on, shared by log and metric queries.
#pragma once

#include <memory>
#include <vector>

#include "logql/pipeline.hpp"
#include "logql/stage.hpp"

namespace telltale::logql {

/// Stages with their row. Not thread-safe.
class StageChain {
 public:
  /// `wanted`: the labels that count at the end. invalid_argument.
  static Result<StageChain> make(const LogQuery& query, const WantedLabels& wanted);

  /// False: filtered out.
  bool run(const EventRow& row);
  RowState& row() { return *row_; }

 private:
  std::vector<std::unique_ptr<RowStage>> stages_;
  std::unique_ptr<RowState> row_;
};

/// The labels that anything behind stage `index` reads, given those that count at the end.
WantedLabels wanted_behind(const LogQuery& query, std::size_t index, const WantedLabels& at_end);

/// `name` and `value` pairs by name.
void sort_labels(std::vector<Label>& labels);

}  // namespace telltale::logql
