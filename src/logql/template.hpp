// Go's text/template as line_format and label_format use it: actions with pipelines, variables, if, range,
// with, trim markers, Go's own functions and those that Loki documents. A row's labels are the data
// (`.name`); an absent label is empty. Not there: define, template and block.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "logql/row_state.hpp"

namespace telltale::logql {

struct TemplateNode;

/// Immutable and cheap to copy; thread-safe.
class Template {
 public:
  /// invalid_argument: what is wrong, and at which byte.
  static Result<Template> compile(std::string_view text);

  /// execution: what could not be evaluated, or over limits::kMaxTemplateBytes of text.
  Result<std::string> run(RowState& row) const;

  /// Adds the labels it reads; false when it may read any (`.` alone).
  bool add_fields(std::set<std::string, std::less<>>& out) const;

 private:
  std::shared_ptr<const TemplateNode> root_;
};

}  // namespace telltale::logql
