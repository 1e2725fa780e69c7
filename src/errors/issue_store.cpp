#include "errors/issue_store.hpp"

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "errors/releases.hpp"

namespace telltale::errors {

namespace {

using storage::Issue;
using storage::IssueStatus;
using storage::IssueSubstatus;

/// The journal keeps everything from durable() on: a store that lags too far holds segments back.
constexpr std::uint64_t kMaxLag = 256;

std::string text_of(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? std::string() : to_string(*value);
}

std::vector<std::string> hashes_of(const EventRow& row, std::string_view name) {
  std::vector<std::string> hashes;
  const std::string text = text_of(row, name);
  std::size_t at = 0;
  while (at < text.size() && hashes.size() < limits::kMaxGroupHashes) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) hashes.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return hashes;
}

Issue new_issue(const EventRow& row, ProjectId project) {
  Issue issue;
  issue.project = project;
  issue.title = row.message;
  issue.culprit = text_of(row, attr::kCulprit);
  issue.type = text_of(row, attr::kErrorType);
  issue.level = row.ids.level;
  issue.platform = text_of(row, attr::kPlatform);
  issue.first_seen = issue.last_seen = row.time;
  issue.first_release = issue.last_release = row.ids.release;
  issue.status_changed = row.received;
  return issue;
}

UnixNanos hour_of(UnixNanos time) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  const std::int64_t past = (time.ns % hour_ns + hour_ns) % hour_ns;
  return {time.ns - past};
}

/// One batch's work: issues are read once, changed in memory, written once.
class BatchApplier {
 public:
  BatchApplier(storage::RecordStore& records, ProjectId project) : records_(records), project_(project) {}

  Result<> add(const EventRow& row) {
    const std::vector<std::string> hashes = hashes_of(row, attr::kGroupHashes);
    if (hashes.empty()) return {};  // not groupable: ingest gives every error at least one
    TT_ASSIGN(Touched* const touched, resolve(row, hashes));
    TT_TRY(count(*touched, row));
    return {};
  }

  Result<> finish(std::vector<IssueEvent>& events) {
    for (auto& [id, touched] : touched_) {
      for (const auto& [hour, n] : touched.hours)
        TT_TRY(records_.issues().add_hour_count(touched.issue.id, hour, n));
      TT_TRY(records_.issues().update(touched.issue));
      if (touched.change) events.push_back({*touched.change, touched.issue});
    }
    return {};
  }

 private:
  struct Touched {
    Issue issue;
    std::map<UnixNanos, std::uint64_t> hours;
    std::optional<IssueChange> change;
  };

  Result<Touched*> resolve(const EventRow& row, const std::vector<std::string>& hashes) {
    TT_ASSIGN(Touched * found, find(hashes));
    // An issue from before the grouping changed: from now on it is found by the new hashes.
    if (found == nullptr) {
      TT_ASSIGN(found, find(hashes_of(row, attr::kGroupHashesBefore)));
    }
    if (found == nullptr) {
      TT_ASSIGN(Issue issue, records_.issues().add(new_issue(row, project_)));
      const auto id = issue.id;
      found = &touched_.emplace(id, Touched{std::move(issue), {}, IssueChange::fresh}).first->second;
    }
    for (const std::string& hash : hashes)
      TT_TRY(records_.issues().bind_hash(project_, hash, found->issue.id));
    return found;
  }

  /// The issue of the first hash that is bound; null when none is.
  Result<Touched*> find(const std::vector<std::string>& hashes) {
    for (const std::string& hash : hashes) {
      TT_ASSIGN(const auto id, records_.issues().find_by_hash(project_, hash));
      if (id) return load(*id);
    }
    return nullptr;
  }

  Result<Touched*> load(storage::IssueId id) {
    auto it = touched_.find(id);
    if (it == touched_.end()) {
      TT_ASSIGN(Issue issue, records_.issues().get(id));
      it = touched_.emplace(id, Touched{std::move(issue), {}, std::nullopt}).first;
    }
    return &it->second;
  }

  /// An event from after the resolution reopens the issue. When the release with the fix is named, an event
  /// of an older version is from before the fix. Where versions say nothing, so are events of releases that
  /// the issue has met before, other than that one; and those without a release.
  Result<bool> regresses(const Issue& issue, const EventRow& row) {
    if (issue.status != IssueStatus::resolved || row.time < issue.status_changed) return false;
    if (issue.resolved_in.empty() || row.ids.release == issue.resolved_in) return true;
    if (row.ids.release.empty()) return false;
    if (const auto order = compare_releases(row.ids.release, issue.resolved_in)) return *order >= 0;
    TT_ASSIGN(const auto met, records_.issues().releases(issue.id));
    return std::none_of(met.begin(), met.end(), [&](const auto& r) { return r.release == row.ids.release; });
  }

  Result<> count(Touched& touched, const EventRow& row) {
    Issue& issue = touched.issue;
    TT_ASSIGN(const bool reopens, regresses(issue, row));
    if (reopens) {
      issue.status = IssueStatus::unresolved;
      issue.substatus = IssueSubstatus::regressed;
      issue.status_changed = row.received;
      issue.resolved_in.clear();
      touched.change = IssueChange::regressed;
    }
    ++issue.event_count;
    ++touched.hours[hour_of(row.time)];
    if (row.time < issue.first_seen) {
      issue.first_seen = row.time;
      if (!row.ids.release.empty()) issue.first_release = row.ids.release;
    }
    if (row.time >= issue.last_seen) {
      issue.last_seen = row.time;
      issue.level = row.ids.level;
      issue.title = row.message;
      issue.culprit = text_of(row, attr::kCulprit);
      issue.last_event = Id128::parse(text_of(row, attr::kEventId)).value_or(Id128{});
      if (!row.ids.release.empty()) issue.last_release = row.ids.release;
    }
    if (!row.ids.release.empty())
      TT_TRY(records_.issues().add_release(issue.id, row.ids.release, row.time, 1));
    if (!row.ids.user_id.empty() && issue.user_count < limits::kMaxUsersPerIssue) {
      TT_ASSIGN(const bool fresh, records_.issues().add_user(issue.id, hash128(row.ids.user_id).hex()));
      if (fresh) ++issue.user_count;
    }
    return {};
  }

  storage::RecordStore& records_;
  const ProjectId project_;
  std::map<storage::IssueId, Touched> touched_;
};

}  // namespace

IssueStore::IssueStore(storage::RecordStore& records, const Clock& clock, const Logger& log,
                       MetricsRegistry& metrics)
    : records_(records),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      events_total_(metrics.counter("telltale_issue_events_total", "Error events counted into issues.")) {}

Result<std::unique_ptr<IssueStore>> IssueStore::open(storage::RecordStore& records, const Clock& clock,
                                                     const Logger& log, MetricsRegistry& metrics) {
  std::unique_ptr<IssueStore> store(new IssueStore(records, clock, log, metrics));
  TT_ASSIGN(const Sequence applied, records.applied().get(store->name()));
  store->applied_ = applied.value;
  store->durable_ = applied.value;
  log.info("issues opened", {{"applied", applied.value}});
  return store;
}

Result<> IssueStore::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  if (!batch.errors.empty()) {
    std::vector<IssueEvent> events;
    auto done = records_.transaction(
        [&]() -> Result<> {
          TT_TRY(apply_errors(batch, events));
          return records_.applied().put(name(), sequence);
        },
        storage::Durability::deferred);
    TT_TRY(std::move(done));
    events_total_.add(batch.errors.size());
    if (live_.load()) announce(events);
  }
  applied_.store(sequence.value);
  return {};
}

Result<> IssueStore::apply_errors(const storage::Batch& batch, std::vector<IssueEvent>& events) {
  BatchApplier applier(records_, batch.project);
  for (const EventRow& row : batch.errors) TT_TRY(applier.add(row));
  return applier.finish(events);
}

void IssueStore::announce(const std::vector<IssueEvent>& events) {
  for (const IssueEvent& event : events) {
    const bool fresh = event.change == IssueChange::fresh;
    metrics_
        .counter(
            "telltale_issues_total", "Changes in the life of issues.",
            {{"project", std::to_string(event.issue.project.value)}, {"event", fresh ? "new" : "regressed"}})
        .add();
    if (listener_) listener_(event);
  }
}

Result<> IssueStore::checkpoint() {
  // Read inside the transaction, which keeps apply()'s out: a newer sequence is only stored with its effect.
  std::uint64_t reached = 0;
  auto done = records_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(const Sequence stored, records_.applied().get(name()));
        reached = std::max(stored.value, applied_.load());
        return records_.applied().put(name(), {reached});
      },
      storage::Durability::full);
  TT_TRY(std::move(done));
  std::uint64_t before = durable_.load();
  while (before < reached && !durable_.compare_exchange_weak(before, reached)) {
  }
  return {};
}

bool IssueStore::wants_checkpoint() const { return applied_.load() - durable_.load() >= kMaxLag; }

Result<Issue> update_issue(storage::RecordStore& records, const Clock& clock, storage::IssueId id,
                           const IssueUpdate& update) {
  Issue issue;
  auto done = records.transaction([&]() -> Result<> {
    TT_ASSIGN(issue, records.issues().get(id));
    if (update.resolved_in && update.status.value_or(issue.status) != IssueStatus::resolved) {
      return fail(ErrorKind::invalid_argument, "resolved_in: the issue is not resolved");
    }
    if (update.status && *update.status != issue.status) {
      issue.status = *update.status;
      issue.substatus =
          *update.status == IssueStatus::unresolved ? IssueSubstatus::ongoing : IssueSubstatus::none;
      issue.status_changed = clock.now();
      issue.resolved_in.clear();
    }
    if (update.resolved_in) issue.resolved_in = *update.resolved_in;
    if (update.assignee) issue.assignee = *update.assignee;
    return records.issues().update(issue);
  });
  TT_TRY(std::move(done));
  return issue;
}

Result<std::vector<Issue>> update_issues(storage::RecordStore& records, const Clock& clock,
                                         const std::vector<storage::IssueId>& ids,
                                         const IssueUpdate& update) {
  std::vector<Issue> changed;
  auto done = records.transaction([&]() -> Result<> {
    for (const storage::IssueId id : ids) {
      auto issue = update_issue(records, clock, id, update);
      if (!issue)
        return tl::unexpected<Error>(std::move(issue).error().within("issue " + std::to_string(id.value)));
      changed.push_back(*std::move(issue));
    }
    return {};
  });
  TT_TRY(std::move(done));
  return changed;
}

}  // namespace telltale::errors
