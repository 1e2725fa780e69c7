// Aggregations over vectors, and label_replace.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <re2/re2.h>

#include "logql/eval.hpp"

namespace telltale::logql {
namespace {

using query::has_value;
using query::no_value;

/// Of one group and step; Welford's mean and variance beside the rest.
struct Gathered {
  double n = 0, sum = 0, least = 0, most = 0, mean = 0, squares = 0;

  void add(double v) {
    n += 1;
    sum += v;
    if (n == 1 || v < least || std::isnan(least)) least = v;
    if (n == 1 || v > most || std::isnan(most)) most = v;
    const double delta = v - mean;
    mean += delta / n;
    squares += delta * (v - mean);
  }
  double result(VectorOp op) const {
    switch (op) {
      case VectorOp::sum:
        return sum;
      case VectorOp::avg:
        return sum / n;
      case VectorOp::min:
        return least;
      case VectorOp::max:
        return most;
      case VectorOp::count:
        return n;
      case VectorOp::stdvar:
        return squares / n;
      default:
        return std::sqrt(squares / n);
    }
  }
};

StepValues fold_groups(const Expr& e, const StepValues& inner, std::size_t steps) {
  std::map<Labels, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < inner.series.size(); ++i)
    groups[grouped(inner.series[i].labels, e.grouping)].push_back(i);
  StepValues out;
  for (const auto& [labels, members] : groups) {
    SeriesValues s{labels, std::vector<double>(steps, no_value())};
    for (std::size_t k = 0; k < steps; ++k) {
      Gathered g;
      for (const std::size_t i : members)
        if (has_value(inner.series[i].values[k])) g.add(inner.series[i].values[k]);
      if (g.n > 0) s.values[k] = g.result(e.vector_op);
    }
    out.series.push_back(std::move(s));
  }
  return out;
}

/// NaN stands behind every number, whichever way.
bool comes_before(double a, double b, bool largest) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return largest ? a > b : a < b;
}

StepValues top(const Expr& e, StepValues inner, std::size_t steps) {
  const bool largest = e.vector_op != VectorOp::bottomk;
  const auto k_max = static_cast<std::size_t>(std::min(*e.parameter, 1e9));
  std::map<Labels, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < inner.series.size(); ++i)
    groups[grouped(inner.series[i].labels, e.grouping)].push_back(i);
  std::vector<std::vector<bool>> kept(inner.series.size(), std::vector<bool>(steps, false));
  std::vector<std::size_t> order;  // of the last step, for instant queries
  for (const auto& [labels, members] : groups) {
    for (std::size_t k = 0; k < steps; ++k) {
      std::vector<std::size_t> here;
      for (const std::size_t i : members)
        if (has_value(inner.series[i].values[k])) here.push_back(i);
      std::stable_sort(here.begin(), here.end(), [&](std::size_t a, std::size_t b) {
        return comes_before(inner.series[a].values[k], inner.series[b].values[k], largest);
      });
      if (here.size() > k_max) here.resize(k_max);
      for (const std::size_t i : here) kept[i][k] = true;
      if (k + 1 == steps) order.insert(order.end(), here.begin(), here.end());
    }
  }
  StepValues out;
  for (std::size_t i = 0; i < inner.series.size(); ++i)
    for (std::size_t k = 0; k < steps; ++k)
      if (!kept[i][k]) inner.series[i].values[k] = no_value();
  if (steps == 1) {
    out.ordered = true;
    for (const std::size_t i : order) out.series.push_back(std::move(inner.series[i]));
    return out;
  }
  for (SeriesValues& s : inner.series)
    if (std::any_of(s.values.begin(), s.values.end(), has_value)) out.series.push_back(std::move(s));
  return out;
}

StepValues sorted(const Expr& e, StepValues inner, std::size_t steps) {
  if (steps != 1) return inner;  // an order of series exists at one time only
  std::stable_sort(inner.series.begin(), inner.series.end(),
                   [&](const SeriesValues& a, const SeriesValues& b) {
                     return comes_before(a.values[0], b.values[0], e.vector_op == VectorOp::sort_desc);
                   });
  inner.ordered = true;
  return inner;
}

}  // namespace

void sort_series(StepValues& values) {
  std::sort(values.series.begin(), values.series.end(),
            [](const SeriesValues& a, const SeriesValues& b) { return a.labels < b.labels; });
}

Labels grouped(const Labels& labels, const Grouping& grouping) {
  std::vector<Label> out;
  if (!grouping.given) return {};
  for (const Label& l : labels) {
    const bool named =
        std::find(grouping.labels.begin(), grouping.labels.end(), l.name) != grouping.labels.end();
    if (named != grouping.without) out.push_back(l);
  }
  return Labels(std::move(out));
}

bool takes_outer_sum(const Expr& outer) {
  if (outer.kind != ExprKind::aggregate || outer.vector_op != VectorOp::sum) return false;
  const Expr& inner = outer.args[0];
  if (inner.kind != ExprKind::range) return false;
  switch (inner.range_op) {
    case RangeOp::rate:
    case RangeOp::count_over_time:
    case RangeOp::bytes_rate:
    case RangeOp::bytes_over_time:
    case RangeOp::sum_over_time:
      return true;
    default:
      return false;
  }
}

Result<StepValues> eval_aggregate(const Expr& e, StepValues inner, EvalContext& context) {
  const std::size_t steps = context.grid.steps;
  TT_TRY(context.context.check());
  switch (e.vector_op) {
    case VectorOp::topk:
    case VectorOp::bottomk:
    case VectorOp::approx_topk:
      return top(e, std::move(inner), steps);
    case VectorOp::sort:
    case VectorOp::sort_desc:
      return sorted(e, std::move(inner), steps);
    default:
      return fold_groups(e, inner, steps);
  }
}

Result<StepValues> eval_label_replace(const Expr& e, StepValues inner) {
  const std::string& target = e.texts[0];
  const std::string& replacement = e.texts[1];
  const std::string& source = e.texts[2];
  const re2::RE2 regex("^(?:" + e.texts[3] + ")$");
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  for (SeriesValues& s : inner.series) {
    const std::string value(s.labels.get(source));
    const re2::StringPiece text(value);
    if (!regex.Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                     static_cast<int>(groups.size())))
      continue;
    std::string out;
    for (std::size_t i = 0; i < replacement.size(); ++i) {
      if (replacement[i] != '$' || i + 1 >= replacement.size()) {
        out += replacement[i];
        continue;
      }
      if (replacement[i + 1] == '$') {
        out += '$';
        ++i;
        continue;
      }
      const bool braces = replacement[i + 1] == '{';
      std::size_t end = i + (braces ? 2 : 1);
      const std::size_t begin = end;
      while (end < replacement.size() &&
             (std::isalnum(static_cast<unsigned char>(replacement[end])) != 0 || replacement[end] == '_'))
        ++end;
      const std::string name = replacement.substr(begin, end - begin);
      std::size_t index = groups.size();
      if (!name.empty() && name.size() < 4 && name.find_first_not_of("0123456789") == std::string::npos)
        index = std::stoul(name);
      if (const auto found = regex.NamedCapturingGroups().find(name);
          found != regex.NamedCapturingGroups().end())
        index = static_cast<std::size_t>(found->second);
      if (index < groups.size()) out.append(groups[index].data(), groups[index].size());
      i = braces ? end : end - 1;
    }
    s.labels.set(target, out);
  }
  sort_series(inner);
  for (std::size_t i = 1; i < inner.series.size(); ++i)
    if (inner.series[i].labels == inner.series[i - 1].labels)
      return fail(ErrorKind::execution,
                  "label_replace makes two series of the labels " + inner.series[i].labels.to_string());
  return inner;
}

}  // namespace telltale::logql
