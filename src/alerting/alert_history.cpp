#include "alerting/alert_history.hpp"

#include <algorithm>

#include "model/sample.hpp"

namespace telltale::alerting {
namespace {

constexpr Millis kHistoryLookBack = std::chrono::hours(1);

}  // namespace

Result<std::vector<AlertChange>> alert_changes(storage::MetricStore& store, const storage::Projects& projects,
                                               TimeRange range, WorkContext& context) {
  storage::SeriesSelect query;
  query.projects = projects;
  query.range = {range.from.to_millis() - kHistoryLookBack, range.to.to_millis()};
  TT_ASSIGN(auto name, storage::LabelMatcher::make(storage::MatchOp::eq, std::string(kMetricName), "ALERTS"));
  TT_ASSIGN(auto firing, storage::LabelMatcher::make(storage::MatchOp::eq, "alertstate", "firing"));
  query.matchers = {std::move(name), std::move(firing)};
  TT_ASSIGN(const auto cursor, store.select(query, context));
  std::vector<AlertChange> out;
  storage::SeriesView view;
  while (true) {
    TT_ASSIGN(const bool more, cursor->next(view));
    if (!more) break;
    Labels labels = view.labels->all();
    labels.erase(kMetricName);
    labels.erase("alertstate");
    bool on = false;
    for (std::size_t i = 0; i < view.times_ms.size(); ++i) {
      const bool now = !is_stale_nan(view.values[i]);
      if (now != on && range.contains(UnixNanos::from_millis({view.times_ms[i]})))
        out.push_back({{view.times_ms[i]}, now, labels});
      on = now;
    }
  }
  std::sort(out.begin(), out.end(), [](const AlertChange& a, const AlertChange& b) {
    return a.time != b.time ? a.time > b.time : a.labels < b.labels;
  });
  return out;
}

}  // namespace telltale::alerting
