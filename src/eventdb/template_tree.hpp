// Which of some templates a text is of, and what its variables are: the templates as a radix tree whose edges
// are literals and variables. A text walks down it once, however many templates there are; the tree lies in
// three flat arrays, so that a walk stays in the processor's nearest cache.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "eventdb/text_template.hpp"

namespace telltale::eventdb {

class TemplateTree {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  /// Of two templates that are the same the first counts.
  explicit TemplateTree(const std::vector<TextTemplate>& templates);
  /// The place of a template that prints the text when given `variables`; kNone: there is none. Literals are
  /// tried before variables. A word does not end in digits that would be a number.
  std::uint32_t match(std::string_view text, std::vector<std::string_view>& variables) const;

 private:
  class Builder;
  struct Edge {
    char first = 0;  // of the literal
    VariableKind kind = VariableKind::word;
    std::uint8_t width = 0;
    std::uint32_t begin = 0;  // of the literal, in chars_
    std::uint32_t size = 0;   // 0: a variable
    std::uint32_t to = 0;
  };
  struct Node {
    std::uint32_t number = kNone;  // of the template that ends here
    std::uint32_t literals = 0;    // edges of different first bytes, then
    std::uint32_t variables = 0;
    std::uint32_t end = 0;
  };
  struct Walk;
  std::uint32_t walk(std::uint32_t at, std::string_view rest, Walk& walk) const;

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::string chars_;
};

}  // namespace telltale::eventdb
