// From the head to parts: freeze, write one part a table and day, publish the manifest, and only then let go
// of the frozen rows. Whatever fails before the manifest leaves the head as it was.
#include "eventdb/engine.hpp"
#include "eventdb/partitions.hpp"

namespace telltale::eventdb {

namespace {

double seconds_since(const Clock& clock, Nanos start) {
  return std::chrono::duration<double>(clock.steady() - start).count();
}

WorkLimits writing_limits() {
  WorkLimits out;
  out.timeout = std::chrono::hours(1);
  out.max_memory_bytes = SIZE_MAX / 2;  // bounded by the number of inputs
  return out;
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

std::string Engine::new_part_name(Table table, std::int64_t day, RetentionClass kept) {
  MutexLock lock(mutex_);
  return part_name(table, day, kept, next_part_++);
}

Result<std::shared_ptr<Part>> Engine::write_part(Table table, std::int64_t day, RetentionClass kept,
                                                 std::vector<MergeInput> inputs) {
  WorkContext context(clock_, writing_limits());
  const std::string name = new_part_name(table, day, kept);
  {
    TT_ASSIGN(auto writer, PartWriter::create(fs_, io::join_path(dir_, name), table, day));
    TT_TRY(merge_blocks(std::move(inputs), *writer, options_.block_rows, context, words_of(table)));
    TT_TRY(writer->finish());
    copied_blocks_.add(writer->copied_blocks());
  }
  return Part::open(fs_, dir_, name, log_);
}

Result<> Engine::write_head(const Frozen& frozen, Parts& written) {
  const EventRetention rules = retention();
  for (std::size_t t = 0; t < std::size(kTables); ++t) {
    const Table table = kTables[t];
    std::vector<std::shared_ptr<const HeadBlock>> blocks;
    for (const HeadSlice& slice : frozen.slices[t]) {
      blocks.push_back(slice.block);
      if (!slice.block) {
        TT_ASSIGN(blocks.back(), make_head_block(slice, words_of(table)));
      }
    }
    TT_ASSIGN(const auto partitioner, Partitioner::make(rules, table, blocks));
    WorkContext context(clock_, writing_limits());
    Partitions partitions;
    for (const auto& block : blocks) TT_TRY(partitioner.add(block, context, partitions));
    for (auto& [partition, inputs] : partitions) {
      TT_ASSIGN(auto part, write_part(table, partition.day, partition.kept, std::move(inputs)));
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
