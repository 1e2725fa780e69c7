#include "quota/usage.hpp"

#include <algorithm>

#include "base/quota_limits.hpp"
#include "quota/categories.hpp"

namespace telltale::quota {
namespace {

/// The journal keeps everything from durable() on: a store that lags too far holds segments back, one that
/// writes too often works for nothing.
constexpr std::uint64_t kMaxLag = 1024;
constexpr Nanos kLeastPause = std::chrono::seconds(5);
constexpr Nanos kLongestPause = std::chrono::seconds(20);
constexpr std::string_view kOther = "other";

UnixNanos start_of(UnixNanos time, Nanos step) {
  const std::int64_t past = (time.ns % step.count() + step.count()) % step.count();
  return {time.ns - past};
}

}  // namespace

UsageStore::UsageStore(storage::RecordStore& records, const Clock& clock, const Logger& log)
    : records_(records), clock_(clock), log_(log), last_checkpoint_(clock.steady().count()) {}

Result<std::unique_ptr<UsageStore>> UsageStore::open(storage::RecordStore& records, const Clock& clock,
                                                     const Logger& log) {
  std::unique_ptr<UsageStore> store(new UsageStore(records, clock, log));
  TT_ASSIGN(const Sequence applied, records.applied().get(store->name()));
  store->applied_ = applied.value;
  store->durable_ = applied.value;
  log.info("usage opened", {{"applied", applied.value}});
  return store;
}

void UsageStore::count(const storage::Batch& batch, const storage::UsageCount& u) {
  Key key{batch.project, start_of(batch.received, storage::kUsageBucket), u.kind, u.category, u.reason,
          u.key};
  // What clients name is theirs to invent. Our own categories and reasons are few.
  if (u.kind == storage::UsageKind::client && counts_.size() >= limits::kMaxUsageKinds &&
      !counts_.contains(key))
    key.category = key.reason = kOther;
  counts_[std::move(key)] += u.quantity;
}

Result<> UsageStore::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  if (!batch.items.usage.empty()) {
    const MutexLock lock(mutex_);
    for (const auto& usage : batch.items.usage) count(batch, usage);
    pending_.store(counts_.size());
    applied_.store(sequence.value);
  } else {
    applied_.store(sequence.value);
  }
  return {};
}

Result<> UsageStore::checkpoint() {
  // Nothing is counted or asked meanwhile: what is added up is either pending or kept.
  const MutexLock lock(mutex_);
  const Sequence reached = applied();
  last_checkpoint_.store(clock_.steady().count());
  auto done = records_.transaction(
      [&]() TT_REQUIRES(mutex_) -> Result<> {
        for (const auto& [key, quantity] : counts_)
          TT_TRY(records_.usage().add(
              {key.project, key.time, {key.kind, key.category, key.reason, key.key, quantity}}));
        return records_.applied().put(name(), reached);
      },
      storage::Durability::full);
  TT_TRY(std::move(done));
  durable_.store(reached.value);
  counts_.clear();
  pending_.store(0);
  return {};
}

bool UsageStore::wants_checkpoint() const {
  const Nanos pause = clock_.steady() - Nanos(last_checkpoint_.load());
  return (applied_.load() - durable_.load() >= kMaxLag && pause >= kLeastPause) ||
         (pending_.load() > 0 && pause >= kLongestPause) || pending_.load() > limits::kMaxUsageKinds;
}

Result<std::vector<storage::UsageBucket>> UsageStore::list(const storage::UsageQuery& query) const {
  const MutexLock lock(mutex_);
  TT_ASSIGN(const auto kept, records_.usage().list(query));
  std::map<Key, std::uint64_t> sums;
  UnixNanos first{INT64_MAX};
  const auto add = [&](Key key, std::uint64_t quantity) {
    first = std::min(first, key.time);
    key.time = query.step.count() > 0 ? start_of(key.time, query.step) : UnixNanos{};
    if (!query.by_reason) {
      key.reason.clear();
      key.key = {};
    }
    sums[std::move(key)] += quantity;
  };
  for (const auto& u : kept)
    add({u.project, u.time, u.count.kind, u.count.category, u.count.reason, u.count.key}, u.count.quantity);
  for (const auto& [key, quantity] : counts_)
    if (key.project == query.project && query.range.contains(key.time)) add(key, quantity);
  std::vector<storage::UsageBucket> out;
  for (const auto& [key, quantity] : sums)
    out.push_back({key.project,
                   query.step.count() > 0 ? key.time : first,
                   {key.kind, key.category, key.reason, key.key, quantity}});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time < b.time : a.count.quantity > b.count.quantity;
  });
  return out;
}

Result<> UsageStore::refresh(BodySampler& bodies) {
  TT_ASSIGN(const auto projects, records_.projects().list());
  const UnixNanos now = clock_.now();
  // Not the last hour: a spike does not make itself usual at once.
  const UnixNanos to = start_of(now - std::chrono::hours(1), storage::kUsageBucket);
  for (const auto& project : projects) {
    if (bodies.settings(project.id).mode != BodyMode::automatic) continue;
    storage::UsageQuery query;
    query.project = project.id;
    query.range = {now - std::chrono::hours(limits::kSpikeBaselineHours), to};
    query.step = storage::kUsageBucket;
    query.by_reason = false;
    TT_ASSIGN(const auto buckets, list(query));
    std::uint64_t errors = 0;
    UnixNanos first = to;
    for (const auto& bucket : buckets) {
      if (bucket.count.category != category::kError || bucket.count.kind != storage::UsageKind::accepted)
        continue;
      errors += bucket.count.quantity;
      first = std::min(first, bucket.time);
    }
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(to - first).count();
    bodies.set_usual(project.id, minutes > 0 ? errors / static_cast<std::uint64_t>(minutes) : 0);
  }
  return {};
}

Result<> UsageStore::prune() {
  const UnixNanos before = clock_.now() - std::chrono::hours(24 * limits::kUsageDays);
  return records_.transaction([&] { return records_.usage().prune(before); }, storage::Durability::full);
}

}  // namespace telltale::quota
