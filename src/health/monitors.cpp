#include "health/monitors.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/health_limits.hpp"
#include "base/json.hpp"
#include "health/monitor_event.hpp"

namespace telltale::health {
namespace {

using storage::CheckIn;
using storage::CheckInStatus;
using storage::KeptCheckIn;
using storage::Monitor;
using storage::MonitorState;
using storage::MonitorStatus;

constexpr std::string_view kDefaultEnvironment = "production";
constexpr Nanos kEarly = std::chrono::minutes(1);  // a run so much before its time is the expected one
constexpr int kMissedPerTick = 100;                // of one monitor in one environment

MonitorState state_after(CheckInStatus failure) {
  switch (failure) {
    case CheckInStatus::missed:
      return MonitorState::missed;
    case CheckInStatus::timeout:
      return MonitorState::timeout;
    default:
      return MonitorState::error;
  }
}

void expect(MonitorStatus& status, const MonitorConfig& config, std::optional<UnixNanos> next) {
  status.next_expected = next;
  status.next_latest = next ? std::optional(*next + config.margin()) : std::nullopt;
}

/// After a run that began then. One that comes a little early is the one that was expected.
void expect_next(MonitorStatus& status, const MonitorConfig& config, UnixNanos started) {
  UnixNanos base = started;
  if (status.next_expected && started < *status.next_expected && *status.next_expected - started <= kEarly)
    base = *status.next_expected;
  const auto next = config.next(base);
  if (!next || !status.next_expected || *next > *status.next_expected) expect(status, config, next);
}

}  // namespace

Monitors::Monitors(storage::RecordStore& records, const Clock& clock, const Logger& log,
                   MetricsRegistry& metrics)
    : RecordFollower(records),
      clock_(clock),
      log_(log),
      check_ins_total_(metrics.counter("telltale_check_ins_total", "Check-ins of scheduled jobs.")),
      refused_total_(metrics.counter("telltale_check_ins_refused_total",
                                     "Check-ins of monitors or environments over their limit.")),
      failures_total_(
          metrics.counter("telltale_monitor_failures_total", "Runs that failed or did not come.")) {}

Result<std::unique_ptr<Monitors>> Monitors::open(storage::RecordStore& records, const Clock& clock,
                                                 const Logger& log, MetricsRegistry& metrics) {
  std::unique_ptr<Monitors> store(new Monitors(records, clock, log, metrics));
  TT_TRY(store->load_sequence());
  return store;
}

Result<> Monitors::start() {
  return records_.transaction([&]() -> Result<> {
    const UnixNanos now = clock_.now();
    TT_ASSIGN(auto overdue, records_.monitors().overdue(now));
    for (auto& status : overdue) {
      TT_ASSIGN(auto monitor, records_.monitors().get(status.monitor));
      TT_ASSIGN(const auto view, view_of(std::move(monitor)));
      expect(status, view.config, view.config.next(now));
      TT_TRY(records_.monitors().put_status(status));
    }
    return {};
  });
}

Result<MonitorView> Monitors::view_of(Monitor monitor) const {
  MonitorView view;
  // What is kept was checked; a document that a later version made expects nothing here.
  view.config = MonitorConfig::parse(monitor.config).value_or(MonitorConfig());
  TT_ASSIGN(view.statuses, records_.monitors().statuses(monitor.id));
  view.monitor = std::move(monitor);
  return view;
}

Result<> Monitors::take(const storage::Batch& batch) {
  for (const CheckIn& check_in : batch.items.check_ins) TT_TRY(take_one(batch.project, check_in));
  check_ins_total_.add(batch.items.check_ins.size());
  return {};
}

/// Where something was expected, it is now by what the monitor says.
Result<> Monitors::expect_anew(const Monitor& monitor, UnixNanos now) {
  TT_ASSIGN(auto view, view_of(monitor));
  for (auto& status : view.statuses) {
    expect(status, view.config, view.config.next(now));
    TT_TRY(records_.monitors().put_status(status));
  }
  return {};
}

/// nullopt when there are too many.
Result<std::optional<Monitor>> Monitors::monitor_of(ProjectId project, const CheckIn& check_in) {
  TT_ASSIGN(auto found, records_.monitors().find(project, check_in.monitor));
  if (found) {
    if (!check_in.config.empty() && check_in.config != found->config) {
      found->config = check_in.config;
      found->updated = check_in.time;
      TT_TRY(records_.monitors().update(*found));
      TT_TRY(expect_anew(*found, check_in.time));
    }
    return found;
  }
  TT_ASSIGN(const auto count, records_.monitors().count(project));
  if (count >= limits::kMaxMonitors) return std::optional<Monitor>();
  Monitor made;
  made.project = project;
  made.slug = made.name = check_in.monitor;
  made.config = check_in.config.empty() ? "{}" : check_in.config;
  made.created = made.updated = check_in.time;
  TT_ASSIGN(made.id, records_.monitors().add(made));
  return std::optional(std::move(made));
}

Result<> Monitors::take_one(ProjectId project, const CheckIn& check_in) {
  TT_ASSIGN(auto monitor, monitor_of(project, check_in));
  if (!monitor) {
    refused_total_.add();
    return {};
  }
  if (monitor->disabled) return {};
  TT_ASSIGN(auto view, view_of(*std::move(monitor)));
  const std::string environment(check_in.environment.empty() ? kDefaultEnvironment
                                                             : std::string_view(check_in.environment));
  auto known = std::find_if(view.statuses.begin(), view.statuses.end(),
                            [&](const auto& s) { return s.environment == environment; });
  if (known == view.statuses.end()) {
    if (view.statuses.size() >= limits::kMaxMonitorEnvironments) {
      refused_total_.add();
      return {};
    }
    known = view.statuses.emplace(view.statuses.end());
    known->monitor = view.monitor.id;
    known->environment = environment;
  }
  MonitorStatus status = *known;
  std::optional<KeptCheckIn> run;
  if (check_in.id.present()) {
    TT_ASSIGN(run, records_.monitors().find_check_in(view.monitor.id, environment, check_in.id));
  } else if (check_in.status != CheckInStatus::in_progress) {
    TT_ASSIGN(run, records_.monitors().open_check_in(view.monitor.id, environment));
  }
  if (run) {
    TT_TRY(continue_run(view, status, *run, check_in));
  } else {
    TT_TRY(begin_run(view, status, check_in));
  }
  return records_.monitors().put_status(status);
}

Result<> Monitors::begin_run(const MonitorView& view, MonitorStatus& status, const CheckIn& check_in) {
  KeptCheckIn run;
  run.monitor = view.monitor.id;
  run.environment = status.environment;
  run.client_id = check_in.id;
  run.status = check_in.status;
  run.started = check_in.time;
  run.duration_ms = check_in.duration_ms;
  run.release = check_in.release;
  run.trace_id = check_in.trace_id;
  run.expected = status.next_expected;
  if (run.status == CheckInStatus::in_progress) {
    run.deadline = check_in.time + view.config.max_runtime();
  } else {
    run.finished = check_in.time;
    if (run.duration_ms > 0) run.started = check_in.time - Nanos(std::chrono::milliseconds(run.duration_ms));
  }
  TT_ASSIGN(run.id, records_.monitors().add_check_in(run));
  status.last_check_in = std::max(status.last_check_in.value_or(check_in.time), check_in.time);
  expect_next(status, view.config, run.started);
  return run.status == CheckInStatus::in_progress ? Result<>() : judge(view, status, run);
}

/// A run that is over stays as it was judged; how long it took is still worth knowing.
Result<> Monitors::continue_run(const MonitorView& view, MonitorStatus& status, KeptCheckIn& run,
                                const CheckIn& check_in) {
  status.last_check_in = std::max(status.last_check_in.value_or(check_in.time), check_in.time);
  const bool over = run.status != CheckInStatus::in_progress;
  if (check_in.status == CheckInStatus::in_progress) {
    if (over) return {};
    run.deadline = check_in.time + view.config.max_runtime();  // it says that it is alive
    return records_.monitors().update_check_in(run);
  }
  if (over && run.duration_ms >= 0) return {};
  if (!over) run.status = check_in.status;
  run.deadline.reset();
  run.finished = check_in.time;
  run.duration_ms = check_in.duration_ms;
  if (run.duration_ms < 0 && check_in.time > run.started)
    run.duration_ms = (check_in.time - run.started).count() / 1'000'000;
  if (!check_in.release.empty()) run.release = check_in.release;
  if (check_in.trace_id.present()) run.trace_id = check_in.trace_id;
  TT_TRY(records_.monitors().update_check_in(run));
  return over ? Result<>() : judge(view, status, run);
}

/// What the end of a run means.
Result<> Monitors::judge(const MonitorView& view, MonitorStatus& status, const KeptCheckIn& run) {
  const bool failing = status.failing_since.has_value();
  if (run.status == CheckInStatus::ok) {
    ++status.successes;
    status.failures = 0;
    if (failing && status.successes < view.config.recovery_threshold()) return {};
    status.state = MonitorState::ok;
    status.failing_since.reset();
    // Its environments share an issue: it is over when no other one fails.
    const bool others = std::any_of(view.statuses.begin(), view.statuses.end(), [&](const MonitorStatus& s) {
      return s.environment != status.environment && s.failing_since;
    });
    if (!failing || others || view.monitor.muted) return {};
    return records_.monitors().add_notice({0, view.monitor.project, failure_event(view, status, run), true});
  }
  ++status.failures;
  status.successes = 0;
  failures_total_.add();
  if (status.failures < view.config.failure_threshold() && !failing) return {};
  status.state = state_after(run.status);
  if (!failing) status.failing_since = run.finished.value_or(run.started);
  if (view.monitor.muted) return {};
  return records_.monitors().add_notice({0, view.monitor.project, failure_event(view, status, run), false});
}

Result<> Monitors::find_timed_out(UnixNanos now) {
  TT_ASSIGN(auto runs, records_.monitors().timed_out(now));
  for (auto& run : runs) {
    run.finished = run.deadline;
    run.deadline.reset();
    run.status = CheckInStatus::timeout;
    TT_TRY(records_.monitors().update_check_in(run));
    auto monitor = records_.monitors().get(run.monitor);
    if (!monitor || monitor->disabled) continue;
    TT_ASSIGN(const auto view, view_of(*std::move(monitor)));
    for (MonitorStatus status : view.statuses) {
      if (status.environment != run.environment) continue;
      TT_TRY(judge(view, status, run));
      TT_TRY(records_.monitors().put_status(status));
    }
  }
  return {};
}

Result<> Monitors::find_missed(UnixNanos now) {
  TT_ASSIGN(auto overdue, records_.monitors().overdue(now));
  for (auto& status : overdue) {
    TT_ASSIGN(auto monitor, records_.monitors().get(status.monitor));
    TT_ASSIGN(const auto view, view_of(std::move(monitor)));
    for (int n = 0; n < kMissedPerTick && status.next_latest && *status.next_latest <= now; ++n) {
      KeptCheckIn run;
      run.monitor = status.monitor;
      run.environment = status.environment;
      run.status = CheckInStatus::missed;
      run.started = *status.next_expected;
      run.finished = *status.next_latest;
      run.expected = status.next_expected;
      TT_ASSIGN(run.id, records_.monitors().add_check_in(run));
      TT_TRY(judge(view, status, run));
      expect(status, view.config, view.config.next(run.started));
      // A schedule that does not go on would be missed for ever.
      if (status.next_expected && *status.next_expected <= run.started) expect(status, view.config, {});
    }
    TT_TRY(records_.monitors().put_status(status));
  }
  return {};
}

// Mostly nothing is due: then no transaction begins.
Result<> Monitors::find_failures(UnixNanos now) {
  TT_ASSIGN(const auto timed_out, records_.monitors().timed_out(now));
  TT_ASSIGN(const auto overdue, records_.monitors().overdue(now));
  if (timed_out.empty() && overdue.empty()) return {};
  return records_.transaction(
      [&]() -> Result<> {
        TT_TRY(find_timed_out(now));
        return find_missed(now);
      },
      storage::Durability::deferred);
}

void Monitors::tick() {
  if (const auto done = find_failures(clock_.now()); !done)
    log_.warn("monitors were not checked", {{"reason", done.error().message()}});
  tell();
}

void Monitors::tell() {
  if (!sink_) return;
  const auto notices = records_.monitors().notices(limits::kMaxNoticesPerTick);
  if (!notices) return;
  for (const auto& notice : *notices) {
    const auto taken = sink_(notice);
    if (!taken) {
      log_.warn("what became of a monitor was not taken in", {{"reason", taken.error().message()}});
      if (taken.error().kind() != ErrorKind::invalid_argument) return;  // later
    }
    if (!records_.monitors().remove_notice(notice.id)) return;
  }
}

Result<> Monitors::prune() {
  return records_.monitors().prune_check_ins(clock_.now() - std::chrono::hours(24 * limits::kHealthDays));
}

Result<MonitorView> Monitors::add(Monitor monitor, const std::vector<std::string>& environments) {
  TT_TRY(check_slug(monitor.slug));
  if (environments.size() > limits::kMaxMonitorEnvironments)
    return fail(ErrorKind::invalid_argument,
                fmt::format("environments: more than {}", limits::kMaxMonitorEnvironments));
  TT_ASSIGN(const auto config, MonitorConfig::parse(monitor.config));
  monitor.config = config.json();
  monitor.created = monitor.updated = clock_.now();
  if (monitor.name.empty()) monitor.name = monitor.slug;
  MonitorView view;
  auto done = records_.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto count, records_.monitors().count(monitor.project));
    if (count >= limits::kMaxMonitors)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("there are {} monitors in this project (kMaxMonitors)", count));
    TT_ASSIGN(monitor.id, records_.monitors().add(monitor));
    for (const auto& environment : environments) {
      MonitorStatus status;
      status.monitor = monitor.id;
      status.environment = environment;
      expect(status, config, config.next(clock_.now()));
      TT_TRY(records_.monitors().put_status(status));
    }
    TT_ASSIGN(view, view_of(monitor));
    return {};
  });
  TT_TRY(std::move(done));
  return view;
}

Result<MonitorView> Monitors::change(std::int64_t id, const MonitorChange& change) {
  MonitorView view;
  auto done = records_.transaction([&]() -> Result<> {
    TT_ASSIGN(Monitor monitor, records_.monitors().get(id));
    if (change.name) monitor.name = change.name->empty() ? monitor.slug : *change.name;
    if (change.muted) monitor.muted = *change.muted;
    const bool again = change.disabled && monitor.disabled && !*change.disabled;
    if (change.disabled) monitor.disabled = *change.disabled;
    monitor.updated = clock_.now();
    if (change.config) {
      TT_ASSIGN(const auto config, MonitorConfig::parse(*change.config));
      monitor.config = config.json();
    }
    TT_TRY(records_.monitors().update(monitor));
    if (change.config || again) TT_TRY(expect_anew(monitor, clock_.now()));
    TT_ASSIGN(view, view_of(std::move(monitor)));
    return {};
  });
  TT_TRY(std::move(done));
  return view;
}

Result<> Monitors::remove(std::int64_t id) { return records_.monitors().remove(id); }

Result<MonitorView> Monitors::get(std::int64_t id) const {
  TT_ASSIGN(auto monitor, records_.monitors().get(id));
  return view_of(std::move(monitor));
}

Result<std::vector<MonitorView>> Monitors::list(const std::vector<ProjectId>& projects) const {
  TT_ASSIGN(auto monitors, records_.monitors().list(projects));
  std::vector<MonitorView> out;
  for (auto& monitor : monitors) {
    TT_ASSIGN(auto view, view_of(std::move(monitor)));
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace telltale::health
