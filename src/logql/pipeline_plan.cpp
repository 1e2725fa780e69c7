#include "logql/pipeline_plan.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "logql/row_state.hpp"
#include "logql/stage.hpp"
#include "logql/text_match.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

using storage::EventFilter;
using storage::FilterOp;

EventFilter none_of(EventFilter f) { return {FilterOp::none, {}, {}, {std::move(f)}, {}, false}; }
EventFilter any_of(std::vector<EventFilter> list) {
  return {FilterOp::any, {}, {}, std::move(list), {}, false};
}

/// A text condition on a label that no stage has touched: exactly the store's.
EventFilter text_filter(const std::string& name, CompareOp op, const std::string& value) {
  switch (op) {
    case CompareOp::eq:
      return EventFilter::spelled(FilterOp::eq, name, value);
    case CompareOp::ne:
      return none_of(EventFilter::spelled(FilterOp::eq, name, value));
    case CompareOp::re:
      return EventFilter::spelled(FilterOp::regex, name, "\\A(?:" + value + ")\\z");
    default:
      return none_of(EventFilter::spelled(FilterOp::regex, name, "\\A(?:" + value + ")\\z"));
  }
}

bool is_error_label(std::string_view name) { return name == kErrorLabel || name == kErrorDetailsLabel; }

/// Text that stands in a line as it is, however the line is encoded (but for \u escapes).
bool is_plain(std::string_view text) {
  return text.size() >= 2 && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
                  c == ':';
         });
}

class PushDownWalk {
 public:
  explicit PushDownWalk(const LogQuery& query) : query_(query) {}

  PushDown run() {
    for (const Matcher& m : query_.matchers) out_.push_back(text_filter(m.name, m.op, m.value));
    for (const Stage& stage : query_.stages) visit(stage);
    PushDown result;
    result.exact = exact_;
    result.filter = EventFilter::all_of(std::move(out_));
    return result;
  }

 private:
  void visit(const Stage& stage) {
    switch (stage.kind) {
      case StageKind::line_filter: {
        const auto filter = line_changed_ ? std::nullopt : line_filter(stage);
        if (filter) out_.push_back(*filter);
        if (!filter || !line_exact_) exact_ = false;
        return;
      }
      case StageKind::label_filter: {
        filter_exact_ = true;
        if (leaves_errors_out(stage.filter)) may_have_error_ = false;
        const auto filter = label_filter(stage.filter);
        if (filter) out_.push_back(*filter);
        if (!filter || !filter_exact_) exact_ = false;
        return;
      }
      case StageKind::json:
      case StageKind::logfmt:
        exact_ = false;
        if (stage.kind == StageKind::json || stage.strict) may_have_error_ = true;
        if (stage.assignments.empty()) {
          parsed_ = true;
          parsed_changed_line_ = parsed_changed_line_ || line_changed_;
        }
        for (const Assignment& a : stage.assignments) touched_.insert(a.label);
        return;
      case StageKind::label_format:
        exact_ = false;
        may_have_error_ = true;
        for (const Assignment& a : stage.assignments) {
          touched_.insert(a.label);
          if (a.is_label) touched_.insert(a.value);
        }
        return;
      case StageKind::drop:
        exact_ = false;
        for (const LabelChoice& c : stage.choices) touched_.insert(c.name);
        return;
      case StageKind::line_format:
      case StageKind::decolorize:
        exact_ = false;
        may_have_error_ = true;
        line_changed_ = true;
        return;
      default:  // pattern, regexp, unpack, keep: any label may have changed
        exact_ = false;
        may_have_error_ = true;
        all_touched_ = true;
        line_changed_ = line_changed_ || stage.kind == StageKind::unpack;
    }
  }

  /// One of the terms suffices, so each of them must be sayable.
  std::optional<EventFilter> line_filter(const Stage& stage) {
    line_exact_ = true;
    std::vector<EventFilter> terms;
    const bool negative = is_negative(stage.line_op);
    for (const LineTerm& t : stage.terms) {
      const auto term = line_term(stage.line_op, t, negative);
      if (!term) return std::nullopt;
      terms.push_back(*term);
    }
    if (negative) return EventFilter{FilterOp::none, {}, {}, std::move(terms), {}, false};
    return terms.size() == 1 ? std::move(terms[0]) : any_of(std::move(terms));
  }

  std::optional<EventFilter> line_term(LineOp op, const LineTerm& t, bool negative) {
    if (t.kind == TermKind::ip) return std::nullopt;
    const bool any_field = t.kind == TermKind::any_field;
    if (any_field) {
      // The store looks into a row's payload, too: good enough to keep rows, not to drop them.
      if (negative) return std::nullopt;
      line_exact_ = false;
    }
    const std::string field = any_field ? "*" : "message";
    if (op == LineOp::contains || op == LineOp::not_contains) {
      if (t.text.empty()) return EventFilter{};  // true
      return EventFilter::leaf(FilterOp::contains, field, t.text);
    }
    if (op == LineOp::regex || op == LineOp::not_regex) {
      const auto regex = LineRegex::make(t.text);
      if (!regex) return std::nullopt;
      if (any_field && regex->matches("")) return EventFilter{};
      if (regex->whole() && !t.text.empty()) return EventFilter::leaf(FilterOp::contains, field, t.text);
      EventFilter leaf = EventFilter::leaf(FilterOp::regex, field, "(?s)" + t.text);
      if (regex->literal().size() < 2 || negative) return leaf;
      return EventFilter::all_of(
          {EventFilter::leaf(FilterOp::contains, field, regex->literal()), std::move(leaf)});
    }
    const auto pattern = PatternFilter::make(t.text);
    if (!pattern || negative) return std::nullopt;
    line_exact_ = false;
    std::vector<EventFilter> parts;
    for (const std::string& literal : pattern->literals())
      parts.push_back(EventFilter::leaf(FilterOp::contains, "message", literal));
    return EventFilter::all_of(std::move(parts));
  }

  std::optional<EventFilter> label_filter(const LabelFilter& f) {
    if (f.kind == LabelFilterKind::both) {
      auto left = label_filter(f.children[0]);
      auto right = label_filter(f.children[1]);
      if (!left || !right) filter_exact_ = false;
      if (!left) return right;
      if (!right) return left;
      return EventFilter::all_of({std::move(*left), std::move(*right)});
    }
    if (f.kind == LabelFilterKind::either) {
      auto left = label_filter(f.children[0]);
      auto right = label_filter(f.children[1]);
      if (!left || !right) return std::nullopt;
      return any_of({std::move(*left), std::move(*right)});
    }
    if (all_touched_ || is_error_label(f.name) || touched_.contains(f.name) ||
        f.name.ends_with("_extracted")) {
      if (f.kind != LabelFilterKind::text) may_have_error_ = true;
      return std::nullopt;
    }
    if (parsed_) filter_exact_ = false;
    if (f.kind == LabelFilterKind::text) return text_leaf(f);
    // Numbers, durations, sizes and addresses let a row through that has an error, and may give it one.
    auto out = f.kind == LabelFilterKind::number && !may_have_error_ ? number_leaf(f) : std::nullopt;
    may_have_error_ = true;
    return out;
  }

  static bool leaves_errors_out(const LabelFilter& f) {
    if (f.kind == LabelFilterKind::both)
      return leaves_errors_out(f.children[0]) && leaves_errors_out(f.children[1]);
    return f.kind == LabelFilterKind::text && f.name == kErrorLabel && f.op == CompareOp::eq &&
           f.value.empty();
  }

  std::optional<EventFilter> text_leaf(const LabelFilter& f) {
    if (!parsed_) return text_filter(f.name, f.op, f.value);
    // The label may come out of the line: its text then stands in the line.
    if (f.op != CompareOp::eq || !is_plain(f.value) || parsed_changed_line_) return std::nullopt;
    return any_of({EventFilter::spelled(FilterOp::eq, f.name, f.value),
                   EventFilter::leaf(FilterOp::contains, "message", f.value),
                   EventFilter::leaf(FilterOp::contains, "message", "\\u")});
  }

  /// Rows whose label is no number are kept with an error, so only those go that are a number beyond the
  /// bound.
  std::optional<EventFilter> number_leaf(const LabelFilter& f) {
    filter_exact_ = false;
    // A stored field is what the parser will find, but for its spelling as a number; a changed line is not.
    if (parsed_ && parsed_changed_line_) return std::nullopt;
    const std::string bound = format_plain_float(f.number);
    const auto beyond = [&](FilterOp op) { return none_of(EventFilter::spelled(op, f.name, bound)); };
    switch (f.op) {
      case CompareOp::gt:
        return beyond(FilterOp::le);
      case CompareOp::ge:
        return beyond(FilterOp::lt);
      case CompareOp::lt:
        return beyond(FilterOp::ge);
      case CompareOp::le:
        return beyond(FilterOp::gt);
      case CompareOp::eq:
        return EventFilter::all_of({beyond(FilterOp::lt), beyond(FilterOp::gt)});
      default:
        return std::nullopt;
    }
  }

  const LogQuery& query_;
  std::vector<EventFilter> out_;
  std::set<std::string, std::less<>> touched_;
  bool all_touched_ = false;
  bool may_have_error_ = false;  // some row may have one here
  bool parsed_ = false;
  bool parsed_changed_line_ = false;
  bool line_changed_ = false;
  bool line_exact_ = true;
  bool filter_exact_ = true;
  bool exact_ = true;
};

/// Of a pipeline of line filters, label filters and at most one `| json` without arguments.
class StoredWalk {
 public:
  std::optional<StoredPlan> run(const LogQuery& query, const std::vector<std::string>& texts,
                                const std::vector<std::string>& numbers) {
    // What stands before the parser is for push_down(), stage by stage.
    LogQuery before;
    before.matchers = query.matchers;
    for (const Stage& stage : query.stages) {
      if (stage.kind == StageKind::json && stage.assignments.empty() && !parsed_) {
        parsed_ = true;
        given_.push_back(EventFilter::says(""));
      } else if (stage.kind == StageKind::label_filter) {
        auto filter = label_filter(stage.filter);
        if (!filter) return std::nullopt;
        filters_.push_back(*std::move(filter));
      } else if (stage.kind == StageKind::line_filter) {
        before.stages.push_back(stage);
      } else {
        return std::nullopt;
      }
    }
    PushDown pushed = push_down(before);
    if (!pushed.exact) return std::nullopt;
    filters_.push_back(std::move(pushed.filter));
    for (const std::string& name : texts)
      if (!reads_text(name)) return std::nullopt;
    for (const std::string& name : numbers)
      if (!reads_number(name)) return std::nullopt;
    return StoredPlan{EventFilter::all_of(std::move(filters_)), EventFilter::all_of(std::move(given_))};
  }

 private:
  static bool sayable(const std::string& name) {
    return !is_error_label(name) && !name.ends_with("_extracted") && !name.starts_with("__");
  }
  bool reads_text(const std::string& name) {
    if (!sayable(name)) return false;
    if (parsed_) given_.push_back(EventFilter::says(name));
    return true;
  }
  bool reads_number(const std::string& name) {
    if (!sayable(name)) return false;
    EventFilter number = EventFilter::spelled(FilterOp::ge, name, "-inf");
    EventFilter absent = none_of(EventFilter::spelled(FilterOp::exists, name));
    if (parsed_) {
      number = EventFilter::all_of({EventFilter::says(name, true), std::move(number)});
      absent = EventFilter::all_of({EventFilter::says(name), std::move(absent)});
    }
    given_.push_back(any_of({std::move(number), std::move(absent)}));
    return true;
  }

  std::optional<EventFilter> label_filter(const LabelFilter& f) {
    if (f.kind == LabelFilterKind::both || f.kind == LabelFilterKind::either) {
      auto left = label_filter(f.children[0]);
      auto right = label_filter(f.children[1]);
      if (!left || !right) return std::nullopt;
      std::vector<EventFilter> both;
      both.push_back(*std::move(left));
      both.push_back(*std::move(right));
      return f.kind == LabelFilterKind::both ? EventFilter::all_of(std::move(both)) : any_of(std::move(both));
    }
    // Of rows without errors.
    if (f.kind == LabelFilterKind::text && f.name == kErrorLabel && f.op == CompareOp::eq && f.value.empty())
      return EventFilter{};
    if (f.kind == LabelFilterKind::text) {
      if (!reads_text(f.name)) return std::nullopt;
      return text_filter(f.name, f.op, f.value);
    }
    if (f.kind != LabelFilterKind::number || !reads_number(f.name)) return std::nullopt;
    return number_filter(f);
  }

  static EventFilter number_filter(const LabelFilter& f) {
    const std::string bound = format_plain_float(f.number);
    const auto leaf = [&](FilterOp op) { return EventFilter::spelled(op, f.name, bound); };
    switch (f.op) {
      case CompareOp::gt:
        return leaf(FilterOp::gt);
      case CompareOp::ge:
        return leaf(FilterOp::ge);
      case CompareOp::lt:
        return leaf(FilterOp::lt);
      case CompareOp::le:
        return leaf(FilterOp::le);
      case CompareOp::eq:
        return EventFilter::all_of({leaf(FilterOp::ge), leaf(FilterOp::le)});
      default:
        return any_of({leaf(FilterOp::lt), leaf(FilterOp::gt)});
    }
  }

  bool parsed_ = false;
  std::vector<EventFilter> filters_;
  std::vector<EventFilter> given_;
};

}  // namespace

PushDown push_down(const LogQuery& query) { return PushDownWalk(query).run(); }

std::optional<StoredPlan> plan_on_stored(const LogQuery& query, const std::vector<std::string>& texts,
                                         const std::vector<std::string>& numbers) {
  return StoredWalk().run(query, texts, numbers);
}

}  // namespace telltale::logql
