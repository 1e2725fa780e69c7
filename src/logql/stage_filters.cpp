// The stages that drop rows: line filters and label filters.
#include <algorithm>

#include <fmt/format.h>

#include "logql/stage.hpp"
#include "logql/text_match.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

class LineStage final : public RowStage {
 public:
  static Result<std::unique_ptr<RowStage>> make(const Stage& stage) {
    auto out = std::make_unique<LineStage>();
    out->negative_ = is_negative(stage.line_op);
    for (const LineTerm& t : stage.terms) {
      Term term;
      term.kind = t.kind;
      term.text = t.text;
      if (t.kind == TermKind::ip) {
        TT_ASSIGN(term.ip, IpMatcher::make(t.text));
      } else if (stage.line_op == LineOp::regex || stage.line_op == LineOp::not_regex) {
        TT_ASSIGN(term.regex, LineRegex::make(t.text));
      } else if (stage.line_op == LineOp::pattern || stage.line_op == LineOp::not_pattern) {
        TT_ASSIGN(term.pattern, PatternFilter::make(t.text));
      }
      out->terms_.push_back(std::move(term));
    }
    return out;
  }

  bool run(RowState& row) override {
    const bool any =
        std::any_of(terms_.begin(), terms_.end(), [&row](const Term& t) { return t.matches(row); });
    return any != negative_;
  }

 private:
  struct Term {
    TermKind kind = TermKind::line;
    std::string text;
    std::optional<IpMatcher> ip;
    std::optional<LineRegex> regex;
    std::optional<PatternFilter> pattern;

    bool in_text(std::string_view s) const {
      if (ip) return ip->found_in(s);
      if (regex) return regex->matches(s);
      if (pattern) return pattern->matches(s);
      return s.find(text) != std::string_view::npos;
    }
    bool matches(RowState& row) const {
      if (in_text(row.line())) return true;
      if (kind != TermKind::any_field) return false;
      const EventRow& r = row.row();
      for (const Attr& a : r.attributes) {
        const auto* s = std::get_if<std::string>(&a.value);
        if (s != nullptr ? in_text(*s) : in_text(telltale::to_string(a.value))) return true;
      }
      return false;
    }
  };
  std::vector<Term> terms_;
  bool negative_ = false;
};

bool compare_numbers(CompareOp op, double a, double b) {
  switch (op) {
    case CompareOp::eq:
      return a == b;
    case CompareOp::ne:
      return a != b;
    case CompareOp::gt:
      return a > b;
    case CompareOp::ge:
      return a >= b;
    case CompareOp::lt:
      return a < b;
    default:
      return a <= b;
  }
}

class FilterNode {
 public:
  static Result<FilterNode> make(const LabelFilter& f) {
    FilterNode out;
    out.filter_ = f;
    out.filter_.children.clear();
    for (const LabelFilter& child : f.children) {
      TT_ASSIGN(out.children_.emplace_back(), make(child));
    }
    if (f.kind == LabelFilterKind::text) {
      TT_ASSIGN(out.text_, TextMatcher::make(f.op, f.value));
    } else if (f.kind == LabelFilterKind::ip) {
      TT_ASSIGN(out.ip_, IpMatcher::make(f.value));
    }
    return out;
  }

  bool holds(RowState& row) const {
    switch (filter_.kind) {
      case LabelFilterKind::both:
        return children_[0].holds(row) && children_[1].holds(row);
      case LabelFilterKind::either: {
        const bool left = children_[0].holds(row);
        return left || children_[1].holds(row);
      }
      case LabelFilterKind::text:
        return text_->matches(row.get(filter_.name).value_or(std::string_view()));
      default:
        break;
    }
    // Only filters on text can drop a row that has an error.
    if (row.has_error()) return true;
    const auto value = row.get(filter_.name);
    if (!value || value->empty()) return false;
    if (filter_.kind == LabelFilterKind::ip) return ip_->matches(*value) == (filter_.op == CompareOp::eq);
    std::optional<double> number;
    if (filter_.kind == LabelFilterKind::number) number = parse_go_float(*value);
    if (filter_.kind == LabelFilterKind::duration)
      if (const auto d = parse_go_duration(*value)) number = static_cast<double>(d->count());
    if (filter_.kind == LabelFilterKind::bytes)
      if (const auto b = parse_byte_size(*value)) number = static_cast<double>(*b);
    if (!number) {
      row.set_error(pipeline_error::kLabelFilter, fmt::format("{}: \"{}\" cannot be compared with {}",
                                                              filter_.name, *value, filter_.value));
      return true;
    }
    return compare_numbers(filter_.op, *number, filter_.number);
  }

 private:
  LabelFilter filter_;
  std::vector<FilterNode> children_;
  std::optional<TextMatcher> text_;
  std::optional<IpMatcher> ip_;
};

class FilterStage final : public RowStage {
 public:
  explicit FilterStage(FilterNode root) : root_(std::move(root)) {}
  bool run(RowState& row) override { return root_.holds(row); }

 private:
  FilterNode root_;
};

}  // namespace

Result<std::unique_ptr<RowStage>> make_line_stage(const Stage& stage) { return LineStage::make(stage); }

Result<std::unique_ptr<RowStage>> make_filter_stage(const LabelFilter& filter) {
  TT_ASSIGN(FilterNode root, FilterNode::make(filter));
  return std::make_unique<FilterStage>(std::move(root));
}

void add_read_labels(const LabelFilter& f, std::set<std::string, std::less<>>& out) {
  for (const LabelFilter& child : f.children) add_read_labels(child, out);
  if (f.children.empty()) out.insert(f.name);
}

}  // namespace telltale::logql
