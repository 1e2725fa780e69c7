// Aggregations of what comes straight from the store: sum by (…) (rate(x[5m])) and the like. Each series'
// row is made, added to its group's and forgotten, on the thread that reads the series, so that a hundred
// thousand series take the memory of their groups, and nobody looks at more of their labels than the group
// needs. What has histograms in it, or whose series could come to have equal labels, goes the long way
// (aggregate.cpp), which is also the oracle of the tests.
#include <atomic>
#include <cmath>
#include <unordered_map>

#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

enum class Op { sum, avg, min, max, count, group };

std::optional<Op> op_of(std::string_view text) {
  if (text == "sum") return Op::sum;
  if (text == "avg") return Op::avg;
  if (text == "min") return Op::min;
  if (text == "max") return Op::max;
  if (text == "count") return Op::count;
  if (text == "group") return Op::group;
  return std::nullopt;
}

void kahan_add(double& sum, double& error, double v) {
  KahanSum k{sum, error};
  k.add(v);
  sum = k.sum;
  error = k.error;
}

/// One group: at each step what its members have come to.
class GroupRow {
 public:
  GroupRow(Op op, std::size_t steps) : op_(op), members_(steps, 0) {
    if (op_ == Op::sum || op_ == Op::avg) error_.assign(steps, 0);
    if (op_ != Op::count && op_ != Op::group) total_.assign(steps, 0);
  }
  static std::size_t bytes(std::size_t steps) { return sizeof(GroupRow) + steps * 20; }

  void add(const std::vector<double>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!is_absent(row[i])) add(i, row[i], 0, 1);
    }
  }
  void add(const GroupRow& other) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (other.members_[i] == 0) continue;
      add(i, total_.empty() ? 0 : other.total_[i], error_.empty() ? 0 : other.error_[i], other.members_[i]);
    }
  }
  /// False where the order of additions may have told on more than the last digits.
  bool values(std::vector<double>& out) const {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i] == 0) continue;
      switch (op_) {
        case Op::count:
          out[i] = members_[i];
          break;
        case Op::group:
          out[i] = 1;
          break;
        case Op::sum:
        case Op::avg:
          if (!std::isfinite(total_[i])) return false;
          out[i] = total_[i] + error_[i];
          if (op_ == Op::avg) out[i] /= members_[i];
          break;
        case Op::min:
        case Op::max:
          out[i] = total_[i];
      }
    }
    return true;
  }

 private:
  void add(std::size_t i, double v, double error, std::uint32_t members) {
    const bool first = members_[i] == 0;
    members_[i] += members;
    switch (op_) {
      case Op::count:
      case Op::group:
        break;
      case Op::sum:
      case Op::avg:
        kahan_add(total_[i], error_[i], v);
        error_[i] += error;
        break;
      case Op::min:
        if (first || v < total_[i] || std::isnan(total_[i])) total_[i] = v;
        break;
      case Op::max:
        if (first || v > total_[i] || std::isnan(total_[i])) total_[i] = v;
    }
  }

  Op op_;
  std::vector<std::uint32_t> members_;
  std::vector<double> total_;
  std::vector<double> error_;
};

/// Where a series belongs, by as few of its labels as tell.
class Grouping {
 public:
  Grouping(const Expr& e, bool drop_name) : e_(e), drop_name_(drop_name) {}

  void key(const storage::SeriesLabels& labels, std::string& out) const {
    out.clear();
    if (e_.without) {
      out = grouping_key(labels.all(), e_.grouping, true);
      return;
    }
    for (const std::string& name : e_.grouping) {
      out += value(labels, name);
      out += '\xfe';
    }
  }
  Labels group(const storage::SeriesLabels& labels) const {
    std::vector<Label> kept;
    if (!e_.without) {
      for (const std::string& name : e_.grouping)
        if (const std::string_view v = value(labels, name); !v.empty())
          kept.push_back({name, std::string(v)});
      std::sort(kept.begin(), kept.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
      kept.erase(std::unique(kept.begin(), kept.end(),
                             [](const Label& a, const Label& b) { return a.name == b.name; }),
                 kept.end());
      return Labels(std::move(kept));
    }
    for (const Label& l : labels.all()) {
      const bool listed = std::find(e_.grouping.begin(), e_.grouping.end(), l.name) != e_.grouping.end();
      if (!listed && !belongs_to_name(l.name)) kept.push_back(l);
    }
    return Labels(std::move(kept));
  }

 private:
  std::string_view value(const storage::SeriesLabels& labels, std::string_view name) const {
    return drop_name_ && belongs_to_name(name) ? std::string_view() : labels.get(name);
  }
  const Expr& e_;
  const bool drop_name_;
};

struct Group {
  Labels labels;
  GroupRow row;
};
using Groups = std::unordered_map<std::string, Group>;

/// `make(labels, samples, row, plan)` gives a series' values, which must be floats, and tells how many
/// samples they were made of.
template <class Make>
class FusedSink final : public SeriesSink {
 public:
  FusedSink(Op op, Grouping grouping, std::size_t steps, WorkContext& context, Make make)
      : op_(op), grouping_(grouping), steps_(steps), context_(context), make_(std::move(make)) {}

  void begin(std::size_t shares) override { shares_.resize(shares); }
  Result<> take(std::size_t share, const storage::SeriesLabels& labels, bool,
                const Columns& samples) override {
    if (!samples.histograms.empty()) {
      met_histograms_ = true;
      return fail(ErrorKind::execution, "histograms are not added up here");
    }
    Share& s = shares_[share];
    s.row.values.assign(steps_, absent_value());
    TT_ASSIGN(const std::uint64_t seen, make_(labels, samples, s.row, s.plan));
    s.seen += seen;
    if (std::all_of(s.row.values.begin(), s.row.values.end(), is_absent)) return {};
    grouping_.key(labels, s.key);
    auto at = s.groups.find(s.key);
    if (at == s.groups.end()) {
      const std::size_t bytes = GroupRow::bytes(steps_) + s.key.size();
      TT_TRY(context_.charge(bytes));
      charged_ += bytes;
      at = s.groups.emplace(s.key, Group{grouping_.group(labels), GroupRow(op_, steps_)}).first;
    }
    at->second.row.add(s.row.values);
    return {};
  }

  bool met_histograms() const { return met_histograms_; }
  /// For who goes another way.
  void release() { context_.release(charged_.exchange(0)); }
  std::uint64_t seen() const {
    std::uint64_t out = 0;
    for (const Share& s : shares_) out += s.seen;
    return out;
  }
  /// nullopt when the numbers are such that they have to be added in their order.
  std::optional<StepVector> result() {
    Groups all;
    for (Share& s : shares_) {
      for (auto& [key, group] : s.groups) {
        if (const auto [at, fresh] = all.try_emplace(key, group); !fresh) at->second.row.add(group.row);
      }
    }
    StepVector out;
    for (auto& [key, group] : all) {
      StepSeries& s = out.series.emplace_back();
      s.labels = std::move(group.labels);
      s.values.assign(steps_, absent_value());
      if (!group.row.values(s.values)) return std::nullopt;
    }
    std::sort(out.series.begin(), out.series.end(),
              [](const StepSeries& a, const StepSeries& b) { return a.labels < b.labels; });
    return out;
  }

 private:
  struct alignas(64) Share {
    Groups groups;
    StepSeries row;
    WindowPlan plan;
    std::string key;
    std::uint64_t seen = 0;
  };
  const Op op_;
  const Grouping grouping_;
  const std::size_t steps_;
  WorkContext& context_;
  Make make_;
  std::vector<Share> shares_;
  std::atomic<bool> met_histograms_{false};
  std::atomic<std::size_t> charged_{0};
};

bool names_one_metric(const Expr& selector) {
  return std::any_of(selector.matchers.begin(), selector.matchers.end(), [](const auto& m) {
    return m.op() == storage::MatchOp::eq && m.name() == kMetricName && !m.value().empty();
  });
}

}  // namespace

Result<std::optional<StepVector>> Evaluator::fused(const Expr& e, const Steps& steps) {
  const auto op = op_of(e.text);
  const Expr& arg = unwrap(*e.args[0]);
  if (!op || projects_.size() != 1 || options_.has(Feature::delayed_name_removal) ||
      options_.has(Feature::type_and_unit_labels))
    return std::nullopt;
  const auto run = [&](bool drop_name, auto read, auto make) -> Result<std::optional<StepVector>> {
    FusedSink sink(*op, Grouping(e, drop_name), steps.count, context_, make);
    const std::uint64_t series = series_read_;
    const std::uint64_t samples = samples_read_;
    auto done = read(sink);
    std::optional<StepVector> out;
    if (!sink.met_histograms()) {
      TT_TRY(std::move(done));
      out = sink.result();
    }
    if (out) {
      see(sink.seen());
    } else {
      // The long way reads and counts it all.
      sink.release();
      series_read_ = series;
      samples_read_ = samples;
    }
    return out;
  };
  if (arg.kind == ExprKind::vector_selector && arg.extension == Extension::none) {
    const std::int64_t from = time_of(arg, steps.start) - lookback_;
    const WindowTimes instants = instants_of(arg, steps);
    return run(
        false,
        [&](SeriesSink& sink) {
          return fetch(arg, from, time_of(arg, steps.last()), hints_of(steps.step, 0, ""), sink);
        },
        [&](const storage::SeriesLabels&, const Columns& c, StepSeries& row,
            WindowPlan& plan) -> Result<std::uint64_t> { return instant_row(instants, c, row, plan); });
  }
  if (arg.kind != ExprKind::call || arg.args.size() != 1 || arg.text == "absent_over_time")
    return std::nullopt;
  const WindowFunction fn = find_window_function(arg.text);
  const Expr& range = unwrap(*arg.args[0]);
  if (fn == nullptr || range.kind != ExprKind::matrix_selector) return std::nullopt;
  const RangeCall call = range_call(arg, steps, range, fn, nullptr, nullptr);
  // Without their names, two metrics may have equal labels, which is an error that only the long way finds.
  if (call.selector.extension != Extension::none || (!call.keeps_name() && !names_one_metric(call.selector)))
    return std::nullopt;
  return run(
      !call.keeps_name(), [&](SeriesSink& sink) { return each_range(range, steps, arg.text, sink); },
      [&](const storage::SeriesLabels& labels, const Columns& c, StepSeries& row, WindowPlan& plan) {
        return range_row(call, steps, labels, c, row, plan);
      });
}

}  // namespace telltale::promql
