// Unary and binary operators. Vector matching groups the series of both sides once by their matching labels
// and then walks the steps inside each group.
#include <algorithm>
#include <cmath>
#include <map>

#include "model/histogram_math.hpp"
#include "promql/eval.hpp"
#include "promql/native_histogram.hpp"

namespace telltale::promql {
namespace {

double compute(BinaryOp op, double a, double b) {
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
      return std::pow(a, b);
    case BinaryOp::atan2:
      return std::atan2(a, b);
    case BinaryOp::eq:
      return a == b;
    case BinaryOp::ne:
      return a != b;
    case BinaryOp::lt:
      return a < b;
    case BinaryOp::le:
      return a <= b;
    case BinaryOp::gt:
      return a > b;
    case BinaryOp::ge:
      return a >= b;
    default:
      return 0;
  }
}

bool is_trim(BinaryOp op) { return op == BinaryOp::trim_upper || op == BinaryOp::trim_lower; }

/// What a pair of numbers gives: a comparison without bool filters, keeping `kept`.
double pair_value(const Expr& e, double a, double b, double kept) {
  const double v = compute(e.op, a, b);
  if (!is_comparison(e.op) || e.bool_modifier) return v;
  return v != 0 ? kept : absent_value();
}

StepValue filtered(const Expr& e, bool holds, const StepValue& kept) {
  if (e.bool_modifier) return holds ? 1.0 : 0.0;
  return holds ? kept : StepValue();
}

bool drops_name(const Expr& e) { return (!is_comparison(e.op) && !is_trim(e.op)) || e.bool_modifier; }

std::string join_key(const Labels& labels, const VectorMatching& m) {
  if (m.on) return grouping_key(labels, m.labels, false);
  // Here a type or a unit counts as a label: what differs in them is not the same thing.
  std::string key;
  for (const Label& l : labels) {
    const bool listed = std::find(m.labels.begin(), m.labels.end(), l.name) != m.labels.end();
    if (!listed && l.name != kMetricName) key += l.name + '\xff' + l.value + '\xfe';
  }
  return key;
}

std::string match_group(const Labels& labels, const VectorMatching& m) {
  std::vector<Label> kept;
  for (const Label& l : labels) {
    const bool listed = std::find(m.labels.begin(), m.labels.end(), l.name) != m.labels.end();
    if (m.on ? listed : !listed && l.name != kMetricName) kept.push_back(l);
  }
  std::string out;
  for (const Label& l : kept) out += (out.empty() ? "" : ", ") + l.name + "=\"" + l.value + "\"";
  return "{" + out + "}";
}

std::string shown(const Labels& labels) {
  std::string out;
  for (const Label& l : labels) out += (out.empty() ? "" : ", ") + l.name + "=\"" + l.value + "\"";
  return "{" + out + "}";
}

Labels pair_labels(const Expr& e, const Labels& many, const Labels& one) {
  const VectorMatching& m = e.matching;
  Labels out = many;
  if (m.card == Cardinality::one_to_one) {
    for (const Label& l : many) {
      const bool listed = std::find(m.labels.begin(), m.labels.end(), l.name) != m.labels.end();
      if (m.on ? !listed : listed) out.erase(l.name);
    }
  }
  for (const std::string& name : m.include) out.set(name, one.get(name));
  return out;
}

}  // namespace

Result<StepVector> Evaluator::unary(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  if (e.op != BinaryOp::sub) return v;
  for (double& x : v.scalars) x = -x;
  for (StepSeries& s : v.series) {
    s.drop_name = true;
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      if (s.histogram(i) != nullptr) {
        Histogram h = *s.histogram(i);
        scale(h, -1);
        StepValue negated(std::move(h));
        TT_TRY(charge(negated.histogram));
        s.put(i, std::move(negated));
      } else if (!is_absent(s.values[i])) {
        s.values[i] = -s.values[i];
      }
    }
  }
  TT_TRY(finish(v.series, false));
  return v;
}

Result<StepVector> Evaluator::binary(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector l, eval(*e.args[0], steps));
  TT_ASSIGN(StepVector r, eval(*e.args[1], steps));
  if (l.type == ValueType::scalar && r.type == ValueType::scalar) {
    for (std::size_t i = 0; i < steps.count; ++i) l.scalars[i] = compute(e.op, l.scalars[i], r.scalars[i]);
    return l;
  }
  if (r.type == ValueType::scalar) return vector_scalar(e, std::move(l), r.scalars, false);
  if (l.type == ValueType::scalar) return vector_scalar(e, std::move(r), l.scalars, true);
  if (is_set_operator(e.op)) return set_operation(e, std::move(l), std::move(r), steps.count);
  return vector_vector(e, std::move(l), std::move(r), steps.count);
}

StepValue Evaluator::mixed_pair(const Expr& e, const StepValue& a, const StepValue& b,
                                const StepValue& kept) {
  const Histogram* l = a.histogram.get();
  const Histogram* r = b.histogram.get();
  const auto changed = [](const Histogram& from, auto change) {
    Histogram h = from;
    change(h);
    compact(h);
    return StepValue(std::move(h));
  };
  if (e.op == BinaryOp::mul && (l == nullptr) != (r == nullptr)) {
    return changed(l != nullptr ? *l : *r,
                   [&](Histogram& h) { scale(h, l != nullptr ? b.number : a.number); });
  }
  if (l != nullptr && r == nullptr) {
    if (e.op == BinaryOp::div) return changed(*l, [&](Histogram& h) { divide(h, b.number); });
    if (is_trim(e.op))
      return changed(*l, [&](Histogram& h) { trim(h, b.number, e.op == BinaryOp::trim_upper); });
  }
  if (l != nullptr && r != nullptr) {
    if (e.op == BinaryOp::eq || e.op == BinaryOp::ne)
      return filtered(e, same_data(*l, *r) == (e.op == BinaryOp::eq), kept);
    if (e.op == BinaryOp::add || e.op == BinaryOp::sub) return histogram_sum(e, *l, *r);
  }
  const auto type = [](const Histogram* h) { return h != nullptr ? "histogram" : "float"; };
  const std::string op(to_string(e.op));
  inform("incompatible sample types encountered for binary operator \"" + op + "\": " + type(l) + " " + op +
             " " + type(r),
         e);
  return {};
}

StepValue Evaluator::histogram_sum(const Expr& e, const Histogram& a, const Histogram& b) {
  const bool adds = e.op == BinaryOp::add;
  Histogram h = a;
  const HistogramMeeting met = adds ? add(h, b) : subtract(h, b);
  const std::string operation = adds ? "addition" : "subtraction";
  if (!met.compatible) {
    warn("incompatible bucket layout encountered for binary operator " + std::string(to_string(e.op)), e);
    return {};
  }
  if (met.hints_collide) warn("conflicting counter resets during histogram " + operation, e);
  if (met.bounds_reconciled) inform("mismatched custom buckets were reconciled during " + operation, e);
  if (!adds) h.reset_hint = ResetHint::gauge;
  return StepValue(std::move(h));
}

Result<StepVector> Evaluator::vector_scalar(const Expr& e, StepVector v, const std::vector<double>& s,
                                            bool swapped) {
  for (StepSeries& series : v.series) {
    series.drop_name = series.drop_name || drops_name(e);
    const bool plain = series.histograms.empty() && !is_trim(e.op);
    for (std::size_t i = 0; i < s.size(); ++i) {
      double& x = series.values[i];
      if (is_absent(x)) continue;
      if (plain || (series.histogram(i) == nullptr && !is_trim(e.op))) {
        x = swapped ? pair_value(e, s[i], x, x) : pair_value(e, x, s[i], x);
        continue;
      }
      const StepValue had = series.at(i);
      StepValue made = swapped ? mixed_pair(e, s[i], had, had) : mixed_pair(e, had, s[i], had);
      TT_TRY(charge(made.histogram));
      series.put(i, std::move(made));
    }
  }
  TT_TRY(finish(v.series, false));
  return v;
}

Result<StepVector> Evaluator::set_operation(const Expr& e, StepVector l, StepVector r, std::size_t n) {
  // For each matching key: the steps at which the side has a series.
  const auto presence = [&](const StepVector& v) {
    std::map<std::string, std::vector<bool>> out;
    for (const StepSeries& s : v.series) {
      std::vector<bool>& at = out.try_emplace(join_key(s.labels, e.matching), n).first->second;
      for (std::size_t i = 0; i < n; ++i) at[i] = at[i] || !is_absent(s.values[i]);
    }
    return out;
  };
  const auto keep_if = [&](StepVector& v, const std::map<std::string, std::vector<bool>>& at, bool want) {
    for (StepSeries& s : v.series) {
      const auto it = at.find(join_key(s.labels, e.matching));
      for (std::size_t i = 0; i < n; ++i) {
        if ((it != at.end() && it->second[i]) != want) s.put(i, {});
      }
    }
  };
  if (e.op == BinaryOp::or_) {
    keep_if(r, presence(l), false);
    for (StepSeries& s : r.series) l.series.push_back(std::move(s));
  } else {
    keep_if(l, presence(r), e.op == BinaryOp::and_);
  }
  TT_TRY(finish(l.series, false));
  return l;
}

namespace {

/// The series of both sides that share their matching labels.
struct MatchGroup {
  std::vector<const StepSeries*> many;
  std::vector<const StepSeries*> one;
};

bool present(const std::vector<const StepSeries*>& side, std::size_t step) {
  return std::any_of(side.begin(), side.end(),
                     [&](const StepSeries* s) { return !is_absent(s->values[step]); });
}

/// What stands for the missing side: `value` at each step where only `other` has a series.
StepSeries filler(const VectorMatching& m, const std::vector<const StepSeries*>& missing,
                  const std::vector<const StepSeries*>& other, double value, std::size_t n) {
  std::vector<Label> labels;
  for (const Label& l : other[0]->labels) {
    const bool listed = std::find(m.labels.begin(), m.labels.end(), l.name) != m.labels.end();
    if (m.on ? listed : !listed && l.name != kMetricName) labels.push_back(l);
  }
  StepSeries out{Labels(std::move(labels)), std::vector<double>(n, absent_value()), false, {}};
  for (std::size_t i = 0; i < n; ++i) {
    if (present(other, i) && !present(missing, i)) out.values[i] = value;
  }
  return out;
}

tl::unexpected<Error> duplicates(const Expr& e, const Labels& a, const Labels& b, bool swapped) {
  return fail(ErrorKind::execution,
              "found duplicate series for the match group " + match_group(a, e.matching) + " on the " +
                  (swapped ? "left" : "right") + " hand-side of the operation: [" + shown(a) + ", " +
                  shown(b) +
                  "];many-to-many matching not allowed: matching labels must be unique on one side");
}

/// At each step the index of the only series of the "one" side there, or -1. More than one are refused where
/// the other side has anything at all.
Result<std::vector<int>> owners(const Expr& e, const MatchGroup& g, std::size_t n, bool swapped,
                                const std::vector<bool>& other_side) {
  std::vector<int> owner(n, -1);
  for (std::size_t o = 0; o < g.one.size(); ++o) {
    for (std::size_t i = 0; i < n; ++i) {
      if (is_absent(g.one[o]->values[i])) continue;
      if (owner[i] >= 0 && other_side[i]) {
        return duplicates(e, g.one[static_cast<std::size_t>(owner[i])]->labels, g.one[o]->labels, swapped);
      }
      owner[i] = static_cast<int>(o);
    }
  }
  return owner;
}

}  // namespace

Result<> Evaluator::match(const Expr& e, const std::vector<const StepSeries*>& many_side,
                          const std::vector<const StepSeries*>& one_side, const std::vector<bool>& matters,
                          StepVector& out) {
  const std::size_t n = matters.size();
  const bool swapped = e.matching.card == Cardinality::one_to_many;
  const bool one_to_one = e.matching.card == Cardinality::one_to_one;
  MatchGroup g{many_side, one_side};
  // With group_right Prometheus has swapped the sides before it fills, so that fill_left is always for
  // "many".
  const std::optional<double>& fill_many = e.matching.fill_left;
  const std::optional<double>& fill_one = e.matching.fill_right;
  StepSeries many_filler;
  StepSeries one_filler;
  if (fill_many && !one_side.empty()) {
    many_filler = filler(e.matching, many_side, one_side, *fill_many, n);
    g.many.push_back(&many_filler);
  }
  if (fill_one && !many_side.empty()) {
    one_filler = filler(e.matching, one_side, many_side, *fill_one, n);
    g.one.push_back(&one_filler);
  }
  TT_ASSIGN(const std::vector<int> owner, owners(e, g, n, swapped, matters));
  std::vector<bool> matched(n, false);
  for (const StepSeries* ms : g.many) {
    for (std::size_t o = 0; o < g.one.size(); ++o) {
      TT_TRY(context_.charge(n * sizeof(double)));
      StepSeries s;
      s.drop_name = drops_name(e) || ms->drop_name;
      s.labels = pair_labels(e, ms->labels, g.one[o]->labels);
      s.values.assign(n, absent_value());
      for (std::size_t i = 0; i < n; ++i) {
        if (owner[i] != static_cast<int>(o) || is_absent(ms->values[i])) continue;
        const StepSeries& left = swapped ? *g.one[o] : *ms;
        const StepSeries& right = swapped ? *ms : *g.one[o];
        if (left.histogram(i) == nullptr && right.histogram(i) == nullptr && !is_trim(e.op)) {
          s.values[i] = pair_value(e, left.values[i], right.values[i], left.values[i]);
        } else {
          StepValue v = mixed_pair(e, left.at(i), right.at(i), left.at(i));
          TT_TRY(charge(v.histogram));
          s.put(i, std::move(v));
        }
        if (!one_to_one) continue;
        if (matched[i]) {
          return fail(ErrorKind::execution,
                      "multiple matches for labels: many-to-one matching must be explicit "
                      "(group_left/group_right)");
        }
        matched[i] = true;
      }
      out.series.push_back(std::move(s));
    }
  }
  return {};
}

Result<StepVector> Evaluator::vector_vector(const Expr& e, StepVector l, StepVector r, std::size_t n) {
  const bool swapped = e.matching.card == Cardinality::one_to_many;
  const StepVector& many = swapped ? r : l;
  const StepVector& one = swapped ? l : r;
  std::map<std::string, MatchGroup> groups;
  for (const StepSeries& s : many.series) groups[join_key(s.labels, e.matching)].many.push_back(&s);
  for (const StepSeries& s : one.series) groups[join_key(s.labels, e.matching)].one.push_back(&s);
  // Where a side is empty nothing can match, and so nothing is refused, unless something stands for it.
  std::vector<bool> matters(n, e.matching.fill_left || e.matching.fill_right);
  for (const StepSeries& s : many.series) {
    for (std::size_t i = 0; i < n; ++i) matters[i] = matters[i] || !is_absent(s.values[i]);
  }
  StepVector out;
  for (const auto& [key, group] : groups) TT_TRY(match(e, group.many, group.one, matters, out));
  auto done = finish(out.series, false);
  if (!done && e.matching.card != Cardinality::one_to_one) {
    return fail(ErrorKind::execution,
                "multiple matches for labels: grouping labels must ensure unique matches");
  }
  TT_TRY(done);
  return out;
}

}  // namespace telltale::promql
