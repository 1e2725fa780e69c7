// The plain evaluator of event filters: one row at a time, field by field. Slow and obvious on purpose:
// faster evaluators are tested against it.
#include "storage/event_filter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <re2/re2.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "storage/json_line.hpp"

namespace telltale::storage {

namespace {

/// `needle` is in lower case.
bool contains_ignore_case(std::string_view text, std::string_view needle) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), needle.begin(), needle.end(),
                     [fold](char a, char b) { return fold(a) == b; }) != text.end();
}

Result<> check_filter_node(const EventFilter& filter, std::size_t depth, std::size_t& nodes) {
  if (depth > limits::kMaxFilterDepth)
    return fail(ErrorKind::invalid_argument,
                "filter: nested deeper than " + std::to_string(limits::kMaxFilterDepth) + " levels");
  nodes += 1 + filter.values.size();
  if (nodes > limits::kMaxFilterNodes)
    return fail(ErrorKind::invalid_argument,
                "filter: more than " + std::to_string(limits::kMaxFilterNodes) + " conditions");
  for (const EventFilter& child : filter.children) TT_TRY(check_filter_node(child, depth + 1, nodes));
  return {};
}

}  // namespace

std::optional<double> number_of(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (std::isnan(v)) return std::nullopt;
  return v;
}

Result<> check_filter_size(const EventFilter& filter) {
  std::size_t nodes = 0;
  return check_filter_node(filter, 1, nodes);
}

Result<CompiledLeaf> CompiledLeaf::compile(const EventFilter& leaf) {
  CompiledLeaf out;
  out.op_ = leaf.op;
  out.field_ = leaf.field;
  out.any_spelling_ = leaf.any_spelling;
  out.value_ = leaf.value;
  if (leaf.field.empty() && leaf.op != FilterOp::json_line)
    return fail(ErrorKind::invalid_argument, "filter: a condition without a field name");
  const bool text_op =
      leaf.op == FilterOp::contains || leaf.op == FilterOp::icontains || leaf.op == FilterOp::regex;
  if (leaf.field == "*" && leaf.any_spelling)
    return fail(ErrorKind::invalid_argument, "filter: * is no spelling of a field");
  if (leaf.field == "*" && !text_op)
    return fail(ErrorKind::invalid_argument, "filter: * stands only before contains, icontains and regex");
  switch (leaf.op) {
    case FilterOp::icontains:
      out.value_ = to_lower(leaf.value);
      break;
    case FilterOp::regex: {
      re2::RE2::Options options;
      options.set_log_errors(false);
      auto regex = std::make_shared<re2::RE2>(leaf.value, options);
      if (!regex->ok())
        return fail(ErrorKind::invalid_argument,
                    "filter on " + leaf.field + ": bad regular expression: " + regex->error());
      out.regex_ = std::move(regex);
      break;
    }
    case FilterOp::in:
      out.values_ = leaf.values;
      out.set_ =
          std::make_shared<const std::unordered_set<std::string>>(leaf.values.begin(), leaf.values.end());
      break;
    case FilterOp::gt:
    case FilterOp::ge:
    case FilterOp::lt:
    case FilterOp::le: {
      const auto number = number_of(leaf.value);
      if (!number)
        return fail(ErrorKind::invalid_argument,
                    "filter on " + leaf.field + ": \"" + leaf.value + "\" is not a number");
      out.number_ = *number;
      break;
    }
    default:
      break;
  }
  return out;
}

bool CompiledLeaf::matches(std::optional<std::string_view> text) const {
  const std::string_view t = text.value_or(std::string_view());
  switch (op_) {
    case FilterOp::eq:
      return t == value_;
    case FilterOp::contains:
      return text && t.find(value_) != std::string_view::npos;
    case FilterOp::icontains:
      return text && contains_ignore_case(t, value_);
    case FilterOp::regex:
      return re2::RE2::PartialMatch(re2::StringPiece(t.data(), t.size()), *regex_);
    case FilterOp::exists:
      return !t.empty();
    case FilterOp::in:
      return set_->contains(std::string(t));
    case FilterOp::gt:
    case FilterOp::ge:
    case FilterOp::lt:
    case FilterOp::le: {
      const auto n = number_of(t);
      if (!n) return false;
      if (op_ == FilterOp::gt) return *n > number_;
      if (op_ == FilterOp::ge) return *n >= number_;
      if (op_ == FilterOp::lt) return *n < number_;
      return *n <= number_;
    }
    default:
      return false;
  }
}

bool CompiledLeaf::matches_line(const EventRow& row) const {
  return line_says_field(row, field_, as_number());
}

struct CompiledFilter::Node {
  FilterOp op = FilterOp::all;
  std::optional<CompiledLeaf> leaf;
  std::vector<Node> children;

  static Result<Node> compile(const EventFilter& filter) {
    Node node;
    node.op = filter.op;
    if (is_leaf(filter.op)) {
      TT_ASSIGN(node.leaf, CompiledLeaf::compile(filter));
      return node;
    }
    for (const EventFilter& child : filter.children) {
      TT_ASSIGN(Node compiled, compile(child));
      node.children.push_back(std::move(compiled));
    }
    return node;
  }

  bool matches(const EventRow& row) const {
    const auto holds = [&row](const Node& child) { return child.matches(row); };
    switch (op) {
      case FilterOp::all:
        return std::all_of(children.begin(), children.end(), holds);
      case FilterOp::any:
        return std::any_of(children.begin(), children.end(), holds);
      case FilterOp::none:
        return std::none_of(children.begin(), children.end(), holds);
      default:
        return leaf_matches(row);
    }
  }

  bool leaf_matches(const EventRow& row) const {
    if (leaf->op() == FilterOp::json_line) return leaf->matches_line(row);
    const auto text_matches = [this](const std::string& s) {
      return leaf->matches(s.empty() ? std::nullopt : std::optional<std::string_view>(s));
    };
    if (leaf->any_field()) {
      if (text_matches(row.message) || text_matches(row.payload)) return true;
      return std::any_of(row.attributes.begin(), row.attributes.end(), [this](const Attr& a) {
        if (const auto* s = std::get_if<std::string>(&a.value)) return leaf->matches(*s);
        return leaf->matches(to_string(a.value));
      });
    }
    if (leaf->any_spelling()) {
      const auto text = spelled_text(row, leaf->field());
      return leaf->matches(text ? std::optional<std::string_view>(*text) : std::nullopt);
    }
    // The hottest fields are read in place; field_text() would copy them.
    if (leaf->field() == "message") return text_matches(row.message);
    if (leaf->field() == "service") return text_matches(row.ids.service);
    if (leaf->field() == "request_id") return text_matches(row.ids.request_id);
    const auto text = field_text(row, leaf->field());
    return leaf->matches(text ? std::optional<std::string_view>(*text) : std::nullopt);
  }
};

CompiledFilter::CompiledFilter(std::unique_ptr<Node> root) : root_(std::move(root)) {}
CompiledFilter::~CompiledFilter() = default;
CompiledFilter::CompiledFilter(CompiledFilter&&) noexcept = default;
CompiledFilter& CompiledFilter::operator=(CompiledFilter&&) noexcept = default;

Result<CompiledFilter> CompiledFilter::compile(const EventFilter& filter) {
  TT_TRY(check_filter_size(filter));
  TT_ASSIGN(Node root, Node::compile(filter));
  return CompiledFilter(std::make_unique<Node>(std::move(root)));
}

bool CompiledFilter::matches(const EventRow& row) const { return root_->matches(row); }

}  // namespace telltale::storage
