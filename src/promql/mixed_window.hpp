// Functions over windows that hold histograms, alone or among floats. What the two make together, and what is
// said of it, is Prometheus' own (promql/functions.go, util/annotations): growth of either kind, but not of a
// mix; sums and averages likewise; what is for floats leaves histograms out and says so.
#pragma once

#include <optional>

#include "model/histogram_math.hpp"
#include "promql/eval.hpp"

namespace telltale::promql {

/// The windows of one series under one call. Lives as long as the evaluator's function that uses it.
class MixedWindow {
 public:
  /// `call` is the function's node, or a smoothed selector.
  MixedWindow(Evaluator& evaluator, const Expr& call, const storage::SeriesLabels& labels)
      : evaluator_(evaluator), call_(call), labels_(labels) {}

  /// Whether the window holds a histogram.
  static bool concerns(const Window& w);
  /// `floats` is the function's code for floats. concerns(w).
  StepValue value(const Window& w, WindowFunction floats, Extension extension);
  /// The value at `t` between samples i and i + 1, at least one of which is a histogram.
  StepValue between(const Columns& c, std::size_t i, std::int64_t t);
  /// Says so when a sample's start lies before the sample in front of it.
  void check_starts(const Window& w);

 private:
  StepValue growth(const Window& w);
  StepValue last_change(const Window& w);
  StepValue extended_growth(const Window& w, bool smooth);
  StepValue extended_count(const Window& w);
  StepValue count_pairs(const Window& w) const;
  StepValue total(const Window& w);
  StepValue of_floats(const Window& w, WindowFunction floats);
  std::optional<Histogram> grown(const Window& w, bool counter);
  std::optional<Histogram> interpolated(const Columns& c, std::size_t i, std::int64_t t, bool counter);
  /// What resets between `first` and `last` took away; false if they do not fit together.
  bool add_lost(const Window& w, std::size_t first, std::size_t last, const Histogram& left,
                const Histogram& right, bool smooth, HistogramSum& to);
  /// False, with a warning, when the two kinds of buckets met.
  bool fits(const HistogramMeeting& met, std::string_view operation);
  bool is_counter() const {
    return call_.text == "rate" || call_.text == "increase" || call_.text == "irate";
  }
  const Expr& range() const { return call_.args.empty() ? call_ : *call_.args[0]; }
  std::string name() const { return "\"" + std::string(labels_.get(kMetricName)) + "\""; }
  StepValue refuse_mix();
  void not_counter();
  void not_gauge();
  void mixed_schemas();

  Evaluator& evaluator_;
  const Expr& call_;
  const storage::SeriesLabels& labels_;
};

/// The mean of histograms: their sum divided, or where that would overflow, a running mean.
std::optional<Histogram> mean_of_histograms(const std::vector<const Histogram*>& all,
                                            bool& bounds_reconciled);
/// Their sum.
std::optional<Histogram> sum_of_histograms(const std::vector<const Histogram*>& all, bool& bounds_reconciled);
/// Whether some say reset and some say that there was none.
bool hints_collide(const std::vector<const Histogram*>& all);

}  // namespace telltale::promql
