#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "logql/template.hpp"
#include "logql/template_tree.hpp"

namespace telltale::logql {
namespace {

tl::unexpected<Error> cannot(std::string message) { return fail(ErrorKind::execution, std::move(message)); }

enum class Flow : unsigned char { next, stop, again };

class TemplateRunner {
 public:
  explicit TemplateRunner(RowState& row) : row_(row) {}

  Result<std::string> run(const TemplateNode& root) {
    TT_ASSIGN([[maybe_unused]] const Flow flow, walk(root, TemplateValue(LabelsData{})));
    return std::move(out_);
  }

 private:
  Result<> put(std::string_view text) {
    if (out_.size() + text.size() > limits::kMaxTemplateBytes)
      return cannot(fmt::format("a template makes more than {} bytes", limits::kMaxTemplateBytes));
    out_ += text;
    return {};
  }

  Result<Flow> walk(const TemplateNode& node, const TemplateValue& dot) {
    switch (node.kind) {
      case NodeKind::list:
        for (const TemplateNode& child : node.children) {
          TT_ASSIGN(const Flow flow, walk(child, dot));
          if (flow != Flow::next) return flow;
        }
        return Flow::next;
      case NodeKind::text:
        TT_TRY(put(node.text));
        return Flow::next;
      case NodeKind::action: {
        TT_ASSIGN(const TemplateValue v, pipe(node.children[0], dot));
        if (node.children[0].names.empty()) TT_TRY(put(print(v)));
        return Flow::next;
      }
      case NodeKind::break_:
        return Flow::stop;
      case NodeKind::continue_:
        return Flow::again;
      case NodeKind::range:
        return range(node, dot);
      default: {
        const std::size_t variables = variables_.size();
        TT_ASSIGN(const TemplateValue v, pipe(node.children[0], dot));
        const bool yes = truth(v);
        const TemplateValue& inner = node.kind == NodeKind::with && yes ? v : dot;
        auto flow = walk(node.children[yes ? 1 : 2], inner);
        variables_.resize(variables);
        return flow;
      }
    }
  }

  Result<Flow> range(const TemplateNode& node, const TemplateValue& dot) {
    const std::size_t variables = variables_.size();
    const TemplateNode& head = node.children[0];
    TT_ASSIGN(const TemplateValue v, pipe_value(head, dot));
    std::size_t passes = 0;
    bool any = false;
    const auto pass = [&](TemplateValue index, const TemplateValue& element) -> Result<Flow> {
      any = true;
      if (++passes > limits::kMaxTemplateLoops)
        return cannot(fmt::format("range over more than {} elements", limits::kMaxTemplateLoops));
      variables_.resize(variables);
      if (head.names.size() == 1) bind(head, head.names[0], element);
      if (head.names.size() == 2) {
        bind(head, head.names[0], std::move(index));
        bind(head, head.names[1], element);
      }
      return walk(node.children[1], element);
    };
    Flow flow = Flow::next;
    if (const auto* list = v.list()) {
      for (std::size_t i = 0; i < list->size() && flow != Flow::stop; ++i) {
        TT_ASSIGN(flow, pass(TemplateValue(static_cast<std::int64_t>(i)), (*list)[i]));
      }
    } else if (const auto* map = v.map()) {
      for (const auto& [key, element] : *map) {
        TT_ASSIGN(flow, pass(TemplateValue(key), element));
        if (flow == Flow::stop) break;
      }
    } else if (const auto* n = v.integer()) {
      for (std::int64_t i = 0; i < *n && flow != Flow::stop; ++i) {
        TT_ASSIGN(flow, pass(TemplateValue(i), TemplateValue(i)));
      }
    } else if (std::holds_alternative<LabelsData>(v.v)) {
      const TemplateMap labels = label_map();
      for (const auto& [key, element] : labels) {
        TT_ASSIGN(flow, pass(TemplateValue(key), element));
        if (flow == Flow::stop) break;
      }
    } else if (!v.is_nil() && !(v.text() != nullptr && v.text()->empty())) {
      return cannot(fmt::format("range cannot go over {}", type_name(v)));
    }
    variables_.resize(variables);
    if (any) return Flow::next;
    return walk(node.children[2], dot);
  }

  void bind(const TemplateNode& head, const std::string& name, TemplateValue value) {
    if (!head.declares) {
      for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
        if (it->first != name) continue;
        it->second = std::move(value);
        return;
      }
    }
    variables_.emplace_back(name, std::move(value));
  }

  Result<TemplateValue> pipe(const TemplateNode& node, const TemplateValue& dot) {
    TT_ASSIGN(TemplateValue v, pipe_value(node, dot));
    if (!node.names.empty()) bind(node, node.names[0], v);
    return v;
  }

  Result<TemplateValue> pipe_value(const TemplateNode& node, const TemplateValue& dot) {
    TemplateValue v;
    bool first = true;
    for (const TemplateNode& c : node.children) {
      TT_ASSIGN(v, command(c, dot, first ? nullptr : &v));
      first = false;
    }
    return v;
  }

  Result<TemplateValue> command(const TemplateNode& node, const TemplateValue& dot,
                                const TemplateValue* last) {
    const TemplateNode& head = node.children[0];
    if (head.kind != NodeKind::function) return operand(head, dot);
    const std::string& name = head.names[0];
    if (head.entry == nullptr) return and_or(name == "and", node, dot, last);
    std::vector<TemplateValue> args;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      TT_ASSIGN(args.emplace_back(), operand(node.children[i], dot));
    }
    if (last != nullptr) args.push_back(*last);
    return call(*head.entry, args);
  }

  Result<TemplateValue> call(const FunctionEntry& f, std::vector<TemplateValue>& args) {
    const auto n = static_cast<int>(args.size());
    if (n < f.min_args || (f.max_args >= 0 && n > f.max_args))
      return cannot(fmt::format("wrong number of arguments for {}: got {}", f.name, n));
    for (TemplateValue& a : args)
      if (std::holds_alternative<LabelsData>(a.v))
        a = TemplateValue(std::make_shared<const TemplateMap>(label_map()));
    return f.call(args, row_);
  }

  /// The first that decides, else the last; what stands behind it is not evaluated.
  Result<TemplateValue> and_or(bool is_and, const TemplateNode& node, const TemplateValue& dot,
                               const TemplateValue* last) {
    TemplateValue v;
    if (node.children.size() == 1 && last == nullptr)
      return cannot(std::string(is_and ? "and" : "or") + " needs an argument");
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      TT_ASSIGN(v, operand(node.children[i], dot));
      if (truth(v) != is_and) return v;
    }
    if (last != nullptr) v = *last;
    return v;
  }

  Result<TemplateValue> operand(const TemplateNode& node, const TemplateValue& dot) {
    switch (node.kind) {
      case NodeKind::constant:
        return node.value;
      case NodeKind::dot:
        return dot;
      case NodeKind::field:
        return fields(dot, node.names, 0);
      case NodeKind::variable: {
        if (node.names[0] == "$") return fields(TemplateValue(LabelsData{}), node.names, 1);
        for (auto it = variables_.rbegin(); it != variables_.rend(); ++it)
          if (it->first == node.names[0]) return fields(TemplateValue(it->second), node.names, 1);
        return cannot("undefined variable " + node.names[0]);
      }
      case NodeKind::chain: {
        TT_ASSIGN(const TemplateValue v, pipe(node.children[0], dot));
        return fields(v, node.names, 0);
      }
      case NodeKind::pipe:
        return pipe(node, dot);
      case NodeKind::function: {  // an argument that is a function without arguments: now, __line__
        std::vector<TemplateValue> none;
        if (node.entry == nullptr) return cannot(node.names[0] + " needs an argument");
        return call(*node.entry, none);
      }
      default:
        return cannot("not a value");
    }
  }

  Result<TemplateValue> fields(TemplateValue v, const std::vector<std::string>& names, std::size_t from) {
    for (std::size_t i = from; i < names.size(); ++i) {
      if (std::holds_alternative<LabelsData>(v.v)) {
        v = TemplateValue(std::string(row_.get(names[i]).value_or(std::string_view())));
      } else if (const auto* map = v.map()) {
        const auto found = map->find(names[i]);
        v = found == map->end() ? TemplateValue() : TemplateValue(found->second);
      } else if (v.is_nil()) {
        return cannot(fmt::format("nil has no field {}", names[i]));
      } else {
        return cannot(fmt::format("{} has no field {}", type_name(v), names[i]));
      }
    }
    return v;
  }

  TemplateMap label_map() const {
    TemplateMap out;
    for (const auto& e : row_.labels()) out.emplace(std::string(e.name), TemplateValue(std::string(e.value)));
    return out;
  }
  bool truth(const TemplateValue& v) const {
    return std::holds_alternative<LabelsData>(v.v) ? !row_.labels().empty() : is_true(v);
  }
  std::string print(const TemplateValue& v) const {
    if (std::holds_alternative<LabelsData>(v.v))
      return print_value(TemplateValue(std::make_shared<const TemplateMap>(label_map())));
    return print_value(v);
  }

  RowState& row_;
  std::string out_;
  std::vector<std::pair<std::string, TemplateValue>> variables_;
};

bool collect_fields(const TemplateNode& node, std::set<std::string, std::less<>>& out) {
  if (node.kind == NodeKind::dot) return false;
  if (node.kind == NodeKind::field) out.insert(node.names[0]);
  if (node.kind == NodeKind::variable && node.names[0] == "$") {
    if (node.names.size() < 2) return false;
    out.insert(node.names[1]);
  }
  return std::all_of(node.children.begin(), node.children.end(),
                     [&out](const TemplateNode& child) { return collect_fields(child, out); });
}

}  // namespace

Result<Template> Template::compile(std::string_view text) {
  TT_ASSIGN(TemplateNode root, parse_template(text));
  Template out;
  out.root_ = std::make_shared<const TemplateNode>(std::move(root));
  return out;
}

Result<std::string> Template::run(RowState& row) const { return TemplateRunner(row).run(*root_); }

bool Template::add_fields(std::set<std::string, std::less<>>& out) const {
  return collect_fields(*root_, out);
}

}  // namespace telltale::logql
