// The functions that order an instant vector. A range's series are sorted by labels in the end, whatever the
// query says.
#include <algorithm>
#include <cmath>

#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

/// Below, at or above zero: runs of digits compare as numbers, everything else byte by byte ("a2" < "a10").
int natural_order(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto take_number = [&](std::string_view& s) {
    std::size_t zeros = 0;
    while (zeros < s.size() && s[zeros] == '0') ++zeros;
    std::size_t end = zeros;
    while (end < s.size() && is_digit(s[end])) ++end;
    const std::string_view number = s.substr(zeros, end - zeros);
    s.remove_prefix(end);
    return number;
  };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_number(a);
      const std::string_view y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
      continue;
    }
    if (a[0] != b[0]) return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]) ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

}  // namespace

Result<StepVector> Evaluator::sorted(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  for (StepSeries& s : v.series) {  // a histogram has no place in an order of numbers
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      if (s.histogram(i) != nullptr) s.put(i, {});
    }
  }
  TT_TRY(finish(v.series, false));
  if (steps.count != 1) return v;  // a range is sorted by labels in the end
  const bool falling = e.text == "sort_desc";
  std::stable_sort(v.series.begin(), v.series.end(), [&](const StepSeries& a, const StepSeries& b) {
    const double x = a.values[0];
    const double y = b.values[0];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return falling ? x > y : x < y;
  });
  return v;
}

Result<StepVector> Evaluator::sorted_by_label(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  if (steps.count != 1) return v;
  std::vector<std::string> names;
  for (std::size_t i = 1; i < e.args.size(); ++i) names.push_back(unwrap(*e.args[i]).text);
  const bool falling = e.text == "sort_by_label_desc";
  std::stable_sort(v.series.begin(), v.series.end(), [&](const StepSeries& a, const StepSeries& b) {
    const StepSeries& x = falling ? b : a;
    const StepSeries& y = falling ? a : b;
    for (const std::string& name : names) {
      const int order = natural_order(x.labels.get(name), y.labels.get(name));
      if (order != 0) return order < 0;
    }
    return x.labels < y.labels;
  });
  return v;
}

}  // namespace telltale::promql
