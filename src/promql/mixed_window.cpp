#include "promql/mixed_window.hpp"

#include <algorithm>
#include <cmath>

namespace telltale::promql {
namespace {

constexpr std::string_view kAddition = "addition";
constexpr std::string_view kSubtraction = "subtraction";
constexpr std::string_view kAggregation = "aggregation";

/// The histograms of a window; `floats` counts the others.
std::vector<const Histogram*> histograms_of(const Columns& w, std::size_t& floats) {
  std::vector<const Histogram*> out;
  for (const HistogramPtr& h : w.histograms) {
    if (h != nullptr) out.push_back(h.get());
  }
  floats = w.times.size() - out.size();
  return out;
}

/// A histogram of nothing that fits to `like`: what a counter was before it began.
Histogram nothing_like(const Histogram& like) {
  Histogram out;
  out.schema = like.schema;
  out.zero_threshold = like.zero_threshold;
  out.custom_values = like.custom_values;
  return out;
}

bool restarted(const Columns& c, std::size_t i, const Histogram& before) {
  return c.start_reset(i) || detect_reset(*c.histograms[i], before);
}

}  // namespace

bool MixedWindow::concerns(const Window& w) {
  return std::any_of(w.histograms.begin(), w.histograms.end(),
                     [](const HistogramPtr& h) { return h != nullptr; });
}

void MixedWindow::check_starts(const Window& w) {
  for (std::size_t i = 1; i < w.starts.size(); ++i) {
    if (w.starts[i] == 0 || w.starts[i] >= w.times[i - 1] || w.starts[i] == w.starts[i - 1]) continue;
    evaluator_.warn("sample has start time that overlaps with previous sample timestamp for metric " + name(),
                    range());
    return;
  }
}

StepValue MixedWindow::refuse_mix() {
  evaluator_.warn("encountered a mix of histograms and floats for metric name " + name(), range());
  return {};
}
void MixedWindow::not_counter() {
  evaluator_.warn("this native histogram metric is not a counter: " + name(), range());
}
void MixedWindow::not_gauge() {
  evaluator_.warn("this native histogram metric is not a gauge: " + name(), range());
}
void MixedWindow::mixed_schemas() {
  evaluator_.warn(
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric name " +
          name(),
      range());
}

bool MixedWindow::fits(const HistogramMeeting& met, std::string_view operation) {
  if (!met.compatible) mixed_schemas();
  if (met.bounds_reconciled)
    evaluator_.inform("mismatched custom buckets were reconciled during " + std::string(operation), range());
  return met.compatible;
}

StepValue MixedWindow::value(const Window& w, WindowFunction floats, Extension extension) {
  const std::string& f = call_.text;
  const bool changes = f == "changes" || f == "resets";
  if (extension != Extension::none && changes) return extended_count(w);
  if (extension != Extension::none) return extended_growth(w, extension == Extension::smoothed);
  if (f == "rate" || f == "increase" || f == "delta") return growth(w);
  if (f == "irate" || f == "idelta") return last_change(w);
  if (changes) return count_pairs(w);
  if (f == "sum_over_time" || f == "avg_over_time") return total(w);
  if (f == "count_over_time") return static_cast<double>(w.times.size());
  if (f == "present_over_time" || f == "absent_over_time") return 1.0;
  if (f == "ts_of_first_over_time") return in_seconds(w.times.front());
  if (f == "ts_of_last_over_time") return in_seconds(w.times.back());
  if (f == "first_over_time" || f == "last_over_time") {
    const std::size_t i = f == "first_over_time" ? 0 : w.times.size() - 1;
    return w.histogram(i) != nullptr ? StepValue(w.histograms[i]) : StepValue(w.values[i]);
  }
  return of_floats(w, floats);
}

StepValue MixedWindow::of_floats(const Window& w, WindowFunction floats) {
  OwnedColumns kept;
  for (std::size_t i = 0; i < w.times.size(); ++i) {
    if (w.histogram(i) != nullptr) continue;
    kept.times.push_back(w.times[i]);
    kept.values.push_back(w.values[i]);
  }
  if (kept.times.empty()) return {};
  evaluator_.inform(
      "ignored histograms in a range containing both floats and histograms for metric name " + name(),
      range());
  Window inside = w;
  static_cast<Columns&>(inside) = kept.view();
  return floats(inside);
}

std::optional<Histogram> MixedWindow::grown(const Window& w, bool counter) {
  const std::size_t n = w.times.size();
  const Histogram& last = *w.histograms[n - 1];
  const Histogram* before = w.histograms[0].get();
  const auto is_gauge = [](const Histogram& h) { return h.reset_hint == ResetHint::gauge; };
  if (counter && (is_gauge(*before) || is_gauge(last))) not_counter();
  // Behind a reset, the layout of what was before does not matter.
  Histogram nothing;
  if (counter && restarted(w, 1, *before)) {
    nothing = nothing_like(*w.histograms[1]);
    before = &nothing;
  }
  const bool custom = before->is_custom();
  if (last.is_custom() != custom) {
    mixed_schemas();
    return std::nullopt;
  }
  std::int32_t schema = std::min(last.schema, before->schema);
  for (std::size_t i = 1; counter && i + 1 < n; ++i) {
    const Histogram& h = *w.histograms[i];
    if (is_gauge(h)) not_counter();
    if (h.is_custom() != custom) {
      mixed_schemas();
      return std::nullopt;
    }
    schema = std::min(schema, h.schema);
  }
  HistogramSum sum(last);
  if (!fits(sum.subtract(*before), kSubtraction)) return std::nullopt;
  for (std::size_t i = 1; counter && i < n; ++i) {
    if (restarted(w, i, *before) && !fits(sum.add(*before), kAddition)) return std::nullopt;
    before = w.histograms[i].get();
  }
  if (!counter && !(is_gauge(*w.histograms[0]) && is_gauge(last))) not_gauge();
  Histogram out = sum.value();
  reduce_resolution(out, schema);
  return out;
}

StepValue MixedWindow::growth(const Window& w) {
  std::size_t floats = 0;
  const auto all = histograms_of(w, floats);
  if (floats > 0) return refuse_mix();
  const bool counter = is_counter();
  const bool from_start = counter && starts_inside(w);
  if (all.size() < 2 && !from_start) return {};
  if (counter && !w.starts.empty()) check_starts(w);
  std::optional<Histogram> out = *all[0];
  if (all.size() > 1) {
    out = grown(w, counter);
    if (!out) return {};
    if (from_start && !fits(add(*out, *all[0]), kAddition)) return {};
  }
  scale(*out, extrapolation_factor(w, counter, all[0]->count, out->count, from_start));
  if (call_.text == "rate") scale(*out, 1 / in_seconds(w.to - w.from));
  out->reset_hint = ResetHint::gauge;
  return StepValue(*std::move(out));
}

StepValue MixedWindow::last_change(const Window& w) {
  const std::size_t n = w.times.size();
  if (n < 2) return {};
  const Columns two = w.part(n - 2, 2);
  const Histogram* a = two.histogram(0);
  const Histogram* b = two.histogram(1);
  const bool rate = call_.text == "irate";
  const double seconds = in_seconds(two.times[1] - two.times[0]);
  if (a == nullptr && b == nullptr) {
    const bool reset = rate && (two.values[1] < two.values[0] || two.start_reset(1));
    const double change = reset ? two.values[1] : two.values[1] - two.values[0];
    return rate ? change / seconds : change;
  }
  if (a == nullptr || b == nullptr) return refuse_mix();
  const bool a_gauge = a->reset_hint == ResetHint::gauge;
  const bool b_gauge = b->reset_hint == ResetHint::gauge;
  if (rate && (a_gauge || b_gauge)) not_counter();
  if (!rate && !(a_gauge && b_gauge)) not_gauge();
  Histogram out = *b;
  if (!rate || !restarted(two, 1, *a)) {
    if (!fits(subtract(out, *a), kSubtraction)) return {};
  }
  out.reset_hint = ResetHint::gauge;
  compact(out);
  if (rate) divide(out, seconds);
  return StepValue(std::move(out));
}

StepValue MixedWindow::count_pairs(const Window& w) const {
  const bool resets = call_.text == "resets";
  double n = 0;
  for (std::size_t i = 1; i < w.times.size(); ++i) {
    const Histogram* a = w.histogram(i - 1);
    const Histogram* b = w.histogram(i);
    const double x = w.values[i - 1];
    const double y = w.values[i];
    if ((a == nullptr) != (b == nullptr)) {
      ++n;
    } else if (a != nullptr) {
      n += resets ? restarted(w, i, *a) : !same_data(*a, *b);
    } else {
      n += resets ? y < x || w.start_reset(i) : (x != y && !(std::isnan(x) && std::isnan(y)));
    }
  }
  return n;
}

StepValue MixedWindow::extended_count(const Window& w) {
  const auto after = std::upper_bound(w.times.begin(), w.times.end(), w.from) - w.times.begin();
  const std::size_t first = after > 0 ? static_cast<std::size_t>(after - 1) : 0;
  if (w.times.back() <= w.from) return {};
  Window inside = w;
  static_cast<Columns&>(inside) = w.part(first, w.times.size() - first);
  return count_pairs(inside);
}

StepValue MixedWindow::total(const Window& w) {
  std::size_t floats = 0;
  const auto all = histograms_of(w, floats);
  if (floats > 0) return refuse_mix();
  bool reconciled = false;
  std::optional<Histogram> out = call_.text == "sum_over_time" ? sum_of_histograms(all, reconciled)
                                                               : mean_of_histograms(all, reconciled);
  if (!out) {
    mixed_schemas();
    return {};
  }
  if (hints_collide(all)) evaluator_.warn("conflicting counter resets during histogram aggregation", range());
  (void)fits({true, false, reconciled}, kAggregation);
  return StepValue(*std::move(out));
}

std::optional<Histogram> MixedWindow::interpolated(const Columns& c, std::size_t i, std::int64_t t,
                                                   bool counter) {
  const Histogram& a = *c.histograms[i];
  const Histogram& b = *c.histograms[i + 1];
  if (t == c.times[i]) return a;
  if (t == c.times[i + 1]) return b;
  if (a.is_custom() != b.is_custom()) {
    mixed_schemas();
    return std::nullopt;
  }
  const double share = static_cast<double>(t - c.times[i]) / static_cast<double>(c.times[i + 1] - c.times[i]);
  Histogram out = b;
  if (counter && detect_reset(b, a)) {  // as if it had restarted from zero
    scale(out, share);
    return out;
  }
  if (!fits(subtract(out, a), kSubtraction)) return std::nullopt;
  scale(out, share);
  if (!fits(add(out, a), kAddition)) return std::nullopt;
  out.reset_hint = b.reset_hint;
  return out;
}

StepValue MixedWindow::between(const Columns& c, std::size_t i, std::int64_t t) {
  if (c.histogram(i) == nullptr || c.histogram(i + 1) == nullptr) return refuse_mix();
  const bool counter =
      c.histogram(i)->reset_hint != ResetHint::gauge && c.histogram(i + 1)->reset_hint != ResetHint::gauge;
  std::optional<Histogram> out = interpolated(c, i, t, counter);
  return out ? StepValue(*std::move(out)) : StepValue();
}

bool MixedWindow::add_lost(const Window& w, std::size_t first, std::size_t last, const Histogram& left,
                           const Histogram& right, bool smooth, HistogramSum& to) {
  const Histogram* before = &left;
  std::size_t i = first + 1;
  if (smooth && w.times[first] < w.from && detect_reset(*w.histograms[i], *w.histograms[first])) {
    // The left edge lies on the line across that reset, which has taken it into account.
    before = w.histograms[i].get();
    ++i;
  }
  if (i > last) return true;
  for (; i < last; ++i) {
    const Histogram& h = *w.histograms[i];
    if (detect_reset(h, *before) && !fits(to.add(*before), kAddition)) return false;
    before = &h;
  }
  return !detect_reset(right, *before) || fits(to.add(*before), kAddition);
}

StepValue MixedWindow::extended_growth(const Window& w, bool smooth) {
  std::size_t floats = 0;
  (void)histograms_of(w, floats);
  if (floats > 0) return refuse_mix();
  const bool counter = is_counter();
  std::size_t last = w.times.size() - 1;
  const auto inner_end = w.times.begin() + static_cast<std::ptrdiff_t>(last);
  const auto after = std::upper_bound(w.times.begin(), inner_end, w.from) - w.times.begin();
  const std::size_t first = after > 0 ? static_cast<std::size_t>(after - 1) : 0;
  if (smooth)
    last = static_cast<std::size_t>(std::lower_bound(w.times.begin(), inner_end, w.to) - w.times.begin());
  if (w.times[last] <= w.from || (smooth && w.times[first] > w.to)) return {};
  for (std::size_t i = first; i <= last; ++i) {
    if (w.histograms[i]->is_custom() != w.histograms[first]->is_custom()) {
      mixed_schemas();
      return {};
    }
    if (counter && w.histograms[i]->reset_hint == ResetHint::gauge) not_counter();
  }
  std::optional<Histogram> left = *w.histograms[first];
  std::optional<Histogram> right = *w.histograms[last];
  if (smooth && w.times[first] < w.from) left = interpolated(w, first, w.from, counter);
  if (smooth && last > 0 && w.times[last] > w.to) right = interpolated(w, last - 1, w.to, counter);
  if (!left || !right) return {};
  if (!counter && !(left->reset_hint == ResetHint::gauge && right->reset_hint == ResetHint::gauge))
    not_gauge();
  HistogramSum sum(*right);
  if (!fits(sum.subtract(*left), kSubtraction)) return {};
  if (counter && !add_lost(w, first, last, *left, *right, smooth, sum)) return {};
  Histogram out = sum.value();
  if (call_.text == "rate") divide(out, in_seconds(w.to - w.from));
  out.reset_hint = ResetHint::gauge;
  return StepValue(std::move(out));
}

std::optional<Histogram> sum_of_histograms(const std::vector<const Histogram*>& all,
                                           bool& bounds_reconciled) {
  HistogramSum sum(*all[0]);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const HistogramMeeting met = sum.add(*all[i]);
    if (!met.compatible) return std::nullopt;
    bounds_reconciled = bounds_reconciled || met.bounds_reconciled;
  }
  return sum.value();
}

std::optional<Histogram> mean_of_histograms(const std::vector<const Histogram*>& all,
                                            bool& bounds_reconciled) {
  HistogramSum sum(*all[0]);
  bool overflow = false;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const HistogramMeeting met = sum.add(*all[i]);
    if (!met.compatible) return std::nullopt;
    bounds_reconciled = bounds_reconciled || met.bounds_reconciled;
    overflow = overflow || sum.overflown();
  }
  if (!overflow) {
    Histogram out = sum.value();
    divide(out, static_cast<double>(all.size()));
    return out;
  }
  HistogramSum mean(*all[0]);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const auto n = static_cast<double>(i + 1);
    Histogram share = *all[i];
    divide(share, n);
    mean.scale((n - 1) / n);
    if (!mean.add(share).compatible) return std::nullopt;
  }
  return mean.value();
}

bool hints_collide(const std::vector<const Histogram*>& all) {
  const auto some = [&](ResetHint hint) {
    return std::any_of(all.begin(), all.end(), [hint](const Histogram* h) { return h->reset_hint == hint; });
  };
  return some(ResetHint::yes) && some(ResetHint::no);
}

}  // namespace telltale::promql
