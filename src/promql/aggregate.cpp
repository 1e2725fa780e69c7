// Aggregations: series are put into groups once, then each group is folded step by step.
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "promql/eval.hpp"
#include "promql/mixed_window.hpp"
#include "promql/native_histogram.hpp"

namespace telltale::promql {
namespace {

struct Group {
  Labels labels;
  std::vector<std::size_t> members;
};

Result<std::vector<Group>> group_series(const Expr& e, const StepVector& v, WorkContext& context) {
  std::unordered_map<std::string, std::size_t> index;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < v.series.size(); ++i) {
    TT_TRY(context.check());
    const Labels& labels = v.series[i].labels;
    const auto [it, fresh] = index.try_emplace(grouping_key(labels, e.grouping, e.without), groups.size());
    if (fresh) {
      std::vector<Label> kept;
      for (const Label& l : labels) {
        const bool listed = std::find(e.grouping.begin(), e.grouping.end(), l.name) != e.grouping.end();
        if (e.without ? !listed && !belongs_to_name(l.name) : listed) kept.push_back(l);
      }
      groups.push_back({Labels(std::move(kept)), {}});
    }
    groups[it->second].members.push_back(i);
  }
  return groups;
}

/// What an operator makes of numbers: mostly what the function over time of its name makes of a window.
class Fold {
 public:
  explicit Fold(const std::string& op)
      : count_(op == "count"),
        quantile_(op == "quantile"),
        window_(find_window_function(op + "_over_time")) {}

  double operator()(std::vector<double>& values, double param) const {
    if (count_) return static_cast<double>(values.size());
    if (quantile_) return quantile_of(param, values);
    if (window_ == nullptr) return 1;  // group
    Window w;
    w.values = values;
    return window_(w);
  }

 private:
  bool count_;
  bool quantile_;
  WindowFunction window_;
};

/// With bytes that are no text as \x00, as Go quotes them.
std::string printable(const std::string& s) {
  std::string out;
  for (std::size_t i = 0; i < s.size();) {
    std::size_t n = 1;
    while (n < 4 && i + n < s.size() && !is_utf8(std::string_view(s).substr(i, n))) ++n;
    if (is_utf8(std::string_view(s).substr(i, n))) {
      out += s.substr(i, n);
      i += n;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(s[i++]));
    }
  }
  return out;
}

bool has_histograms(const StepSeries& s) {
  return std::any_of(s.histograms.begin(), s.histograms.end(),
                     [](const HistogramPtr& h) { return h != nullptr; });
}

/// The best `k` members at a step, best first; NaN is worst.
std::vector<std::size_t> best_members(const StepVector& v, const Group& g, std::size_t step, std::size_t k,
                                      bool top) {
  std::vector<std::size_t> present;
  for (std::size_t m : g.members) {
    const StepSeries& s = v.series[m];
    if (!is_absent(s.values[step]) && s.histogram(step) == nullptr) present.push_back(m);
  }
  std::stable_sort(present.begin(), present.end(), [&](std::size_t a, std::size_t b) {
    const double x = v.series[a].values[step];
    const double y = v.series[b].values[step];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return top ? x > y : x < y;
  });
  if (present.size() > k) present.resize(k);
  return present;
}

Result<StepVector> select_best(const Expr& e, const StepVector& v, const std::vector<Group>& groups,
                               const std::vector<double>& param, WorkContext& context) {
  for (double k : param) {
    if (std::isnan(k)) return fail(ErrorKind::execution, "Parameter value is NaN");
    if (std::abs(k) >= 9223372036854775808.0) {
      return fail(ErrorKind::execution, "Scalar value " + format_value(k) + " overflows int64");
    }
  }
  StepVector out;
  for (const Group& g : groups) {
    std::unordered_map<std::size_t, std::size_t> chosen;
    for (std::size_t i = 0; i < param.size(); ++i) {
      TT_TRY(context.check());
      if (param[i] < 1) continue;
      for (std::size_t m : best_members(v, g, i, static_cast<std::size_t>(param[i]), e.text == "topk")) {
        const auto [it, fresh] = chosen.try_emplace(m, out.series.size());
        if (fresh) {
          TT_TRY(context.charge(param.size() * sizeof(double) + sizeof(StepSeries)));
          out.series.push_back({v.series[m].labels,
                                std::vector<double>(param.size(), absent_value()),
                                v.series[m].drop_name,
                                {}});
        }
        out.series[it->second].values[i] = v.series[m].values[i];
      }
    }
  }
  return out;
}

/// limitk: the first k of each group by the hash of their labels, so that the same are chosen at each step.
/// limit_ratio: those whose hash lies in the share asked for; -r is the complement of 1-r.
Result<StepVector> select_some(const Expr& e, StepVector v, const std::vector<Group>& groups,
                               const std::vector<double>& param) {
  const bool ratio = e.text == "limit_ratio";
  for (double k : param) {
    if (std::isnan(k))
      return fail(ErrorKind::execution, ratio ? "Ratio value is NaN" : "Parameter value is NaN");
    if (!ratio && std::abs(k) >= 9223372036854775808.0) {
      return fail(ErrorKind::execution, "Scalar value " + format_value(k) + " overflows int64");
    }
  }
  StepVector out;
  for (const Group& g : groups) {
    std::vector<std::pair<std::uint64_t, std::size_t>> order;
    for (std::size_t m : g.members) order.emplace_back(hash64(v.series[m].labels.to_string()), m);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < param.size(); ++i) {
      double taken = 0;
      for (const auto& [hash, m] : order) {
        if (is_absent(v.series[m].values[i])) continue;
        const double place = static_cast<double>(hash >> 11U) * 0x1p-53;
        const bool in =
            ratio ? (param[i] >= 0 ? place < param[i] : place >= 1 + param[i]) : taken + 1 <= param[i];
        if (in) {
          ++taken;
        } else {
          v.series[m].put(i, {});
        }
      }
    }
    for (std::size_t m : g.members) out.series.push_back(std::move(v.series[m]));
  }
  return out;
}

std::size_t bytes_of(const Labels& labels) {
  std::size_t out = 0;
  for (const Label& l : labels) out += sizeof(Label) + l.name.size() + l.value.size();
  return out;
}

/// `label` empty: without() takes the label away again that would hold the value.
Result<StepVector> count_by_value(const StepVector& v, const std::vector<Group>& groups, std::size_t n,
                                  const std::string& label, WorkContext& context) {
  StepVector out;
  // By the labels that a value gives: where it replaces one by which was grouped, groups fall together.
  std::map<Labels, std::size_t> index;
  for (const Group& g : groups) {
    for (std::size_t m : g.members) {
      TT_TRY(context.check());
      for (std::size_t i = 0; i < n; ++i) {
        if (is_absent(v.series[m].values[i])) continue;
        const Histogram* h = v.series[m].histogram(i);
        Labels labels = g.labels;
        if (!label.empty())
          labels.set(label, h != nullptr ? to_text(*h) : format_value(v.series[m].values[i]));
        const auto [it, fresh] = index.try_emplace(labels, out.series.size());
        if (fresh) {
          TT_TRY(context.charge(n * sizeof(double) + sizeof(StepSeries) + 2 * bytes_of(labels)));
          out.series.push_back({std::move(labels), std::vector<double>(n, absent_value()), false, {}});
        }
        double& count = out.series[it->second].values[i];
        count = is_absent(count) ? 1 : count + 1;
      }
    }
  }
  return out;
}

}  // namespace

StepValue Evaluator::fold_mixed(const Expr& e, const StepVector& v, const std::vector<std::size_t>& members,
                                std::size_t step, double param) {
  const Expr& at = *e.args[0];
  std::vector<double> floats;
  std::vector<const Histogram*> histograms;
  std::size_t custom = 0;
  const Labels* named = nullptr;
  for (std::size_t m : members) {
    const StepSeries& s = v.series[m];
    if (const Histogram* h = s.histogram(step)) {
      histograms.push_back(h);
      custom += h->is_custom() ? 1 : 0;
      if (custom > 0 && custom < histograms.size() && named == nullptr) named = &s.labels;
    } else if (!is_absent(s.values[step])) {
      floats.push_back(s.values[step]);
    }
  }
  if (e.text == "count") return static_cast<double>(floats.size() + histograms.size());
  if (e.text == "group") return 1.0;
  if (e.text != "sum" && e.text != "avg") {
    inform("ignored histogram in " + e.text + " aggregation", at);
    return floats.empty() ? StepValue() : StepValue(Fold(e.text)(floats, param));
  }
  if (!floats.empty()) {
    warn("encountered a mix of histograms and floats for aggregation", at);
    return {};
  }
  if (named != nullptr) {
    warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"" +
            std::string(named->get(kMetricName)) + "\"",
        at);
    return {};
  }
  bool reconciled = false;
  std::optional<Histogram> out = e.text == "sum" ? sum_of_histograms(histograms, reconciled)
                                                 : mean_of_histograms(histograms, reconciled);
  if (hints_collide(histograms)) warn("conflicting counter resets during histogram aggregation", at);
  if (reconciled) inform("mismatched custom buckets were reconciled during aggregation", at);
  return out ? StepValue(*std::move(out)) : StepValue();
}

Result<StepVector> Evaluator::aggregate(const Expr& e, const Steps& steps) {
  TT_ASSIGN(std::optional<StepVector> at_once, fused(e, steps));
  if (at_once) return *std::move(at_once);
  StepVector param;
  if (e.param) {
    TT_ASSIGN(param, eval(*e.param, steps));
  }
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  if (options_.has(Feature::delayed_name_removal)) TT_TRY(finish(v.series, false));
  const bool keeps_members =
      e.text == "topk" || e.text == "bottomk" || e.text == "limitk" || e.text == "limit_ratio";
  for (StepSeries& s : v.series) {
    if (s.drop_name && !keeps_members) erase_name(s.labels);
  }
  TT_ASSIGN(const std::vector<Group> groups, group_series(e, v, context_));
  if (e.text == "limitk" || e.text == "limit_ratio") {
    for (double r : param.scalars) {
      if (e.text == "limitk" || !(std::abs(r) > 1)) continue;
      annotate(warnings, "warning",
               "ratio value should be between -1 and 1, got " + format_value(r) + ", capping to " +
                   (r > 0 ? "1" : "-1"),
               *e.param);
    }
    TT_ASSIGN(StepVector some, select_some(e, std::move(v), groups, param.scalars));
    TT_TRY(finish(some.series, false));
    return some;
  }
  if (e.text == "topk" || e.text == "bottomk") {
    if (std::any_of(v.series.begin(), v.series.end(), has_histograms))
      inform("ignored histogram in " + e.text + " aggregation", e);
    return select_best(e, v, groups, param.scalars, context_);
  }
  if (e.text == "count_values") {
    if (param.text.empty() || !is_utf8(param.text)) {
      return fail(ErrorKind::execution, "invalid label name \"" + printable(param.text) + "\"");
    }
    const bool taken_away =
        e.without && std::find(e.grouping.begin(), e.grouping.end(), param.text) != e.grouping.end();
    TT_ASSIGN(StepVector counted,
              count_by_value(v, groups, steps.count, taken_away ? "" : param.text, context_));
    TT_TRY(finish(counted.series, false));
    return counted;
  }
  if (e.text == "quantile") {
    for (double phi : param.scalars) check_quantile(phi, *e.param);
  }
  StepVector out;
  const Fold fold(e.text);
  std::vector<double> values;
  for (const Group& g : groups) {
    TT_TRY(context_.check());
    TT_TRY(context_.charge(steps.count * sizeof(double)));
    StepSeries s{g.labels, std::vector<double>(steps.count, absent_value()), false, {}};
    const bool mixed = std::any_of(g.members.begin(), g.members.end(),
                                   [&](std::size_t m) { return !v.series[m].histograms.empty(); });
    for (std::size_t i = 0; i < steps.count; ++i) {
      const bool here = mixed && std::any_of(g.members.begin(), g.members.end(), [&](std::size_t m) {
                          return v.series[m].histogram(i) != nullptr;
                        });
      if (here) {
        StepValue folded = fold_mixed(e, v, g.members, i, param.scalars.empty() ? 0 : param.scalars[i]);
        TT_TRY(charge(folded.histogram));
        s.put(i, std::move(folded));
        continue;
      }
      values.clear();
      for (std::size_t m : g.members) {
        if (!is_absent(v.series[m].values[i])) values.push_back(v.series[m].values[i]);
      }
      if (!values.empty()) s.values[i] = fold(values, param.scalars.empty() ? 0 : param.scalars[i]);
    }
    out.series.push_back(std::move(s));
  }
  TT_TRY(finish(out.series, false));
  return out;
}

}  // namespace telltale::promql
