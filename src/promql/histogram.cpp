// Quantiles and fractions of classic histograms: linear interpolation inside a bucket, as Prometheus does it.
// And the functions over either kind: a series of buckets and a native histogram of one name and labels must
// not meet.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "base/text.hpp"
#include "promql/eval.hpp"
#include "promql/native_histogram.hpp"

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
    const StepSeries& s = *m.series;
    if (!is_absent(s.values[step]) && s.histogram(step) == nullptr) out.push_back({m.upper, s.values[step]});
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

namespace {

/// The series of one name and labels but `le`.
struct HistogramGroup {
  std::vector<Member> classic;
  const StepSeries* native = nullptr;
};

}  // namespace

struct Evaluator::HistogramArgument {
  std::map<std::string, HistogramGroup> groups;
};

void Evaluator::sort_into(const StepSeries& s, HistogramArgument& in, const Expr& arg) {
  // Two metrics with the same labels stay apart here, to be refused when their names go.
  const std::string name = std::string(s.labels.get(kMetricName)) + '\xff';
  const auto is_histogram = [](const HistogramPtr& h) { return h != nullptr; };
  if (std::any_of(s.histograms.begin(), s.histograms.end(), is_histogram))
    in.groups[name + grouping_key(s.labels, {}, true)].native = &s;
  bool floats = false;
  for (std::size_t i = 0; i < s.values.size() && !floats; ++i)
    floats = !is_absent(s.values[i]) && s.histogram(i) == nullptr;
  if (!floats) return;
  const std::string le(s.labels.get("le"));
  char* stop = nullptr;
  const double upper = std::strtod(le.c_str(), &stop);
  if (le.empty() || *stop != '\0') {
    warn("bucket label \"le\" is missing or has a malformed value of \"" + le + "\"" + for_metric(s), arg);
    return;
  }
  in.groups[name + grouping_key(s.labels, {"le"}, true)].classic.push_back({upper, &s});
}

double Evaluator::quantile_of_native(const Histogram& h, double phi, const StepSeries& s, const Expr& arg) {
  NanEffect nans = NanEffect::none;
  const double out = native_quantile(phi, h, nans);
  if (nans != NanEffect::none) {
    inform("input to histogram_quantile has NaN observations, result is " +
               std::string(nans == NanEffect::nan ? "NaN" : "skewed higher") + for_metric(s),
           arg);
  }
  return out;
}

double Evaluator::fraction_of(const Histogram& h, double lower, double upper, const StepSeries& s,
                              const Expr& arg) {
  bool nans = false;
  const double out = native_fraction(lower, upper, h, nans);
  if (nans) {
    inform("input to histogram_fraction has NaN observations, which are excluded from all fractions" +
               for_metric(s),
           arg);
  }
  return out;
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
  HistogramArgument in;
  for (const StepSeries& s : v.series) {
    if (many && s.labels.has(label)) {
      return fail(
          ErrorKind::execution,
          "label \"" + label + "\" of histogram_quantiles() exists already in " + s.labels.to_string());
    }
    sort_into(s, in, arg);
  }
  StepVector out;
  for (auto& [key, group] : in.groups) {
    TT_TRY(context_.check());
    TT_TRY(context_.charge(params.size() * steps.count * sizeof(double)));
    const StepSeries& like = group.native != nullptr ? *group.native : *group.classic[0].series;
    StepSeries base{like.labels, std::vector<double>(steps.count, absent_value()), true, {}};
    if (group.native == nullptr) base.labels.erase("le");
    std::map<std::string, StepSeries> by_quantile;
    for (std::size_t i = 0; i < steps.count; ++i) {
      const Histogram* native = group.native != nullptr ? group.native->histogram(i) : nullptr;
      std::vector<Bucket> buckets = buckets_at(group.classic, i);
      if (native == nullptr && buckets.empty()) continue;
      if (native != nullptr && !buckets.empty()) {
        warn("vector contains a mix of classic and native histograms" + for_metric(like), arg);
        continue;
      }
      if (fraction) {
        base.values[i] = native != nullptr ? fraction_of(*native, params[0][i], params[1][i], like, arg)
                                           : histogram_fraction_of(params[0][i], params[1][i], buckets);
        continue;
      }
      for (const std::vector<double>& phis : params) {
        const std::string value = many ? quantile_label(phis[i]) : "";
        StepSeries& s = by_quantile.try_emplace(value, base).first->second;
        bool forced = false;
        s.values[i] = native != nullptr ? quantile_of_native(*native, phis[i], like, arg)
                                        : histogram_quantile_of(phis[i], buckets, forced);
        if (forced) {
          inform(
              "input to histogram_quantile needed to be fixed for monotonicity (see "
              "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
                  for_metric(like),
              arg);
        }
      }
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

Result<StepVector> Evaluator::histogram_statistic(const Expr& e, const Steps& steps) {
  TT_ASSIGN(StepVector v, eval(*e.args[0], steps));
  const auto of = [&](const Histogram& h) {
    if (e.text == "histogram_count") return h.count;
    if (e.text == "histogram_sum") return h.sum;
    if (e.text == "histogram_avg") return h.sum / h.count;
    const double variance = native_variance(h);
    return e.text == "histogram_stdvar" ? variance : std::sqrt(variance);
  };
  for (StepSeries& s : v.series) {
    s.drop_name = true;
    for (std::size_t i = 0; i < steps.count; ++i) {
      const Histogram* h = s.histogram(i);
      s.values[i] = h != nullptr ? of(*h) : absent_value();
    }
    s.histograms.clear();
  }
  TT_TRY(finish(v.series, false));
  return v;
}

}  // namespace telltale::promql
