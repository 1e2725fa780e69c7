// Quantiles and fractions of classic histograms: linear interpolation inside a bucket, as Prometheus does it.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "base/text.hpp"
#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

/// Sorts, adds up equal bounds and makes the counts monotonic; false if the +Inf bucket is missing or all is
/// empty.
bool repair_buckets(std::vector<Bucket>& b, bool& forced) {
  std::sort(b.begin(), b.end(), [](const Bucket& x, const Bucket& y) { return x.upper < y.upper; });
  if (b.empty() || !(std::isinf(b.back().upper) && b.back().upper > 0)) return false;
  std::vector<Bucket> merged;
  for (const Bucket& x : b) {
    if (!merged.empty() && merged.back().upper == x.upper) {
      merged.back().count += x.count;
    } else {
      merged.push_back(x);
    }
  }
  for (std::size_t i = 1; i < merged.size(); ++i) {
    const double before = merged[i - 1].count;
    double& count = merged[i].count;
    const double scale = std::abs(before) + std::abs(count);
    if (count == before || std::abs(count - before) / scale < 1e-12) {
      count = before;  // rounding, not a real difference
    } else if (count < before) {
      count = before;
      forced = true;
    }
  }
  b = std::move(merged);
  return true;
}

struct Member {
  double upper;
  const StepSeries* series;
};

std::vector<Bucket> buckets_at(const std::vector<Member>& members, std::size_t step) {
  std::vector<Bucket> out;
  for (const Member& m : members) {
    if (!is_absent(m.series->values[step])) out.push_back({m.upper, m.series->values[step]});
  }
  return out;
}

/// A quantile as a label's value, as bucket bounds are written: 0.5, 1.0, NaN.
std::string quantile_label(double phi) {
  std::string text = format_value(phi);
  if (std::isfinite(phi) && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string for_metric(const StepSeries& s) {
  const std::string name(s.labels.get(kMetricName));
  return name.empty() ? "" : " for metric name \"" + name + "\"";
}

}  // namespace

double histogram_quantile_of(double phi, std::vector<Bucket>& b, bool& forced) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(phi)) return kNan;
  if (phi < 0) return -kInf;
  if (phi > 1) return kInf;
  if (!repair_buckets(b, forced) || b.size() < 2) return kNan;
  const double total = b.back().count;
  if (total == 0 || std::isnan(total)) return kNan;
  double rank = phi * total;
  std::size_t i = 0;
  while (i + 1 < b.size() && b[i].count < rank) ++i;
  if (i == b.size() - 1) return b[b.size() - 2].upper;
  if (i == 0 && b[0].upper <= 0) return b[0].upper;
  double from = 0;
  double inside = b[i].count;
  if (i > 0) {
    from = b[i - 1].upper;
    inside -= b[i - 1].count;
    rank -= b[i - 1].count;
  }
  return from + (b[i].upper - from) * (rank / inside);
}

double histogram_fraction_of(double lower, double upper, std::vector<Bucket>& b) {
  bool forced = false;
  if (!repair_buckets(b, forced)) return std::nan("");
  const double total = b.back().count;
  if (total == 0 || std::isnan(total) || std::isnan(lower) || std::isnan(upper)) return std::nan("");
  if (lower >= upper) return 0;
  // Observations at or below x, linear inside a bucket.
  const auto rank_of = [&](double x) {
    double from = b[0].upper > 0 ? 0 : -std::numeric_limits<double>::infinity();
    double below = 0;
    for (const Bucket& bucket : b) {
      if (x <= from) return below;
      if (x < bucket.upper) {
        if (std::isinf(from) || std::isinf(bucket.upper)) return std::isinf(from) ? bucket.count : below;
        return below + (bucket.count - below) * (x - from) / (bucket.upper - from);
      }
      from = bucket.upper;
      below = bucket.count;
    }
    return below;
  };
  return (rank_of(upper) - rank_of(lower)) / total;
}

Result<StepVector> Evaluator::histogram(const Expr& e, const Steps& steps) {
  const bool fraction = e.text == "histogram_fraction";
  const bool many = e.text == "histogram_quantiles";
  const Expr& arg = many ? *e.args.front() : *e.args.back();
  TT_ASSIGN(const StepVector v, eval(arg, steps));
  // The bounds of a fraction, or the quantiles.
  std::vector<std::vector<double>> params;
  for (std::size_t i = many ? 2 : 0; i < e.args.size() - (many ? 0 : 1); ++i) {
    TT_ASSIGN(StepVector param, eval(*e.args[i], steps));
    for (double phi : param.scalars) {
      if (!fraction) check_quantile(phi, *e.args[i]);
    }
    params.push_back(std::move(param.scalars));
  }
  const std::string label = many ? unwrap(*e.args[1]).text : "";
  if (many && (label.empty() || !is_utf8(label))) {
    return fail(ErrorKind::execution, "invalid label name \"" + label + "\" in histogram_quantiles()");
  }
  std::map<std::string, std::vector<Member>> groups;
  for (const StepSeries& s : v.series) {
    if (many && s.labels.has(label)) {
      return fail(
          ErrorKind::execution,
          "label \"" + label + "\" of histogram_quantiles() exists already in " + s.labels.to_string());
    }
    const std::string le(s.labels.get("le"));
    char* stop = nullptr;
    const double upper = std::strtod(le.c_str(), &stop);
    if (le.empty() || *stop != '\0') {
      annotate(warnings, "warning",
               "bucket label \"le\" is missing or has a malformed value of \"" + le + "\"" + for_metric(s),
               arg);
      continue;
    }
    // Two metrics with the same labels stay apart here, to be refused when their names go.
    const std::string name(s.labels.get(kMetricName));
    groups[name + '\xff' + grouping_key(s.labels, {"le"}, true)].push_back({upper, &s});
  }
  StepVector out;
  for (const auto& [key, members] : groups) {
    TT_TRY(context_.check());
    TT_TRY(context_.charge(params.size() * steps.count * sizeof(double)));
    StepSeries base{members[0].series->labels, std::vector<double>(steps.count, absent_value()), true};
    base.labels.erase("le");
    bool forced = false;
    std::map<std::string, StepSeries> by_quantile;
    for (std::size_t i = 0; i < steps.count; ++i) {
      std::vector<Bucket> buckets = buckets_at(members, i);
      if (buckets.empty()) continue;
      if (fraction) base.values[i] = histogram_fraction_of(params[0][i], params[1][i], buckets);
      for (std::size_t p = 0; p < params.size() && !fraction; ++p) {
        const std::string value = many ? quantile_label(params[p][i]) : "";
        StepSeries& s = by_quantile.try_emplace(value, base).first->second;
        s.values[i] = histogram_quantile_of(params[p][i], buckets, forced);
      }
    }
    if (forced) {
      annotate(infos, "info",
               "input to histogram_quantile needed to be fixed for monotonicity (see "
               "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
                   for_metric(*members[0].series),
               arg);
    }
    if (fraction) out.series.push_back(std::move(base));
    for (auto& [value, s] : by_quantile) {
      if (many) s.labels.set(label, value);
      out.series.push_back(std::move(s));
    }
  }
  TT_TRY(finish(out.series, false));
  return out;
}

}  // namespace telltale::promql
