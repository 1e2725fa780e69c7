// info(v, {selector}): adds to each series the labels of the info series (target_info unless the selector
// names others) that has its `instance` and `job`. Where several of one name match, the one with the newest
// sample gives the labels; labels that the series has already stay.
#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

const std::vector<std::string> kIdentifying = {"instance", "job"};

bool is_identifying(const std::string& name) {
  return std::find(kIdentifying.begin(), kIdentifying.end(), name) != kIdentifying.end();
}

bool is_positive(const storage::LabelMatcher& m) {
  return m.op() == storage::MatchOp::eq || m.op() == storage::MatchOp::re;
}

/// What the second argument says.
struct InfoSelector {
  std::vector<storage::LabelMatcher> names;
  std::vector<storage::LabelMatcher> data;
  std::set<std::string> wanted;  // labels to add; empty: all

  std::vector<storage::LabelMatcher> all() const {
    std::vector<storage::LabelMatcher> out = names;
    out.insert(out.end(), data.begin(), data.end());
    return out;
  }
  bool may_be_missing() const {
    return std::all_of(data.begin(), data.end(), [](const auto& m) { return m.matches_empty(); });
  }
};

Result<InfoSelector> info_selector(const Expr* written) {
  InfoSelector out;
  if (written != nullptr) {
    for (const auto& m : written->matchers) {
      if (m.name() == kMetricName) {
        out.names.push_back(m);
      } else {
        out.data.push_back(m);
        out.wanted.insert(m.name());
      }
    }
  }
  if (std::any_of(out.names.begin(), out.names.end(), is_positive)) return out;
  const auto op = out.names.empty() ? storage::MatchOp::eq : storage::MatchOp::re;
  const char* const name = out.names.empty() ? "target_info" : ".+_info";
  TT_ASSIGN(auto made, storage::LabelMatcher::make(op, std::string(kMetricName), name));
  out.names.push_back(std::move(made));
  return out;
}

/// One info series: when its current sample was taken, for each step; kNever where it has none.
struct InfoSeries {
  Labels labels;
  std::vector<std::int64_t> sampled;
};
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

/// Those of one `instance` and `job`, by metric name.
using InfoGroup = std::map<std::string, std::vector<InfoSeries>>;

const InfoSeries* newest(const std::vector<InfoSeries>& series, std::size_t step) {
  const InfoSeries* best = nullptr;
  for (const InfoSeries& s : series) {
    if (s.sampled[step] == kNever) continue;
    if (best == nullptr || s.sampled[step] > best->sampled[step]) best = &s;
  }
  return best;
}

/// The labels of `base` and those that its info series add at a step; `found` tells whether there was one.
Result<Labels> enriched(const Labels& base, const InfoGroup& group, const InfoSelector& selector,
                        std::size_t step, bool& found) {
  Labels out = base;
  for (const auto& [name, series] : group) {
    const InfoSeries* info = newest(series, step);
    if (info == nullptr) continue;
    found = true;
    for (const Label& l : info->labels) {
      if (l.name == kMetricName || is_identifying(l.name) || base.has(l.name)) continue;
      if (!selector.wanted.empty() && selector.wanted.count(l.name) == 0) continue;
      if (out.has(l.name) && out.get(l.name) != l.value) {
        return fail(ErrorKind::execution, "info(): conflicting label \"" + l.name + "\": \"" +
                                              std::string(out.get(l.name)) + "\" and \"" + l.value + "\"");
      }
      out.set(l.name, l.value);
    }
  }
  return out;
}

}  // namespace

bool Evaluator::info_time(const Expr& e, std::int64_t step_time, std::int64_t& out) const {
  if (e.kind == ExprKind::vector_selector) {
    out = time_of(e, step_time);
    return true;
  }
  const std::int64_t t = e.kind == ExprKind::subquery ? time_of(e, step_time) : step_time;
  return std::any_of(e.args.begin(), e.args.end(),
                     [&](const ExprPtr& arg) { return info_time(*arg, t, out); });
}

Result<StepVector> Evaluator::info(const Expr& e, const Steps& steps) {
  TT_ASSIGN(const StepVector v, eval(*e.args[0], steps));
  TT_ASSIGN(const InfoSelector selector, info_selector(e.args.size() > 1 ? e.args[1].get() : nullptr));
  // The info series are read as of the time at which the series were.
  std::vector<std::int64_t> times(steps.count);
  for (std::size_t i = 0; i < steps.count; ++i) {
    times[i] = steps.at(i);
    (void)info_time(*e.args[0], steps.at(i), times[i]);
  }
  auto sink = list_sink<InfoSeries>([&](const storage::SeriesLabels& labels, bool, const Columns& c,
                                        ListShare<InfoSeries>& share) -> Result<> {
    TT_TRY(context_.charge(steps.count * sizeof(std::int64_t) + sizeof(InfoSeries)));
    InfoSeries s{labels.all(), std::vector<std::int64_t>(steps.count, kNever)};
    for (std::size_t i = 0; i < steps.count; ++i) {
      const auto after = std::upper_bound(c.times.begin(), c.times.end(), times[i]) - c.times.begin();
      if (after == 0) continue;
      const auto at = static_cast<std::size_t>(after - 1);
      if (c.times[at] <= times[i] - lookback_ || is_stale_nan(c.values[at])) continue;
      if (c.histogram(at) != nullptr) {
        return fail(
            ErrorKind::execution,
            "info(): an info metric has float samples, but these are histograms: " + s.labels.to_string());
      }
      s.sampled[i] = c.times[at];
    }
    share.list.push_back(std::move(s));
    return {};
  });
  std::map<std::string, InfoGroup> groups;
  if (!v.series.empty()) {
    const auto [first, last] = std::minmax_element(times.begin(), times.end());
    Expr source;
    source.kind = ExprKind::vector_selector;
    source.matchers = selector.all();
    TT_TRY(fetch(source, *first - lookback_, *last, hints_of(steps.step, 0, ""), sink));
    for (InfoSeries& s : sink.take_all()) {
      const std::string name(s.labels.get(kMetricName));
      groups[grouping_key(s.labels, kIdentifying, false)][name].push_back(std::move(s));
    }
  }
  StepVector out;
  static const InfoGroup kNone;
  for (const StepSeries& s : v.series) {
    if (storage::matches_all(selector.names, s.labels)) {  // an info series itself
      out.series.push_back(s);
      continue;
    }
    const bool identified = std::any_of(kIdentifying.begin(), kIdentifying.end(),
                                        [&](const std::string& name) { return s.labels.has(name); });
    const auto it = groups.find(grouping_key(s.labels, kIdentifying, false));
    const InfoGroup& group = identified && it != groups.end() ? it->second : kNone;
    std::map<Labels, std::size_t> made;
    for (std::size_t i = 0; i < steps.count; ++i) {
      if (is_absent(s.values[i])) continue;
      bool found = false;
      TT_ASSIGN(Labels labels, enriched(s.labels, group, selector, i, found));
      if (!found && !selector.may_be_missing()) continue;
      const auto [entry, fresh] = made.try_emplace(labels, out.series.size());
      if (fresh) {
        TT_TRY(context_.charge(steps.count * sizeof(double) + sizeof(StepSeries)));
        out.series.push_back(
            {std::move(labels), std::vector<double>(steps.count, absent_value()), s.drop_name});
      }
      out.series[entry->second].put(i, s.at(i));
    }
  }
  TT_TRY(finish(out.series, false));
  return out;
}

}  // namespace telltale::promql
