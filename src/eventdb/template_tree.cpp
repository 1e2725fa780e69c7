#include "eventdb/template_tree.hpp"

#include <algorithm>
#include <cstring>

namespace telltale::eventdb {

namespace {

constexpr std::size_t kMostSteps = 1'024;  // of one text's walk, so that no set of templates makes it long

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(in_a - a.begin());
}

}  // namespace

/// The tree while it grows.
class TemplateTree::Builder {
 public:
  Builder() : nodes_(1) {}

  void add(const TextTemplate& added, std::uint32_t number) {
    std::uint32_t node = 0;
    for (const TextTemplate::Piece& piece : added.pieces)
      node = piece.is_variable() ? add_variable(node, piece) : add_literal(node, piece.literal);
    if (nodes_[node].number == kNone) nodes_[node].number = number;
  }

  void flatten(TemplateTree& out) const {
    for (const Growing& node : nodes_) {
      Node& flat = out.nodes_.emplace_back();
      flat.number = node.number;
      flat.literals = static_cast<std::uint32_t>(out.edges_.size());
      for (const GrowingEdge& e : node.literals) {
        out.edges_.push_back({e.literal.front(), e.kind, e.width,
                              static_cast<std::uint32_t>(out.chars_.size()),
                              static_cast<std::uint32_t>(e.literal.size()), e.to});
        out.chars_ += e.literal;
      }
      flat.variables = static_cast<std::uint32_t>(out.edges_.size());
      for (const GrowingEdge& e : node.variables) out.edges_.push_back({0, e.kind, e.width, 0, 0, e.to});
      flat.end = static_cast<std::uint32_t>(out.edges_.size());
    }
  }

 private:
  struct GrowingEdge {
    std::string literal;  // empty: a variable
    VariableKind kind = VariableKind::word;
    std::uint8_t width = 0;
    std::uint32_t to = 0;
  };
  struct Growing {
    std::uint32_t number = kNone;
    std::vector<GrowingEdge> literals;
    std::vector<GrowingEdge> variables;
  };

  std::uint32_t new_node() {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  std::uint32_t add_literal(std::uint32_t node, std::string_view literal) {
    while (!literal.empty()) {
      auto& edges = nodes_[node].literals;
      const auto edge = std::find_if(edges.begin(), edges.end(), [&](const GrowingEdge& e) {
        return e.literal.front() == literal.front();
      });
      if (edge == edges.end()) {
        const std::uint32_t to = new_node();  // moves the nodes
        nodes_[node].literals.push_back({std::string(literal), {}, 0, to});
        return to;
      }
      const std::size_t common = common_prefix(edge->literal, literal);
      if (common < edge->literal.size()) {
        GrowingEdge rest{edge->literal.substr(common), {}, 0, edge->to};
        edge->literal.resize(common);
        const auto at = static_cast<std::size_t>(edge - edges.begin());
        const std::uint32_t middle = new_node();
        nodes_[node].literals[at].to = middle;
        nodes_[middle].literals.push_back(std::move(rest));
        node = middle;
      } else {
        node = edge->to;
      }
      literal.remove_prefix(common);
    }
    return node;
  }

  std::uint32_t add_variable(std::uint32_t node, const TextTemplate::Piece& piece) {
    for (const GrowingEdge& e : nodes_[node].variables)
      if (e.kind == piece.kind && e.width == piece.width) return e.to;
    const std::uint32_t to = new_node();
    auto& edges = nodes_[node].variables;
    edges.push_back({{}, piece.kind, piece.width, to});
    // Ids first, then numbers, then words, which may be either.
    const auto rank = [](const GrowingEdge& e) {
      return e.kind == VariableKind::hex ? 0 : e.kind == VariableKind::number ? 1 : 2;
    };
    std::stable_sort(edges.begin(), edges.end(),
                     [&](const GrowingEdge& a, const GrowingEdge& b) { return rank(a) < rank(b); });
    return to;
  }

  std::vector<Growing> nodes_;
};

TemplateTree::TemplateTree(const std::vector<TextTemplate>& templates) {
  Builder builder;
  for (std::size_t t = 0; t < templates.size(); ++t) builder.add(templates[t], static_cast<std::uint32_t>(t));
  builder.flatten(*this);
}

struct TemplateTree::Walk {
  std::vector<std::string_view>& variables;
  std::size_t steps = 0;
};

std::uint32_t TemplateTree::walk(std::uint32_t at, std::string_view rest, Walk& walk) const {
  const Node& node = nodes_[at];
  if (rest.empty()) return node.number;
  if (++walk.steps > kMostSteps) return kNone;
  for (std::uint32_t e = node.literals; e < node.variables; ++e) {
    const Edge& edge = edges_[e];
    if (edge.first != rest.front()) continue;
    if (edge.size > rest.size() || std::memcmp(rest.data(), chars_.data() + edge.begin, edge.size) != 0)
      break;
    const std::uint32_t found = this->walk(edge.to, rest.substr(edge.size), walk);
    if (found != kNone) return found;
    break;
  }
  for (std::uint32_t e = node.variables; e < node.end; ++e) {
    const Edge& edge = edges_[e];
    const std::size_t size = variable_at(rest, edge.kind, edge.width);
    if (size == 0) continue;
    walk.variables.push_back(rest.substr(0, size));
    const std::uint32_t found = this->walk(edge.to, rest.substr(size), walk);
    if (found != kNone) return found;
    walk.variables.pop_back();
  }
  return kNone;
}

std::uint32_t TemplateTree::match(std::string_view text, std::vector<std::string_view>& variables) const {
  variables.clear();
  Walk start{variables};
  return walk(0, text, start);
}

}  // namespace telltale::eventdb
