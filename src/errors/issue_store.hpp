// The life of issues, derived from the journal: each error row's hashes lead to a part of an issue or make an
// issue; part and issue count events, hours, users and releases, and an event on a resolved issue reopens it
// as regressed, on an archived one perhaps, too. What people do to issues is in issue_changes.hpp, what time
// does in issue_clock.hpp.
//
// The effect of a batch and the sequence it reaches are one transaction, so that replay after a crash counts
// nothing twice.
//
// Commits are deferred (see storage/records.hpp): a crash may take the newest ones back together with their
// sequence, and the journal brings them again. Batches without errors only move a number in memory.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "storage/derived_store.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

enum class IssueChange : unsigned char { fresh, regressed, escalating, unarchived };
std::string_view change_name(IssueChange change);

struct IssueEvent {
  IssueChange change = IssueChange::fresh;
  storage::Issue issue;  // as committed
};

/// Called after the commit, on the applying thread or the clock's. Must not call apply() or wait for it.
using IssueListener = std::function<void(const IssueEvent&)>;

/// Whom a new issue is assigned to by its first event; empty: nobody.
using IssueOwner = std::function<std::string(ProjectId, const EventRow&)>;

class SketchCache;

/// apply() on one thread at a time; the rest is thread-safe.
class IssueStore final : public storage::DerivedStore {
 public:
  /// `records` outlives the store.
  static Result<std::unique_ptr<IssueStore>> open(storage::RecordStore& records, const Logger& log,
                                                  MetricsRegistry& metrics);

  /// Nothing is announced until set_live(true), which the server calls once replay is over.
  void set_live(bool live) { live_.store(live); }
  /// Before the first apply().
  void set_listener(IssueListener listener) { listener_ = std::move(listener); }
  /// The same.
  void set_owner(IssueOwner owner) { owner_ = std::move(owner); }
  ~IssueStore() override;

  std::string_view name() const override { return "issues"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    return batch.errors.empty() ? storage::Urgency::none : storage::Urgency::soon;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  /// In one transaction: either all of them or none.
  Result<> apply_all(std::span<const storage::PlacedBatch> batches) override;
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

  /// Counts and tells the listener, unless it is not live yet. Thread-safe.
  void announce(const std::vector<IssueEvent>& events);

 private:
  IssueStore(storage::RecordStore& records, const Logger& log, MetricsRegistry& metrics);
  Result<> apply_errors(std::span<const storage::Batch* const> batches, Sequence reached);
  Result<> count_errors(std::span<const storage::Batch* const> batches, std::vector<IssueEvent>& events);

  storage::RecordStore& records_;
  const Logger& log_;
  MetricsRegistry& metrics_;
  Counter& events_total_;
  IssueListener listener_;
  IssueOwner owner_;
  std::unique_ptr<SketchCache> sketches_;  // of the applying thread
  std::atomic<bool> live_{false};
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
};

}  // namespace telltale::errors
