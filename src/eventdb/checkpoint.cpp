// From the head to parts: freeze, write one part a table and day, publish the manifest, and only then let go
// of the frozen rows. Whatever fails before the manifest leaves the head as it was.
#include <map>
#include <set>

#include "eventdb/engine.hpp"

namespace telltale::eventdb {

namespace {

double seconds_since(const Clock& clock, Nanos start) {
  return std::chrono::duration<double>(clock.steady() - start).count();
}

/// Retention class and day.
using Partition = std::pair<ProjectId, std::int64_t>;

/// The partitions that the block's rows belong to each get it as an input.
template <class ClassOf>
Result<> add_to_partitions(const std::shared_ptr<const HeadBlock>& block, ClassOf class_of,
                           std::map<Partition, std::vector<MergeInput>>& partitions) {
  const BlockMeta& meta = block->written.meta;
  std::set<ProjectId> classes;
  for (const BlockCount& count : meta.counts) classes.insert(class_of(count.project));
  const BlockRef ref{nullptr, block, 0};
  if (meta.counted && classes.size() == 1 && day_of(meta.min_time) == day_of(meta.max_time)) {
    partitions[{*classes.begin(), day_of(meta.min_time)}].push_back({{ref}, nullptr});
    return {};
  }
  const auto partition_of = [class_of](std::int64_t time, std::int64_t project) {
    return Partition{class_of(ProjectId{static_cast<std::uint32_t>(project)}), day_of({time})};
  };
  TT_ASSIGN(const auto times, block->ints(Column::time));
  TT_ASSIGN(const auto projects, block->ints(Column::project));
  std::map<Partition, std::vector<std::uint32_t>> rows;
  for (std::size_t i = 0; i < times.size(); ++i)
    rows[partition_of(times[i], projects[i])].push_back(static_cast<std::uint32_t>(i));
  for (auto& [partition, numbers] : rows) {
    auto take = [numbers = std::move(numbers)](Block&) -> Result<std::vector<std::uint32_t>> {
      return numbers;
    };
    partitions[partition].push_back({{ref}, std::move(take)});
  }
  return {};
}

}  // namespace

Engine::Frozen Engine::freeze() {
  MutexLock lock(mutex_);
  Frozen frozen;
  frozen.applied = applied_;
  frozen.next_ordinal = next_ordinal_;
  for (std::size_t t = 0; t < std::size(kTables); ++t) frozen.slices[t] = head_.slices(kTables[t]);
  head_.seal();
  return frozen;
}

std::string Engine::new_part_name(Table table, std::int64_t day, ProjectId retention_class) {
  MutexLock lock(mutex_);
  return part_name(table, day, retention_class, next_part_++);
}

Result<std::shared_ptr<Part>> Engine::write_part(Table table, std::int64_t day, ProjectId retention_class,
                                                 std::vector<MergeInput> inputs) {
  WorkLimits work_limits;
  work_limits.timeout = std::chrono::hours(1);
  work_limits.max_memory_bytes = SIZE_MAX / 2;  // bounded by the number of inputs
  WorkContext context(clock_, work_limits);
  const std::string name = new_part_name(table, day, retention_class);
  {
    TT_ASSIGN(auto writer, PartWriter::create(fs_, io::join_path(dir_, name), table, day));
    TT_TRY(merge_blocks(std::move(inputs), *writer, options_.block_rows, context));
    TT_TRY(writer->finish());
  }
  return Part::open(fs_, dir_, name, log_);
}

Result<> Engine::write_head(const Frozen& frozen, Parts& written) {
  const EventRetention kept = retention();
  for (std::size_t t = 0; t < std::size(kTables); ++t) {
    const Table table = kTables[t];
    const auto class_of = [&kept, table](ProjectId project) {
      return kept.projects.contains({table, project}) ? project : ProjectId{0};
    };
    std::map<Partition, std::vector<MergeInput>> partitions;
    for (const HeadSlice& slice : frozen.slices[t]) {
      std::shared_ptr<const HeadBlock> block = slice.block;
      if (!block) {
        TT_ASSIGN(block, make_head_block(slice));
      }
      TT_TRY(add_to_partitions(block, class_of, partitions));
    }
    for (auto& [partition, inputs] : partitions) {
      TT_ASSIGN(auto part, write_part(table, partition.second, partition.first, std::move(inputs)));
      written.push_back(std::move(part));
    }
  }
  return {};
}

Result<> Engine::publish(Sequence applied, const std::array<std::uint64_t, std::size(kTables)>& ordinals,
                         const Parts& parts, const Parts& gone) {
  Manifest manifest{applied, 0, ordinals, {}};
  {
    MutexLock lock(mutex_);
    manifest.next_part = next_part_;
  }
  for (const auto& part : parts) manifest.parts.push_back(part->name());
  // When this fails the new manifest may stand on the disk all the same (say, the folder's sync failed):
  // neither the old parts nor the fresh ones may go. What turns out superfluous is an orphan for the next
  // open.
  TT_TRY(io::publish_file(fs_, io::join_path(dir_, kManifestName), manifest.encode()));
  for (const auto& part : gone) part->doom();
  durable_ordinal_ = ordinals;
  return {};
}

Result<> Engine::checkpoint() {
  MutexLock writer(writer_mutex_);
  const Nanos start = clock_.steady();
  const Frozen frozen = freeze();
  if (frozen.applied == durable()) return {};
  Parts written;
  if (auto done = write_head(frozen, written); !done) {
    for (const auto& part : written) part->doom();
    return done;
  }
  Parts all;
  {
    MutexLock lock(mutex_);
    all = parts_;
  }
  all.insert(all.end(), written.begin(), written.end());
  TT_TRY(publish(frozen.applied, frozen.next_ordinal, all, {}));
  {
    MutexLock lock(mutex_);
    for (std::size_t t = 0; t < std::size(kTables); ++t) head_.drop(kTables[t], frozen.slices[t].size());
    head_since_ = clock_.steady();
    parts_ = std::move(all);
    durable_ = frozen.applied;
  }
  checkpoint_seconds_.observe(seconds_since(clock_, start));
  update_gauges();
  return {};
}

}  // namespace telltale::eventdb
