#include "promql/functions.hpp"

#include <algorithm>
#include <string>

namespace telltale::promql {
namespace {

std::vector<FunctionSignature> build_functions() {
  constexpr auto S = ValueType::scalar;
  constexpr auto T = ValueType::string;
  constexpr auto V = ValueType::vector;
  constexpr auto M = ValueType::matrix;
  std::vector<FunctionSignature> table;
  for (std::string_view name : {"abs",
                                "absent",
                                "acos",
                                "acosh",
                                "asin",
                                "asinh",
                                "atan",
                                "atanh",
                                "ceil",
                                "cos",
                                "cosh",
                                "deg",
                                "exp",
                                "floor",
                                "ln",
                                "log10",
                                "log2",
                                "rad",
                                "sgn",
                                "sin",
                                "sinh",
                                "sort",
                                "sort_desc",
                                "sqrt",
                                "tan",
                                "tanh",
                                "timestamp",
                                "histogram_avg",
                                "histogram_count",
                                "histogram_stddev",
                                "histogram_stdvar",
                                "histogram_sum",
                                "start_timestamp"}) {
    table.push_back({name, V, {V}});
  }
  for (std::string_view name : {"absent_over_time",
                                "avg_over_time",
                                "changes",
                                "count_over_time",
                                "delta",
                                "deriv",
                                "first_over_time",
                                "idelta",
                                "increase",
                                "irate",
                                "last_over_time",
                                "mad_over_time",
                                "max_over_time",
                                "min_over_time",
                                "present_over_time",
                                "rate",
                                "resets",
                                "stddev_over_time",
                                "stdvar_over_time",
                                "sum_over_time",
                                "ts_of_first_over_time",
                                "ts_of_last_over_time",
                                "ts_of_max_over_time",
                                "ts_of_min_over_time"}) {
    table.push_back({name, V, {M}});
  }
  for (std::string_view name :
       {"days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"}) {
    table.push_back({name, V, {V}, 1});
  }
  for (std::string_view name : {"end", "pi", "range", "start", "step", "time"})
    table.push_back({name, S, {}});
  table.push_back({"clamp", V, {V, S, S}});
  table.push_back({"clamp_max", V, {V, S}});
  table.push_back({"clamp_min", V, {V, S}});
  table.push_back({"double_exponential_smoothing", V, {M, S, S}});
  table.push_back({"histogram_fraction", V, {S, S, V}});
  table.push_back({"histogram_quantile", V, {S, V}});
  table.push_back({"histogram_quantiles", V, {V, T, S, S, S, S, S, S, S, S, S, S}, 9});
  table.push_back({"info", V, {V, V}, 1});
  table.push_back({"label_join", V, {V, T, T, T}, -1});
  table.push_back({"label_replace", V, {V, T, T, T, T}});
  table.push_back({"max_of", S, {S, S}});
  table.push_back({"min_of", S, {S, S}});
  table.push_back({"predict_linear", V, {M, S}});
  table.push_back({"quantile_over_time", V, {S, M}});
  table.push_back({"round", V, {V, S}, 1});
  table.push_back({"scalar", S, {V}});
  table.push_back({"sort_by_label", V, {V, T}, -1});
  table.push_back({"sort_by_label_desc", V, {V, T}, -1});
  table.push_back({"vector", V, {S}});
  return table;
}

const std::vector<FunctionSignature>& all_functions() {
  static const std::vector<FunctionSignature> table = build_functions();
  return table;
}

}  // namespace

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> out;
  for (const FunctionSignature& f : all_functions()) out.push_back(f.name);
  std::sort(out.begin(), out.end());
  return out;
}

const FunctionSignature* find_function(std::string_view name) {
  const auto& table = all_functions();
  const auto it = std::find_if(table.begin(), table.end(), [&](const auto& f) { return f.name == name; });
  return it == table.end() ? nullptr : &*it;
}

bool is_experimental_function(std::string_view name) {
  static constexpr std::string_view kNames[] = {"double_exponential_smoothing",
                                                "end",
                                                "histogram_quantiles",
                                                "info",
                                                "mad_over_time",
                                                "max_of",
                                                "min_of",
                                                "range",
                                                "sort_by_label",
                                                "sort_by_label_desc",
                                                "start",
                                                "start_timestamp",
                                                "step",
                                                "ts_of_first_over_time",
                                                "ts_of_last_over_time",
                                                "ts_of_max_over_time",
                                                "ts_of_min_over_time"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

}  // namespace telltale::promql
