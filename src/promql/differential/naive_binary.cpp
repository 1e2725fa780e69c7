// Operators of two sides, at one time.
#include <algorithm>
#include <cmath>

#include "promql/differential/naive_impl.hpp"

namespace telltale::promql::naive {
namespace {

bool keeps_name(const Expr& e) { return is_comparison(e.op) && !e.bool_modifier; }

/// What both sides must agree in.
Labels match_key(const Labels& labels, const VectorMatching& m) {
  Labels out = without_name(labels);
  for (const Label& l : labels) {
    const bool listed = std::find(m.labels.begin(), m.labels.end(), l.name) != m.labels.end();
    if (listed != m.on) out.erase(l.name);
  }
  if (m.on && std::find(m.labels.begin(), m.labels.end(), kMetricName) != m.labels.end())
    out.set(kMetricName, labels.get(kMetricName));
  return out;
}

}  // namespace

double Walk::compute(BinaryOp op, double a, double b) const {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::sub:
      return a - b;
    case BinaryOp::mul:
      return a * b;
    case BinaryOp::div:
      return a / b;
    case BinaryOp::mod:
      return std::fmod(a, b);
    case BinaryOp::pow:
      return settled({std::pow(a, b), false});
    case BinaryOp::atan2:
      return settled({std::atan2(a, b), false});
    case BinaryOp::eq:
      return a == b ? 1 : 0;
    case BinaryOp::ne:
      return a != b ? 1 : 0;
    case BinaryOp::lt:
      return a < b ? 1 : 0;
    case BinaryOp::le:
      return a <= b ? 1 : 0;
    case BinaryOp::gt:
      return a > b ? 1 : 0;
    case BinaryOp::ge:
      return a >= b ? 1 : 0;
    default:
      return std::nan("");
  }
}

Value Walk::with_scalar(const Expr& e, Value v, double scalar, bool scalar_left) const {
  Value out;
  for (const Element& x : v.vector) {
    const double y = scalar_left ? compute(e.op, scalar, x.value) : compute(e.op, x.value, scalar);
    if (!keeps_name(e)) {
      out.vector.push_back({without_name(x.labels), y});
    } else if (y != 0) {
      out.vector.push_back(x);
    }
  }
  return out;
}

Value Walk::set_operation(const Expr& e, const Value& l, const Value& r) const {
  const auto has = [&](const Value& side, const Labels& key) {
    return std::any_of(side.vector.begin(), side.vector.end(),
                       [&](const Element& x) { return match_key(x.labels, e.matching) == key; });
  };
  Value out;
  for (const Element& x : l.vector) {
    if (e.op == BinaryOp::or_ || has(r, match_key(x.labels, e.matching)) == (e.op == BinaryOp::and_))
      out.vector.push_back(x);
  }
  if (e.op != BinaryOp::or_) return out;
  for (const Element& x : r.vector) {
    if (!has(l, match_key(x.labels, e.matching))) out.vector.push_back(x);
  }
  return out;
}

Result<Value> Walk::join(const Expr& e, const Value& l, const Value& r) const {
  const VectorMatching& m = e.matching;
  if (m.fill_left || m.fill_right) return fail(ErrorKind::unsupported, "not in the naive evaluator");
  Value out;
  if (l.vector.empty() || r.vector.empty()) return out;
  const bool swapped = m.card == Cardinality::one_to_many;
  const Value& many = swapped ? r : l;
  const Value& one = swapped ? l : r;
  std::map<Labels, const Element*> of_one;
  for (const Element& x : one.vector) {
    if (!of_one.emplace(match_key(x.labels, m), &x).second)
      return fail(ErrorKind::execution, "found duplicate series for the match group");
  }
  std::set<Labels> taken;                       // one to one: keys that were matched
  std::set<std::pair<Labels, Labels>> results;  // else: key and labels of it
  for (const Element& x : many.vector) {
    const Labels key = match_key(x.labels, m);
    const auto found = of_one.find(key);
    if (found == of_one.end()) continue;
    const Element& y = *found->second;
    const double left = swapped ? y.value : x.value;
    const double value = compute(e.op, left, swapped ? x.value : y.value);
    const bool filtered = keeps_name(e) && value == 0;
    const bool one_to_one = m.card == Cardinality::one_to_one;
    if (filtered && rules_.old_filtered_matches) continue;
    if (one_to_one && !taken.insert(key).second)
      return fail(ErrorKind::execution, "multiple matches for labels");
    if (filtered) continue;
    Labels labels = keeps_name(e) ? x.labels : without_name(x.labels);
    if (one_to_one) {
      for (const Label& l2 : x.labels) {
        const bool listed = std::find(m.labels.begin(), m.labels.end(), l2.name) != m.labels.end();
        if (listed != m.on) labels.erase(l2.name);
      }
    } else {
      for (const std::string& name : m.include) labels.set(name, y.labels.get(name));
      if (!results.emplace(key, labels).second)
        return fail(ErrorKind::execution, "multiple matches for labels");
    }
    out.vector.push_back({std::move(labels), keeps_name(e) ? left : value});
  }
  return out;
}

Result<Value> Walk::binary(const Expr& e, std::int64_t now_ms) {
  TT_ASSIGN(Value l, eval(*e.args[0], now_ms));
  TT_ASSIGN(Value r, eval(*e.args[1], now_ms));
  if (e.op == BinaryOp::trim_lower || e.op == BinaryOp::trim_upper)
    return fail(ErrorKind::unsupported, "not in the naive evaluator");
  if (l.type == ValueType::scalar && r.type == ValueType::scalar) {
    l.scalar = compute(e.op, l.scalar, r.scalar);
    return l;
  }
  if (r.type == ValueType::scalar) return distinct(with_scalar(e, std::move(l), r.scalar, false));
  if (l.type == ValueType::scalar) return distinct(with_scalar(e, std::move(r), l.scalar, true));
  if (is_set_operator(e.op)) return distinct(set_operation(e, l, r));
  TT_ASSIGN(Value joined, join(e, l, r));
  return distinct(std::move(joined));
}

}  // namespace telltale::promql::naive
