// A template as a tree. Internal to template_*.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "logql/template_value.hpp"

namespace telltale::logql {

enum class NodeKind : unsigned char {
  // statements
  list,    // children
  text,    // text
  action,  // children[0] is a pipe
  if_,     // pipe, body, else body
  range,   // pipe, body, else body
  with,    // pipe, body, else body
  break_,
  continue_,
  // expressions
  pipe,      // children are commands; names: declared or assigned variables
  command,   // children: the first is what is called or the value itself
  constant,  // value
  dot,
  field,     // names: .a.b
  variable,  // names[0] is $x, then fields
  chain,     // children[0] in parentheses, then fields in names
  function,  // names[0]
};

struct TemplateNode {
  NodeKind kind = NodeKind::list;
  std::string text;
  TemplateValue value;
  std::vector<std::string> names;
  bool declares = false;  // pipe: := rather than =
  const FunctionEntry* entry = nullptr;
  std::vector<TemplateNode> children;
};

/// invalid_argument, with the byte.
Result<TemplateNode> parse_template(std::string_view text);

}  // namespace telltale::logql
