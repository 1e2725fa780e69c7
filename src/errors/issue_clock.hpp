// What happens to issues with time: new, regressed and escalating ones become ongoing, archived ones come
// back when their time is over, and an issue that comes much more often than it used to escalates. Owns no
// thread: tick() looks once; called several times a minute, everything is noticed within one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "errors/issue_store.hpp"

namespace telltale::errors {

/// tick() on one thread at a time.
class IssueClock {
 public:
  using Announce = std::function<void(const std::vector<IssueEvent>&)>;
  IssueClock(storage::RecordStore& records, const Clock& clock, const Logger& log, Announce announce)
      : records_(records), clock_(clock), log_(log), announce_(std::move(announce)) {}

  /// Errors are of the records; what was changed before one stays changed and is announced.
  Result<> tick();
  /// Drops counts by hour from before errors are kept, `errors_kept` long (0: for good), yet none of the last
  /// limits::kLeastIssueHoursDays. On any thread.
  Result<> prune(Nanos errors_kept);

 private:
  Result<> settle(UnixNanos now);
  Result<> bring_back(UnixNanos now, std::vector<IssueEvent>& events);
  Result<> escalate(UnixNanos now, std::vector<IssueEvent>& events);
  /// Of the hour that `within` is in.
  Result<> escalate_hour(UnixNanos within, UnixNanos now, std::vector<IssueEvent>& events);
  /// Of the hour of `now`, in which the issue has counted `count`.
  Result<std::optional<double>> limit_of(const storage::Issue& issue, std::uint64_t count, UnixNanos now);
  /// `change` of the issue as it is now, unless it has become another than `seen` meanwhile. True when
  /// changed.
  Result<bool> change(const storage::Issue& seen, storage::IssueAction action, const std::string& detail,
                      UnixNanos now, storage::IssueSubstatus to, storage::Issue& after);

  storage::RecordStore& records_;
  const Clock& clock_;
  const Logger& log_;
  const Announce announce_;
  UnixNanos limits_hour_;  // limits hold within it
  struct Limit {
    bool known = false;
    /// What it was made from: merging, taking out and late events change it.
    std::uint64_t other_events = 0;
    std::optional<double> events;
  };
  std::map<storage::IssueId, Limit> limits_;
};

}  // namespace telltale::errors
