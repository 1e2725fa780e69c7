// A store that keeps its effect in the records as it goes: for what comes now and then, not by the thousand.
// The effect of a batch and the sequence it reaches are one transaction, so that replay after a crash counts
// nothing twice. Commits are deferred: a crash may take the newest ones back together with their sequence,
// and the journal brings them again. Batches with nothing in them only move a number in memory.
#pragma once

#include <algorithm>
#include <atomic>

#include "storage/derived_store.hpp"
#include "storage/records.hpp"

namespace telltale::health {

/// apply() on one thread at a time; the rest is thread-safe.
class RecordFollower : public storage::DerivedStore {
 public:
  storage::Urgency urgency(const storage::Batch& batch) const final {
    return concerned(batch) ? storage::Urgency::now : storage::Urgency::none;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) final {
    if (sequence.value <= applied_.load()) return {};
    if (concerned(batch)) {
      auto done = records_.transaction(
          [&]() -> Result<> {
            TT_TRY(take(batch));
            return records_.applied().put(name(), sequence);
          },
          storage::Durability::deferred);
      TT_TRY(std::move(done));
    }
    applied_.store(sequence.value);
    return {};
  }
  Sequence applied() const final { return {applied_.load()}; }
  Sequence durable() const final { return {durable_.load()}; }
  Result<> checkpoint() final {
    // Read inside the transaction, which keeps apply()'s out: a newer sequence is only stored with its
    // effect.
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
  bool wants_checkpoint() const final { return applied_.load() - durable_.load() >= kMaxLag; }

 protected:
  explicit RecordFollower(storage::RecordStore& records) : records_(records) {}
  /// Before the first apply().
  Result<> load_sequence() {
    TT_ASSIGN(const Sequence applied, records_.applied().get(name()));
    applied_ = applied.value;
    durable_ = applied.value;
    return {};
  }
  virtual bool concerned(const storage::Batch& batch) const = 0;
  /// Inside the transaction.
  virtual Result<> take(const storage::Batch& batch) = 0;

  storage::RecordStore& records_;

 private:
  static constexpr std::uint64_t kMaxLag = 256;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
};

}  // namespace telltale::health
