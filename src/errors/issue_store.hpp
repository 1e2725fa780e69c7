// The life of issues, derived from the journal: each error row's hashes lead to an issue or make one; the
// issue counts events by hour, users and releases, and an event on a resolved issue reopens it as regressed.
// The effect of a batch and the sequence it reaches are one transaction, so that replay after a crash counts
// nothing twice.
//
// Commits are deferred (see storage/records.hpp): a crash may take the newest ones back together with their
// sequence, and the journal brings them again. Batches without errors only move a number in memory.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "storage/derived_store.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

enum class IssueChange : unsigned char { fresh, regressed };

struct IssueEvent {
  IssueChange change = IssueChange::fresh;
  storage::Issue issue;  // as committed
};

/// Called on the applying thread after the commit. Must not call apply() or wait for it.
using IssueListener = std::function<void(const IssueEvent&)>;

/// apply() on one thread at a time; the rest is thread-safe.
class IssueStore final : public storage::DerivedStore {
 public:
  /// `records` outlives the store.
  static Result<std::unique_ptr<IssueStore>> open(storage::RecordStore& records, const Clock& clock,
                                                  const Logger& log, MetricsRegistry& metrics);

  /// Nothing is announced until set_live(true), which the server calls once replay is over.
  void set_live(bool live) { live_.store(live); }
  /// Before the first apply().
  void set_listener(IssueListener listener) { listener_ = std::move(listener); }

  std::string_view name() const override { return "issues"; }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

 private:
  IssueStore(storage::RecordStore& records, const Clock& clock, const Logger& log, MetricsRegistry& metrics);
  Result<> apply_errors(const storage::Batch& batch, std::vector<IssueEvent>& events);
  void announce(const std::vector<IssueEvent>& events);

  storage::RecordStore& records_;
  const Clock& clock_;
  const Logger& log_;
  MetricsRegistry& metrics_;
  Counter& events_total_;
  IssueListener listener_;
  std::atomic<bool> live_{false};
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
};

/// What people do to issues, with its rules in one place.
struct IssueUpdate {
  std::optional<storage::IssueStatus> status;
  std::optional<std::string> assignee;     // empty: nobody
  std::optional<std::string> resolved_in;  // with status resolved: the release the fix is in
};
/// The issue after the change. Resolving, ignoring and reopening set the substatus that belongs to it.
Result<storage::Issue> update_issue(storage::RecordStore& records, const Clock& clock, storage::IssueId id,
                                    const IssueUpdate& update);
/// The same for several: all of them or, on any error, none. The errors name the issue.
Result<std::vector<storage::Issue>> update_issues(storage::RecordStore& records, const Clock& clock,
                                                  const std::vector<storage::IssueId>& ids,
                                                  const IssueUpdate& update);

}  // namespace telltale::errors
