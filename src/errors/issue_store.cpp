#include "errors/issue_store.hpp"

#include <algorithm>

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
  if (!batch.errors.empty()) {
    std::vector<IssueEvent> events;
    auto done = records_.transaction(
        [&]() -> Result<> {
          TT_TRY(apply_errors(batch, events));
          return records_.applied().put(name(), sequence);
        },
        storage::Durability::deferred);
    // What the sketches took from a batch that has been taken back must not stay.
    if (!done) sketches_->clear();
    TT_TRY(std::move(done));
    events_total_.add(batch.errors.size());
    announce(events);
  }
  applied_.store(sequence.value);
  return {};
}

Result<> IssueStore::apply_errors(const storage::Batch& batch, std::vector<IssueEvent>& events) {
  BatchApplier applier(records_, *sketches_, owner_, batch.project);
  for (const EventRow& row : batch.errors) TT_TRY(applier.add(row));
  return applier.finish(events);
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
