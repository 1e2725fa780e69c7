#include "logmetrics/log_metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"

namespace telltale::logmetrics {
namespace {

constexpr Nanos kInterval = std::chrono::seconds(limits::kLogMetricIntervalSeconds);
constexpr Nanos kDefaultMaxLate = std::chrono::hours(1);
/// The journal keeps everything from durable() on: a store that lags too far holds segments back, one that
/// writes too often works for nothing.
constexpr std::uint64_t kMaxLag = 1024;
constexpr Nanos kLeastPause = std::chrono::seconds(5);
constexpr Nanos kLongestPause = std::chrono::seconds(30);

Counter& rows_counter(MetricsRegistry& metrics, const char* outcome) {
  return metrics.counter("telltale_log_metric_rows_total", "Log rows that log metrics matched, by outcome.",
                         {{"outcome", outcome}});
}

std::string definition_json(const Definition& d) {
  JsonWriter w;
  w.begin_object();
  write_members(w, d);
  w.end_object();
  return w.take();
}

}  // namespace

LogMetrics::LogMetrics(storage::RecordStore& records, const Clock& clock, const Logger& log,
                       MetricsRegistry& metrics)
    : records_(records),
      clock_(clock),
      log_(log),
      counted_total_(rows_counter(metrics, "counted")),
      late_total_(rows_counter(metrics, "late")),
      unusable_total_(rows_counter(metrics, "unusable")),
      over_limit_total_(rows_counter(metrics, "over_limit")),
      write_failures_(metrics.counter("telltale_log_metric_write_failures_total",
                                      "Times that samples of log metrics could not be written.")),
      series_(metrics.gauge("telltale_log_metric_series", "Series of all log metrics.")),
      max_late_(kDefaultMaxLate.count()),
      last_checkpoint_(clock.steady().count()),
      distinct_room_(limits::kMaxDistinctGroups) {}

Result<std::unique_ptr<LogMetrics>> LogMetrics::open(storage::RecordStore& records, const Clock& clock,
                                                     const Logger& log, MetricsRegistry& metrics) {
  std::unique_ptr<LogMetrics> store(new LogMetrics(records, clock, log, metrics));
  TT_TRY(store->load());
  return store;
}

Result<> LogMetrics::load() {
  TT_ASSIGN(const Sequence applied, records_.applied().get(name()));
  TT_ASSIGN(auto kept, records_.log_metrics().list());
  TT_ASSIGN(const auto states, records_.log_metrics().states());
  applied_ = applied.value;
  durable_ = applied.value;
  const MutexLock lock(mutex_);
  for (auto& record : kept) {
    auto definition = parse_definition(record.definition);
    if (!definition) {
      log_.error("a log metric cannot be read and rests",
                 {{"metric", record.name}, {"reason", definition.error().message()}});
      continue;
    }
    const std::int64_t id = record.id;
    TT_ASSIGN(auto metric, LiveMetric::make(std::move(record), *std::move(definition)));
    live_.emplace(id, std::move(metric));
  }
  for (const auto& state : states) {
    if (const auto found = live_.find(state.metric); found != live_.end())
      TT_TRY(found->second.restore(state));
  }
  for (const auto& [id, metric] : live_) {
    if (metric.definition().kind == MetricKind::distinct)
      distinct_room_ -= std::min(distinct_room_, metric.groups());
  }
  log_.info("log metrics opened", {{"metrics", live_.size()}, {"applied", applied.value}});
  return {};
}

Result<> LogMetrics::may_add(ProjectId project, const Definition& definition) const {
  const auto wanted = series_names(definition);
  std::size_t own = 0;
  for (const auto& [id, metric] : live_) {
    if (metric.record().project != project) continue;
    ++own;
    for (const auto& taken : series_names(metric.definition())) {
      if (std::find(wanted.begin(), wanted.end(), taken) != wanted.end())
        return fail(ErrorKind::conflict,
                    fmt::format("name: the log metric {} writes {} already", metric.record().name, taken));
    }
  }
  if (own >= limits::kMaxLogMetrics)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("there are {} log metrics in this project (kMaxLogMetrics)", own));
  return {};
}

Result<MetricStatus> LogMetrics::add(ProjectId project, Definition definition) {
  storage::LogMetric record;
  record.project = project;
  record.name = definition.name;
  record.definition = definition_json(definition);
  record.created = clock_.now();
  const MutexLock kept(kept_mutex_);
  // Nothing is applied meanwhile: what the metric begins with is what is kept of it.
  const MutexLock lock(mutex_);
  TT_TRY(may_add(project, definition));
  record.since = applied();
  TT_ASSIGN(record.id, records_.log_metrics().add(record));
  TT_ASSIGN(auto metric, LiveMetric::make(record, std::move(definition)));
  MetricStatus status = status_of(metric);
  live_.emplace(record.id, std::move(metric));
  log_.info("log metric made", {{"metric", record.name}, {"project", project.value}});
  return status;
}

Result<> LogMetrics::remove(std::int64_t id) {
  Samples ends;
  ProjectId project;
  {
    const MutexLock kept(kept_mutex_);
    TT_TRY(get(id));
    TT_TRY(records_.log_metrics().remove(id));
    const MutexLock lock(mutex_);
    const auto found = live_.find(id);
    project = found->second.record().project;
    found->second.end_samples(clock_.now().to_millis(), ends);
    if (found->second.definition().kind == MetricKind::distinct) distinct_room_ += found->second.groups();
    log_.info("log metric removed", {{"metric", found->second.record().name}, {"project", project.value}});
    live_.erase(found);
  }
  write(project, ends);
  return {};
}

MetricStatus LogMetrics::status_of(const LiveMetric& metric) {
  MetricStatus out;
  out.id = metric.record().id;
  out.project = metric.record().project;
  out.created = metric.record().created;
  out.definition = metric.definition();
  out.series = metric.series();
  out.counts = metric.counts();
  if (metric.last_match().ns != 0) out.last_match = metric.last_match();
  return out;
}

Result<MetricStatus> LogMetrics::get(std::int64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = live_.find(id);
  if (found == live_.end()) return fail(ErrorKind::not_found, fmt::format("log metric {}: not found", id));
  return status_of(found->second);
}

std::vector<MetricStatus> LogMetrics::list(const storage::Projects& projects) const {
  std::vector<MetricStatus> out;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, metric] : live_) {
      if (std::find(projects.begin(), projects.end(), metric.record().project) != projects.end())
        out.push_back(status_of(metric));
    }
  }
  std::sort(out.begin(), out.end(), [](const MetricStatus& a, const MetricStatus& b) {
    return std::tie(a.definition.name, a.id) < std::tie(b.definition.name, b.id);
  });
  return out;
}

void LogMetrics::count_up(const RowCounts& before, const RowCounts& after) {
  counted_total_.add(after.counted - before.counted);
  late_total_.add(after.late - before.late);
  unusable_total_.add(after.unusable - before.unusable);
  over_limit_total_.add(after.over_limit - before.over_limit);
}

Result<> LogMetrics::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  const MutexLock lock(mutex_);
  const Nanos max_late(max_late_.load());
  for (auto& [id, metric] : live_) {
    if (batch.logs.empty()) break;
    if (metric.record().project != batch.project || sequence <= metric.record().since) continue;
    ++mark_;
    const RowCounts before = metric.counts();
    for (const EventRow& row : batch.logs) metric.add(row, batch.received, max_late, distinct_room_, mark_);
    count_up(before, metric.counts());
    dirty_.store(true);
  }
  applied_.store(sequence.value);
  return {};
}

Result<> LogMetrics::checkpoint() {
  const MutexLock kept(kept_mutex_);
  std::vector<storage::LogMetricState> states;
  std::uint64_t mark = 0;
  Sequence reached;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, metric] : live_) metric.changed(kept_mark_, states);
    mark = mark_;
    reached = applied();
    dirty_.store(false);
  }
  last_checkpoint_.store(clock_.steady().count());
  auto done = records_.transaction(
      [&]() -> Result<> {
        for (const auto& state : states) {
          TT_TRY(state.value.empty() ? records_.log_metrics().remove_state(state.metric, state.key)
                                     : records_.log_metrics().put_state(state));
        }
        return records_.applied().put(name(), reached);
      },
      storage::Durability::full);
  if (!done) {
    dirty_.store(true);
    return done;
  }
  kept_mark_ = mark;
  durable_.store(reached.value);
  const MutexLock lock(mutex_);
  for (auto& [id, metric] : live_) metric.forget_gone(mark);
  return {};
}

bool LogMetrics::wants_checkpoint() const {
  const Nanos pause = clock_.steady() - Nanos(last_checkpoint_.load());
  return (applied_.load() - durable_.load() >= kMaxLag && pause >= kLeastPause) ||
         (dirty_.load() && pause >= kLongestPause);
}

void LogMetrics::write(ProjectId project, const Samples& samples) {
  if (!sink_ || samples.empty()) return;
  for (std::size_t from = 0; from < samples.size(); from += limits::kLogMetricBatchSamples) {
    const std::size_t to = std::min(samples.size(), from + limits::kLogMetricBatchSamples);
    const auto at = [&](std::size_t i) { return samples.begin() + static_cast<std::ptrdiff_t>(i); };
    if (const auto done = sink_(project, Samples(at(from), at(to))); !done) {
      write_failures_.add();
      log_.warn("samples of log metrics were not written", {{"reason", done.error().message()}});
      return;
    }
  }
}

void LogMetrics::tick() {
  const UnixMillis now = clock_.now().to_millis();
  const std::int64_t slot = now.ms / std::chrono::duration_cast<Millis>(kInterval).count();
  if (slot == last_slot_) return;
  last_slot_ = slot;
  struct Told {
    ProjectId project;
    Samples samples;
    std::vector<std::string> groups;
  };
  std::map<std::int64_t, Told> all;
  std::size_t series = 0;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, metric] : live_) {
      Told& told = all[id];
      told.project = metric.record().project;
      metric.samples(now, told.samples, told.groups);
      series += metric.series();
    }
  }
  series_.set(static_cast<double>(series));
  for (auto& [id, told] : all) {
    const std::uint64_t failures = write_failures_.value();
    write(told.project, told.samples);
    if (told.groups.empty() || write_failures_.value() != failures) continue;
    const MutexLock lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) continue;
    found->second.set_told(told.groups, ++mark_);
    dirty_.store(true);
  }
}

}  // namespace telltale::logmetrics
