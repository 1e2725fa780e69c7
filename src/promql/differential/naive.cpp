#include "promql/differential/naive.hpp"

#include <algorithm>
#include <cmath>

#include "promql/differential/naive_impl.hpp"
#include "promql/engine.hpp"

namespace telltale::promql::naive {
namespace {

bool is_listed(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Labels grouped(const Labels& labels, const Expr& e) {
  Labels out = e.without ? without_name(labels) : labels;
  for (const Label& l : labels) {
    if (is_listed(e.grouping, l.name) == e.without) out.erase(l.name);
  }
  return out;
}

}  // namespace

Labels without_name(Labels labels) {
  labels.erase(kMetricName);
  return labels;
}

Result<Value> distinct(Value v) {
  std::set<Labels> seen;
  for (const Element& x : v.vector) {
    if (!seen.insert(x.labels).second)
      return fail(ErrorKind::execution, "vector cannot contain metrics with the same labelset");
  }
  return v;
}

double Walk::settled(const Computed& c) const {
  if (c.exact || rules_.nudge == nullptr || !std::isfinite(c.value)) return c.value;
  const double by = rules_.nudge->unit() * 2 - 1;
  return c.value + by * (c.cancels ? 1e-9 * std::max(1.0, std::abs(c.value)) + 1e-15 * c.of
                                   : 1e-12 * std::abs(c.value));
}

std::int64_t Walk::moved(const Expr& selector, std::int64_t now_ms) const {
  switch (selector.at) {
    case AtKind::none:
      break;
    case AtKind::time:
      now_ms = selector.at_ms;
      break;
    case AtKind::start:
      now_ms = span_.start;
      break;
    case AtKind::end:
      now_ms = span_.end;
      break;
  }
  return now_ms - selector.offset_ms;
}

const Point* Walk::newest(const Series& s, std::int64_t at_ms) const {
  const Point* found = nullptr;
  for (const Point& p : s.points) {
    if (p.time_ms <= at_ms && p.time_ms > at_ms - rules_.lookback_ms) found = &p;
  }
  return found != nullptr && is_stale_nan(found->value) ? nullptr : found;
}

Value Walk::select(const Expr& e, std::int64_t now_ms, bool timestamps) const {
  Value out;
  for (const Series& s : data_) {
    if (!storage::matches_all(e.matchers, s.labels)) continue;
    const Point* p = newest(s, moved(e, now_ms));
    if (p == nullptr) continue;
    out.vector.push_back({s.labels, timestamps ? static_cast<double>(p->time_ms) / 1000 : p->value});
  }
  return out;
}

Result<std::vector<Walk::LabelledRange>> Walk::ranges(const Expr& range, std::int64_t now_ms) {
  const Expr& e = unwrap(range);
  const bool selects = e.kind == ExprKind::matrix_selector;
  const std::int64_t to = moved(selects ? *e.args[0] : e, now_ms);
  const std::int64_t from = to - e.range_ms;
  std::vector<LabelledRange> out;
  if (selects) {
    for (const Series& s : data_) {
      if (!storage::matches_all(e.args[0]->matchers, s.labels)) continue;
      Range r{{}, from, to, now_ms, 0};
      for (const Point& p : s.points) {
        if (p.time_ms > from && p.time_ms <= to && !is_stale_nan(p.value)) r.points.push_back(p);
      }
      if (!r.points.empty()) out.push_back({s.labels, std::move(r)});
    }
    return out;
  }
  const std::int64_t step = e.step_ms > 0 ? e.step_ms : rules_.subquery_step_ms;
  std::map<Labels, Range> found;
  for (std::int64_t t = (from / step - 1) * step; t <= to; t += step) {
    if (t <= from) continue;
    TT_ASSIGN(const Value v, eval(*e.args[0], t));
    for (const Element& x : v.vector)
      found.try_emplace(x.labels, Range{{}, from, to, now_ms, 0})
          .first->second.points.push_back({t, x.value});
  }
  for (auto& [labels, r] : found) out.push_back({labels, std::move(r)});
  return out;
}

Result<double> Walk::number(const Expr& e, std::int64_t now_ms) {
  TT_ASSIGN(const Value v, eval(e, now_ms));
  return v.scalar;
}

Result<Value> Walk::eval(const Expr& e, std::int64_t now_ms) {
  Value out;
  switch (e.kind) {
    case ExprKind::number:
      out.type = ValueType::scalar;
      out.scalar = e.number;
      return out;
    case ExprKind::string:
      out.type = ValueType::string;
      out.text = e.text;
      return out;
    case ExprKind::paren:
      return eval(*e.args[0], now_ms);
    case ExprKind::vector_selector:
      if (e.extension != Extension::none) break;
      return select(e, now_ms, false);
    case ExprKind::unary: {
      TT_ASSIGN(Value v, eval(*e.args[0], now_ms));
      if (e.op != BinaryOp::sub) return v;
      v.scalar = -v.scalar;
      for (Element& x : v.vector) x = {without_name(x.labels), -x.value};
      return distinct(std::move(v));
    }
    case ExprKind::binary:
      return binary(e, now_ms);
    case ExprKind::aggregate:
      return aggregate_by(e, now_ms);
    case ExprKind::call:
      return call(e, now_ms);
    case ExprKind::matrix_selector:
    case ExprKind::subquery: {
      TT_ASSIGN(auto all, ranges(e, now_ms));
      out.type = ValueType::matrix;
      for (LabelledRange& r : all) out.matrix.push_back({std::move(r.labels), std::move(r.range.points)});
      return out;
    }
  }
  return fail(ErrorKind::unsupported, "not in the naive evaluator");
}

std::vector<Element> Walk::best_of(std::vector<Element> members, double k, bool top) {
  if (k < 1) return {};
  const auto better = [top](const Element& a, const Element& b) {
    if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value) && std::isnan(b.value);
    return top ? a.value > b.value : a.value < b.value;
  };
  std::stable_sort(members.begin(), members.end(), better);
  if (static_cast<double>(members.size()) <= k) return members;
  const auto n = static_cast<std::size_t>(k);
  open_ = open_ || !better(members[n - 1], members[n]);
  members.resize(n);
  return members;
}

Result<Value> Walk::aggregate_by(const Expr& e, std::int64_t now_ms) {
  Value param;
  if (e.param) {
    TT_ASSIGN(param, eval(*e.param, now_ms));
  }
  TT_ASSIGN(const Value v, eval(*e.args[0], now_ms));
  std::map<Labels, std::vector<Element>> groups;
  std::map<Labels, double> counts;
  for (const Element& x : v.vector) {
    groups[grouped(x.labels, e)].push_back(x);
    // The label with the value is there before the grouping, and belongs to by() without being named.
    if (e.text != "count_values") continue;
    Labels with = x.labels;
    with.set(param.text, format_value(x.value));
    Labels group = grouped(with, e);
    if (!e.without) group.set(param.text, with.get(param.text));
    ++counts[group];
  }
  const bool chooses = e.text == "topk" || e.text == "bottomk";
  if (chooses && (std::isnan(param.scalar) || std::abs(param.scalar) > 9e18))
    return fail(ErrorKind::execution, "parameter of topk or bottomk");
  Value out;
  for (const auto& [labels, members] : groups) {
    if (chooses) {
      for (Element& x : best_of(members, param.scalar, e.text == "topk")) out.vector.push_back(std::move(x));
    } else if (e.text == "count_values") {
      break;  // counted above
    } else if (e.text.starts_with("limit")) {
      return fail(ErrorKind::unsupported, "not in the naive evaluator");
    } else {
      std::vector<double> values;
      for (const Element& x : members) values.push_back(x.value);
      out.vector.push_back({labels, settled(aggregate(e.text, std::move(values), param.scalar, rules_))});
    }
  }
  for (const auto& [labels, n] : counts) out.vector.push_back({labels, n});
  return distinct(std::move(out));
}

Result<Outcome> evaluate(const Expr& expr, const std::vector<Series>& data, const QuerySpan& span,
                         const Rules& rules) {
  Walk walk(data, span, rules);
  Outcome out;
  for (std::int64_t t = span.start; t <= span.end; t += std::max<std::int64_t>(span.step, 1)) {
    TT_ASSIGN(const Value v, walk.eval(expr, t));
    if (v.type == ValueType::scalar) out.answer[Labels()][t] = v.scalar;
    for (const Element& x : v.vector) out.answer[x.labels][t] = x.value;
    for (const Series& s : v.matrix) {
      for (const Point& p : s.points) out.answer[s.labels][p.time_ms] = p.value;
    }
    if (span.step == 0) break;
  }
  out.open = walk.open();
  return out;
}

}  // namespace telltale::promql::naive
