#include "logql/selection.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "logql/parser.hpp"
#include "logql/pipeline.hpp"
#include "logql/pipeline_plan.hpp"
#include "logql/row_state.hpp"

namespace telltale::logql {
namespace {

/// Of a stage that says nothing about which rows there are; empty for the others.
std::string_view shaping_name(StageKind kind) {
  switch (kind) {
    case StageKind::line_format:
      return "line_format";
    case StageKind::label_format:
      return "label_format";
    case StageKind::decolorize:
      return "decolorize";
    case StageKind::drop:
      return "drop";
    case StageKind::keep:
      return "keep";
    default:
      return {};
  }
}

bool names_errors(const LabelFilter& filter) {
  return filter.name == kErrorLabel || filter.name == kErrorDetailsLabel ||
         std::any_of(filter.children.begin(), filter.children.end(), names_errors);
}

Result<> check_selecting(const LogQuery& query) {
  bool condition = !query.matchers.empty();
  for (const Stage& stage : query.stages) {
    if (const auto name = shaping_name(stage.kind); !name.empty()) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("| {} changes what is shown, not which rows are meant: leave it out", name));
    }
    condition = condition || stage.kind == StageKind::line_filter || stage.kind == StageKind::label_filter;
  }
  if (condition) return {};
  return fail(ErrorKind::invalid_argument, "the query has no condition: it would mean every row");
}

bool has_error(const LogEntry& entry) {
  return std::any_of(entry.parsed.begin(), entry.parsed.end(),
                     [](const Label& label) { return label.name == kErrorLabel; });
}

}  // namespace

Result<RowSelection> select_rows(std::string_view text) {
  TT_ASSIGN(const Expr expr, parse(text));
  if (!expr.is_log()) {
    return fail(ErrorKind::invalid_argument,
                "a log query is wanted, such as {service=\"web\"} |= \"text\"; this one counts");
  }
  const LogQuery& query = expr.log;
  TT_TRY(check_selecting(query));
  const PushDown pushed = push_down(query);
  RowSelection out;
  out.filter = pushed.filter;
  if (pushed.exact) return out;
  const bool errors_too = std::any_of(query.stages.begin(), query.stages.end(), [](const Stage& stage) {
    return stage.kind == StageKind::label_filter && names_errors(stage.filter);
  });
  struct Asker {
    Pipeline pipeline;
    LogEntry entry;
  };
  TT_ASSIGN(Pipeline pipeline, Pipeline::compile(query));
  auto asker = std::make_shared<Asker>(Asker{std::move(pipeline), {}});
  out.rest = [asker = std::move(asker), errors_too](const EventRow& row) {
    if (!asker->pipeline.process(row, asker->entry)) return false;
    return errors_too || !has_error(asker->entry);
  };
  return out;
}

}  // namespace telltale::logql
