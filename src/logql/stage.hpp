// A pipeline's stages made ready: each takes a row's state one step further or filters the row out.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "logql/ast.hpp"
#include "logql/row_state.hpp"

namespace telltale::logql {

/// Labels that somebody behind a parser reads; nullopt: all of them.
using WantedLabels = std::optional<std::set<std::string, std::less<>>>;

/// Not thread-safe: stages keep buffers.
class RowStage {
 public:
  virtual ~RowStage() = default;
  /// False: the row is filtered out.
  virtual bool run(RowState& row) = 0;
};

/// Makes a stage; `wanted` are the labels that count behind it. invalid_argument.
Result<std::unique_ptr<RowStage>> make_stage(const Stage& stage, const WantedLabels& wanted);
Result<std::unique_ptr<RowStage>> make_parser_stage(const Stage& stage, const WantedLabels& wanted);
Result<std::unique_ptr<RowStage>> make_format_stage(const Stage& stage);
Result<std::unique_ptr<RowStage>> make_filter_stage(const LabelFilter& filter);
Result<std::unique_ptr<RowStage>> make_line_stage(const Stage& stage);

/// Labels a stage reads; false: it may read any.
bool add_read_labels(const Stage& stage, std::set<std::string, std::less<>>& out);
void add_read_labels(const LabelFilter& filter, std::set<std::string, std::less<>>& out);

}  // namespace telltale::logql
