// What became of all that was sent: how much was accepted, filtered, refused, invalid, or left out by clients
// themselves, by project, DSN key, category and reason, in buckets of ten minutes. A store that is derived
// from the journal: a batch is counted once, when it is applied, and checkpoint() keeps the counts and the
// sequence they have come to together. Between checkpoints what was counted is added to what is kept when
// somebody asks, so that thousands of requests a second cost a few records a minute.
#pragma once

#include <atomic>
#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "quota/body_sampler.hpp"
#include "storage/derived_store.hpp"
#include "storage/records.hpp"
#include "storage/usage_records.hpp"

namespace telltale::quota {

/// Thread-safe; apply() on one thread at a time.
class UsageStore final : public storage::DerivedStore {
 public:
  /// The arguments outlive it.
  static Result<std::unique_ptr<UsageStore>> open(storage::RecordStore& records, const Clock& clock,
                                                  const Logger& log);

  /// What is kept together with what is not written yet; by time, of one time most first.
  Result<std::vector<storage::UsageBucket>> list(const storage::UsageQuery& query) const;
  /// Tells the sampler how many errors a minute are usual for each project that asks for it.
  Result<> refresh(BodySampler& bodies);
  /// Drops what is past kUsageDays.
  Result<> prune();

  std::string_view name() const override { return "usage"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    return batch.items.usage.empty() ? storage::Urgency::none : storage::Urgency::soon;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

 private:
  struct Key {
    ProjectId project;
    UnixNanos time;
    storage::UsageKind kind = storage::UsageKind::accepted;
    std::string category;
    std::string reason;
    Id128 key;
    auto operator<=>(const Key&) const = default;
  };

  UsageStore(storage::RecordStore& records, const Clock& clock, const Logger& log);
  void count(const storage::Batch& batch, const storage::UsageCount& count) TT_REQUIRES(mutex_);

  storage::RecordStore& records_;
  const Clock& clock_;
  const Logger& log_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::int64_t> last_checkpoint_{0};  // steady
  std::atomic<std::size_t> pending_{0};           // kinds of counts that are not written

  // Taken before a transaction on the records.
  mutable Mutex mutex_;
  std::map<Key, std::uint64_t> counts_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::quota
