#include "health/release_health.hpp"

#include <algorithm>
#include <set>

#include "base/health_limits.hpp"

namespace telltale::health {
namespace {

using storage::SessionCounts;
using storage::SessionState;

/// The journal keeps everything from durable() on: a store that lags too far holds segments back, one that
/// writes too often works for nothing.
constexpr std::uint64_t kMaxLag = 1024;
constexpr Nanos kLeastPause = std::chrono::seconds(5);
constexpr Nanos kLongestPause = std::chrono::seconds(20);
constexpr Nanos kNewReleasePause = std::chrono::seconds(1);  // people wait for a release they have just made
constexpr std::size_t kCrowd = (limits::kMaxKnownSessions + limits::kMaxSessionsHeld) / 2;  // write soon
constexpr std::size_t kMaxOutcomeKinds = 500;  // of one project and hour, not yet written

UnixNanos session_hour(UnixNanos time) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  const std::int64_t past = (time.ns % kHour + kHour) % kHour;
  return {time.ns - past};
}

std::int64_t* count_of(SessionCounts& counts, SessionState state) {
  switch (state) {
    case SessionState::open:
      return nullptr;
    case SessionState::exited:
      return &counts.exited;
    case SessionState::errored:
      return &counts.errored;
    case SessionState::abnormal:
      return &counts.abnormal;
    case SessionState::crashed:
      return &counts.crashed;
  }
  return nullptr;
}

bool asked_for(const storage::SessionQuery& query, const storage::SessionHour& h) {
  return (query.release.empty() || query.release == h.release) &&
         (query.environment.empty() || query.environment == h.environment) && query.hours.contains(h.hour) &&
         std::find(query.projects.begin(), query.projects.end(), h.project) != query.projects.end();
}

Result<std::string> merged_sketch(const std::string& kept, const DistinctSketch& more) {
  if (kept.empty()) return more.encode();
  TT_ASSIGN(auto sketch, DistinctSketch::decode(kept));
  sketch.merge(more);
  return sketch.encode();
}

}  // namespace

ReleaseHealth::ReleaseHealth(storage::RecordStore& records, const Clock& clock, const Logger& log,
                             MetricsRegistry& metrics)
    : records_(records),
      clock_(clock),
      log_(log),
      sessions_total_(metrics.counter("telltale_session_updates_total", "Updates of sessions counted.")),
      over_limit_total_(metrics.counter("telltale_session_rows_over_limit_total",
                                        "Hours of sessions left out because their project has too many "
                                        "releases.")),
      not_remembered_total_(metrics.counter("telltale_sessions_not_remembered_total",
                                            "Updates of sessions that were one too many to be remembered.")),
      known_gauge_(metrics.gauge("telltale_known_sessions", "Sessions that may be heard of again.")),
      last_checkpoint_(clock.steady().count()) {}

Result<std::unique_ptr<ReleaseHealth>> ReleaseHealth::open(storage::RecordStore& records, const Clock& clock,
                                                           const Logger& log, MetricsRegistry& metrics) {
  std::unique_ptr<ReleaseHealth> store(new ReleaseHealth(records, clock, log, metrics));
  TT_TRY(store->load());
  return store;
}

Result<> ReleaseHealth::load() {
  TT_ASSIGN(const Sequence applied, records_.applied().get(name()));
  TT_ASSIGN(const auto known, records_.session_health().known());
  applied_ = applied.value;
  durable_ = applied.value;
  const MutexLock lock(mutex_);
  for (const auto& s : known) {
    const HourKey* place = nullptr;  // of one from before it was kept: what the next update says
    if (s.project.value != 0) place = &*places_.insert({s.project, s.release, s.environment, s.hour}).first;
    known_[s.sid] = {place, s.state, s.started, false, s.seen};
  }
  known_gauge_.set(static_cast<double>(known_.size()));
  log_.info("release health opened", {{"sessions", known_.size()}, {"applied", applied.value}});
  return {};
}

void ReleaseHealth::saw(ProjectId project, const std::string& release, UnixNanos time) {
  if (release.empty()) return;
  const auto [it, fresh] = seen_.try_emplace({project, release}, time, time);
  if (fresh) {
    if (written_.size() < limits::kMaxReleases && !written_.contains(it->first)) new_release_.store(true);
    return;
  }
  it->second.first = std::min(it->second.first, time);
  it->second.second = std::max(it->second.second, time);
}

/// With a place.
ReleaseHealth::Known& ReleaseHealth::known_of(std::uint64_t sid, const HourKey& key) {
  const auto found = known_.find(sid);
  if (found == known_.end() && known_.size() >= limits::kMaxSessionsHeld) {
    not_remembered_total_.add();
    not_remembered_ = {&key};
    return not_remembered_;
  }
  Known& known = found == known_.end() ? known_[sid] : found->second;
  if (known.place == nullptr) known.place = &*places_.insert(key).first;
  if (known_.size() > kCrowd) too_many_.store(true);
  return known;
}

void ReleaseHealth::count(const storage::Batch& batch, const storage::SessionUpdate& u) {
  const HourKey key{batch.project, u.release, u.environment, session_hour(u.started)};
  Known* const session = u.sid == 0 ? nullptr : &known_of(u.sid, key);
  HourDelta& hour = hours_[session == nullptr ? key : *session->place];
  saw(batch.project, u.release, u.started);
  bool crashed = u.crashed > 0;
  if (session == nullptr) {
    hour.counts += {static_cast<std::int64_t>(u.exited + u.errored + u.abnormal + u.crashed),
                    static_cast<std::int64_t>(u.exited), static_cast<std::int64_t>(u.errored),
                    static_cast<std::int64_t>(u.abnormal), static_cast<std::int64_t>(u.crashed)};
  } else {
    Known& known = *session;
    known.seen = std::max(known.seen, batch.received);
    known.changed = true;
    if (u.init && !known.started) {
      known.started = true;
      ++hour.counts.started;
    }
    if (u.state > known.state) {
      if (auto* before = count_of(hour.counts, known.state)) --*before;
      ++*count_of(hour.counts, u.state);
      known.state = u.state;
    }
    crashed = u.state == SessionState::crashed;
  }
  if (u.user == 0) return;
  hour.users.add_hash(u.user);
  if (crashed) hour.crashed_users.add_hash(u.user);
}

void ReleaseHealth::count_outcome(const storage::Batch& batch, const storage::OutcomeCount& o) {
  OutcomeKey key{batch.project, session_hour(batch.received), o.source, o.category, o.reason};
  if (outcomes_.size() >= kMaxOutcomeKinds && !outcomes_.contains(key)) key.category = key.reason = "other";
  outcomes_[std::move(key)] += o.quantity;
}

Result<> ReleaseHealth::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  const MutexLock lock(mutex_);
  for (const auto& update : batch.items.sessions) count(batch, update);
  for (const auto& outcome : batch.items.outcomes) count_outcome(batch, outcome);
  for (const auto* rows : {&batch.errors, &batch.spans}) {
    const EventRow* last = nullptr;  // rows of one request mostly are of one release
    for (const EventRow& row : *rows) {
      if (last == nullptr || last->ids.release != row.ids.release)
        saw(batch.project, row.ids.release, row.time);
      last = &row;
    }
  }
  sessions_total_.add(batch.items.sessions.size());
  pending_.store(hours_.size() + outcomes_.size() + seen_.size());
  applied_.store(sequence.value);
  return {};
}

std::vector<std::uint64_t> ReleaseHealth::sessions_to_forget(UnixNanos now) const {
  std::vector<std::uint64_t> out;
  std::vector<std::pair<UnixNanos, std::uint64_t>> kept;
  const bool too_many = known_.size() > limits::kMaxKnownSessions;
  for (const auto& [sid, known] : known_) {
    const bool ended = known.state != SessionState::open && known.state != SessionState::errored;
    const Nanos keep = ended ? Nanos(std::chrono::minutes(limits::kClosedSessionMinutes))
                             : Nanos(std::chrono::hours(24 * limits::kSessionDays));
    if (known.seen + keep < now) {
      out.push_back(sid);
    } else if (too_many) {
      kept.emplace_back(known.seen, sid);
    }
  }
  if (kept.size() > limits::kMaxKnownSessions) {
    const auto surplus = static_cast<std::ptrdiff_t>(kept.size() - limits::kMaxKnownSessions);
    std::nth_element(kept.begin(), kept.begin() + surplus, kept.end());
    for (auto it = kept.begin(); it != kept.begin() + surplus; ++it) out.push_back(it->second);
  }
  return out;
}

Result<> ReleaseHealth::write_hour(const HourKey& key, const HourDelta& delta) {
  storage::SessionHour hour;
  hour.project = key.project;
  hour.hour = key.hour;
  hour.release = key.release;
  hour.environment = key.environment;
  TT_ASSIGN(const auto kept, records_.session_health().hour(hour));
  if (kept) hour = *kept;
  hour.counts += delta.counts;
  TT_ASSIGN(hour.users, merged_sketch(hour.users, delta.users));
  TT_ASSIGN(hour.crashed_users, merged_sketch(hour.crashed_users, delta.crashed_users));
  return records_.session_health().put(hour);
}

Result<> ReleaseHealth::write(const std::vector<std::uint64_t>& forgotten, Sequence reached) {
  std::set<std::pair<ProjectId, std::string>> too_many;
  for (const auto& [release, times] : seen_) {
    TT_ASSIGN(const bool known, records_.releases().saw(release.first, release.second, times.first,
                                                        times.second, clock_.now(), limits::kMaxReleases));
    if (!known) too_many.insert(release);
  }
  for (const auto& [key, delta] : hours_) {
    if (too_many.contains({key.project, key.release})) {
      over_limit_total_.add();
      continue;
    }
    TT_TRY(write_hour(key, delta));
  }
  for (const auto& [key, quantity] : outcomes_)
    TT_TRY(
        records_.outcomes().add({key.project, key.hour, {key.source, key.category, key.reason, quantity}}));
  for (const std::uint64_t sid : forgotten) TT_TRY(records_.session_health().forget(sid));
  for (const auto& [sid, known] : known_) {
    if (known.changed)
      TT_TRY(records_.session_health().remember({sid, known.state, known.started, known.seen,
                                                 known.place->project, known.place->hour,
                                                 known.place->release, known.place->environment}));
  }
  return records_.applied().put(name(), reached);
}

void ReleaseHealth::drop_unused_places() {
  if (places_.size() <= limits::kMaxPendingSessionHours) return;
  std::set<const HourKey*> used;
  for (const auto& [sid, known] : known_) used.insert(known.place);
  std::erase_if(places_, [&](const HourKey& key) { return !used.contains(&key); });
}

Result<> ReleaseHealth::checkpoint() {
  // Nothing is applied or asked meanwhile: what is added up is either pending or kept.
  const MutexLock lock(mutex_);
  const Sequence reached = applied();
  last_checkpoint_.store(clock_.steady().count());
  const auto forgotten = sessions_to_forget(clock_.now());
  for (const std::uint64_t sid : forgotten) known_[sid].changed = false;
  auto done = records_.transaction(
      [&]() TT_REQUIRES(mutex_) -> Result<> { return write(forgotten, reached); }, storage::Durability::full);
  TT_TRY(std::move(done));
  durable_.store(reached.value);
  for (const std::uint64_t sid : forgotten) known_.erase(sid);
  for (auto& [sid, known] : known_) known.changed = false;
  drop_unused_places();
  for (const auto& [release, times] : seen_)
    if (written_.size() < limits::kMaxReleases) written_.insert(release);
  new_release_.store(false);
  too_many_.store(false);
  hours_.clear();
  outcomes_.clear();
  seen_.clear();
  pending_.store(0);
  known_gauge_.set(static_cast<double>(known_.size()));
  return {};
}

bool ReleaseHealth::wants_checkpoint() const {
  const Nanos pause = clock_.steady() - Nanos(last_checkpoint_.load());
  return (applied_.load() - durable_.load() >= kMaxLag && pause >= kLeastPause) ||
         (new_release_.load() && pause >= kNewReleasePause) || too_many_.load() ||
         (pending_.load() > 0 && pause >= kLongestPause) || pending_.load() > limits::kMaxPendingSessionHours;
}

Result<std::vector<storage::SessionHour>> ReleaseHealth::hours(const storage::SessionQuery& query) const {
  const MutexLock lock(mutex_);
  TT_ASSIGN(auto kept, records_.session_health().hours(query));
  std::map<HourKey, std::size_t> places;
  for (std::size_t i = 0; i < kept.size(); ++i)
    places[{kept[i].project, kept[i].release, kept[i].environment, kept[i].hour}] = i;
  for (const auto& [key, delta] : hours_) {
    storage::SessionHour fresh;
    fresh.project = key.project;
    fresh.hour = key.hour;
    fresh.release = key.release;
    fresh.environment = key.environment;
    if (!asked_for(query, fresh)) continue;
    const auto [place, is_new] = places.try_emplace(key, kept.size());
    if (is_new) kept.push_back(std::move(fresh));
    storage::SessionHour& hour = kept[place->second];
    hour.counts += delta.counts;
    if (!query.with_users) continue;
    TT_ASSIGN(hour.users, merged_sketch(hour.users, delta.users));
    TT_ASSIGN(hour.crashed_users, merged_sketch(hour.crashed_users, delta.crashed_users));
  }
  std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.hour < b.hour; });
  return kept;
}

Result<std::vector<storage::OutcomeHour>> ReleaseHealth::outcomes(const std::vector<ProjectId>& projects,
                                                                  TimeRange range) const {
  const MutexLock lock(mutex_);
  TT_ASSIGN(auto kept, records_.outcomes().list(projects, range));
  for (const auto& [key, quantity] : outcomes_) {
    if (std::find(projects.begin(), projects.end(), key.project) == projects.end()) continue;
    if (!range.contains(key.hour)) continue;
    const auto same = std::find_if(kept.begin(), kept.end(), [&, k = &key](const auto& o) {
      return o.project == k->project && o.count.source == k->source && o.count.category == k->category &&
             o.count.reason == k->reason;
    });
    if (same != kept.end()) {
      same->count.quantity += quantity;
    } else {
      kept.push_back({key.project, key.hour, {key.source, key.category, key.reason, quantity}});
    }
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const auto& a, const auto& b) { return a.count.quantity > b.count.quantity; });
  return kept;
}

Result<> ReleaseHealth::prune() {
  const UnixNanos before = clock_.now() - std::chrono::hours(24 * limits::kHealthDays);
  return records_.transaction(
      [&]() -> Result<> {
        TT_TRY(records_.session_health().prune_hours(before));
        return records_.outcomes().prune(before);
      },
      storage::Durability::full);
}

}  // namespace telltale::health
