#include "search/histogram.hpp"

#include <algorithm>
#include <map>

#include "base/limits.hpp"

namespace telltale::search {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kRoundSteps[] = {1ms,   2ms, 5ms, 10ms, 20ms, 50ms, 100ms, 200ms, 500ms, 1s,
                                 2s,    5s,  10s, 15s,  30s,  1min, 2min,  5min,  10min, 15min,
                                 30min, 1h,  2h,  3h,   6h,   12h,  24h,   48h,   168h};

struct GroupCounts {
  std::uint64_t total = 0;
  std::vector<std::uint64_t> counts;
};

Error named_by(Error error) {
  if (error.kind() != ErrorKind::resource_exhausted || !error.message().starts_with("count by "))
    return error;
  return Error(ErrorKind::invalid_argument,
               "by: more than " + std::to_string(limits::kMaxHistogramGroups) + " values in this range");
}

}  // namespace

Nanos round_step(TimeRange range, std::size_t buckets) {
  const double wanted = (static_cast<double>(range.to.ns) - static_cast<double>(range.from.ns)) /
                        static_cast<double>(std::max<std::size_t>(buckets, 1));
  for (const Nanos step : kRoundSteps)
    if (static_cast<double>(step.count()) >= wanted) return step;
  const Nanos last = kRoundSteps[std::size(kRoundSteps) - 1];
  return last * static_cast<std::int64_t>(wanted / static_cast<double>(last.count()) + 1);
}

UnixNanos bucket_start(UnixNanos time, Nanos step) {
  const std::int64_t past = ((time.ns % step.count()) + step.count()) % step.count();
  return {time.ns - past};
}

Result<Histogram> histogram(storage::EventStore& store, const HistogramQuery& query, WorkContext& context) {
  Histogram out;
  out.step = round_step(query.range, query.buckets);
  const UnixNanos first = bucket_start(query.range.from, out.step);
  for (UnixNanos t = first; t < query.range.to; t = t + out.step) out.buckets.push_back(t);
  storage::EventCountQuery count;
  count.table = query.table;
  count.projects = query.projects;
  count.range = query.range;
  count.filter = query.filter;
  count.bucket = out.step;
  count.group_by = query.by;
  count.max_groups = limits::kMaxHistogramGroups;
  auto counted = store.count(count, context);
  if (!counted) return tl::unexpected<Error>(named_by(std::move(counted).error()));
  std::map<std::string, GroupCounts> groups;
  for (const storage::EventCount& n : *counted) {
    GroupCounts& group = groups[n.group];
    group.counts.resize(out.buckets.size());
    group.counts[static_cast<std::size_t>((n.bucket - first) / out.step)] += n.count;
    group.total += n.count;
    out.total += n.count;
  }
  std::vector<std::pair<std::string, GroupCounts>> sorted(groups.begin(), groups.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.total > b.second.total; });
  for (auto& [value, group] : sorted) {
    if (out.series.size() < limits::kMaxHistogramSeries) {
      out.series.push_back({value, false, std::move(group.counts)});
      continue;
    }
    if (!out.series.back().others)
      out.series.push_back({"", true, std::vector<std::uint64_t>(out.buckets.size())});
    for (std::size_t i = 0; i < group.counts.size(); ++i) out.series.back().counts[i] += group.counts[i];
  }
  return out;
}

}  // namespace telltale::search
