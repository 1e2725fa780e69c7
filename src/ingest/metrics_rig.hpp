// For the tests of this folder: numbers, from bytes to the store.
#pragma once

#include <string>
#include <vector>

#include "ingest/ingest_rig.hpp"
#include "model/histogram.hpp"

namespace telltale::ingest {

inline constexpr ProjectId kPushed{1};
inline constexpr std::int64_t kNowMs = 1'750'000'000'000;

class MetricsRig : public IngestRig {
 protected:
  void SetUp() override {
    clock.set_wall(UnixNanos::from_millis({kNowMs}));
    IngestRig::SetUp();
  }

  /// `name{…} value@distance from now …` of every series, as the store has them; a histogram's value is
  /// `h(count)`.
  std::vector<std::string> stored() {
    EXPECT_TRUE(pipeline->wait_applied(journal->durable(), std::chrono::seconds(10)));
    WorkContext context(clock, {});
    storage::SeriesSelect query;
    query.projects = {kPushed};
    query.range = {{0}, {kNowMs * 2}};
    query.matchers = {*storage::LabelMatcher::make(storage::MatchOp::re, std::string(kMetricName), ".+")};
    auto cursor = numbers->select(query, context);
    EXPECT_TRUE(cursor);
    std::vector<std::string> out;
    storage::SeriesView view;
    while (*(*cursor)->next(view)) {
      std::string line = view.labels->all().to_string();
      for (std::size_t i = 0; i < view.values.size(); ++i) {
        const bool native = !view.histograms.empty() && view.histograms[i] != nullptr;
        line += ' ' + (native ? "h(" + number(view.histograms[i]->count) + ")" : number(view.values[i]));
        line += '@' + std::to_string(view.times_ms[i] - kNowMs);
      }
      out.push_back(line);
    }
    return out;
  }

  static std::string number(double v) {
    if (is_stale_nan(v)) return "stale";
    std::string text = std::to_string(v);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  }
};

}  // namespace telltale::ingest
