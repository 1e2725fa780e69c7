#include "ingest/refusals.hpp"

#include <optional>

namespace telltale::ingest {

void Refusals::add(ProjectId project, const std::vector<storage::UsageCount>& counts) {
  const MutexLock lock(mutex_);
  for (const auto& u : counts) counts_[{project, u.kind, u.category, u.reason, u.key}] += u.quantity;
}

Result<> Refusals::flush(Pipeline& pipeline, const Clock& clock) {
  const MutexLock one_at_a_time(flushing_);
  std::map<Key, std::uint64_t> counts;
  {
    const MutexLock lock(mutex_);
    counts.swap(counts_);
  }
  std::optional<Error> failed;
  for (auto it = counts.begin(); it != counts.end();) {
    storage::Batch batch;
    batch.project = it->first.project;
    batch.received = clock.now();
    for (; it != counts.end() && it->first.project == batch.project; ++it) {
      const Key& k = it->first;
      batch.items.usage.push_back({k.kind, k.category, k.reason, k.key, it->second});
    }
    const ProjectId project = batch.project;
    const auto usage = batch.items.usage;
    if (auto done = pipeline.commit(std::move(batch)); !done) {
      add(project, usage);
      failed = std::move(done).error();
    }
  }
  if (failed) return tl::unexpected<Error>(*std::move(failed));
  return {};
}

}  // namespace telltale::ingest
