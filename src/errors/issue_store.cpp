#include "errors/issue_store.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "errors/batch_applier.hpp"

namespace telltale::errors {

namespace {

/// The journal keeps everything from durable() on: a store that lags too far holds segments back.
constexpr std::uint64_t kMaxLag = 256;

}  // namespace

std::string_view change_name(IssueChange change) {
  switch (change) {
    case IssueChange::fresh:
      return "new";
    case IssueChange::regressed:
      return "regressed";
    case IssueChange::escalating:
      return "escalating";
    case IssueChange::unarchived:
      return "unarchived";
  }
  return "unknown";
}

IssueStore::IssueStore(storage::RecordStore& records, const Logger& log, MetricsRegistry& metrics)
    : records_(records),
      log_(log),
      metrics_(metrics),
      events_total_(metrics.counter("telltale_issue_events_total", "Error events counted into issues.")),
      sketches_(std::make_unique<SketchCache>()) {}

IssueStore::~IssueStore() = default;

Result<std::unique_ptr<IssueStore>> IssueStore::open(storage::RecordStore& records, const Logger& log,
                                                     MetricsRegistry& metrics) {
  std::unique_ptr<IssueStore> store(new IssueStore(records, log, metrics));
  TT_ASSIGN(const Sequence applied, records.applied().get(store->name()));
  store->applied_ = applied.value;
  store->durable_ = applied.value;
  log.info("issues opened", {{"applied", applied.value}});
  return store;
}

Result<> IssueStore::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  const storage::Batch* one = &batch;
  return apply_errors({&one, batch.errors.empty() ? 0U : 1U}, sequence);
}

Result<> IssueStore::apply_all(std::span<const storage::PlacedBatch> batches) {
  std::vector<const storage::Batch*> fresh;
  Sequence reached = applied();
  for (const storage::PlacedBatch& b : batches) {
    if (b.sequence <= reached) continue;
    reached = b.sequence;
    if (!b.batch->errors.empty()) fresh.push_back(b.batch.get());
  }
  return apply_errors(fresh, reached);
}

Result<> IssueStore::apply_errors(std::span<const storage::Batch* const> batches, Sequence reached) {
  if (!batches.empty()) {
    std::vector<IssueEvent> events;
    auto done = records_.transaction(
        [&]() -> Result<> {
          TT_TRY(count_errors(batches, events));
          return records_.applied().put(name(), reached);
        },
        storage::Durability::deferred);
    // What the sketches took from a batch that has been taken back must not stay.
    if (!done) sketches_->clear();
    TT_TRY(std::move(done));
    for (const storage::Batch* batch : batches) events_total_.add(batch->errors.size());
    announce(events);
  }
  applied_.store(reached.value);
  return {};
}

Result<> IssueStore::count_errors(std::span<const storage::Batch* const> batches,
                                  std::vector<IssueEvent>& events) {
  // No issue is of two projects, so that each project's may be written at the end.
  std::map<ProjectId, BatchApplier> appliers;
  for (const storage::Batch* batch : batches) {
    auto& applier =
        appliers.try_emplace(batch->project, records_, *sketches_, owner_, batch->project).first->second;
    for (const EventRow& row : batch->errors) TT_TRY(applier.add(row));
  }
  for (auto& [project, applier] : appliers) TT_TRY(applier.finish(events));
  return {};
}

void IssueStore::announce(const std::vector<IssueEvent>& events) {
  if (!live_.load()) return;
  for (const IssueEvent& event : events) {
    metrics_
        .counter("telltale_issues_total", "Changes in the life of issues.",
                 {{"project", std::to_string(event.issue.project.value)},
                  {"event", std::string(change_name(event.change))}})
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

}  // namespace telltale::errors
