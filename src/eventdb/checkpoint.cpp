// From the head to parts: freeze, write one part a table and day, publish the manifest, and only then let go
// of the frozen rows. Whatever fails before the manifest leaves the head as it was.
#include <algorithm>

#include "eventdb/engine.hpp"

namespace telltale::eventdb {

namespace {

double seconds_since(const Clock& clock, Nanos start) {
  return std::chrono::duration<double>(clock.steady() - start).count();
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
  return part_name(table, day, retention_class, next_part_++);
}

Result<std::shared_ptr<Part>> Engine::write_day(Table table, std::int64_t day, ProjectId retention_class,
                                                std::span<const HeadRow> rows) {
  const std::string name = new_part_name(table, day, retention_class);
  {
    TT_ASSIGN(auto writer, PartWriter::create(fs_, io::join_path(dir_, name), table, day));
    for (const HeadRow& row : rows) TT_TRY(writer->add(*row.row, row.ordinal));
    TT_TRY(writer->finish());
  }
  return Part::open(fs_, dir_, name, log_);
}

Result<> Engine::write_head(const Frozen& frozen, Parts& written) {
  const EventRetention kept = retention();
  for (std::size_t t = 0; t < std::size(kTables); ++t) {
    std::vector<HeadRow> rows;
    for (const HeadSlice& slice : frozen.slices[t])
      for (std::size_t i = 0; i < slice.rows; ++i)
        rows.push_back({&slice.chunk->rows[i], slice.chunk->first_ordinal + i});
    const auto class_of = [&](const HeadRow& row) {
      return kept.projects.contains({kTables[t], row.row->project}) ? row.row->project : ProjectId{0};
    };
    std::sort(rows.begin(), rows.end(), [&](const HeadRow& a, const HeadRow& b) {
      const ProjectId ca = class_of(a);
      const ProjectId cb = class_of(b);
      return ca != cb ? ca < cb : before(a, b);
    });
    for (std::size_t begin = 0; begin < rows.size();) {
      const std::int64_t day = day_of(rows[begin].row->time);
      const ProjectId retention_class = class_of(rows[begin]);
      std::size_t end = begin;
      while (end < rows.size() && day_of(rows[end].row->time) == day &&
             class_of(rows[end]) == retention_class)
        ++end;
      TT_ASSIGN(auto part,
                write_day(kTables[t], day, retention_class, std::span(rows).subspan(begin, end - begin)));
      written.push_back(std::move(part));
      begin = end;
    }
  }
  return {};
}

Result<> Engine::publish(Sequence applied, const std::array<std::uint64_t, std::size(kTables)>& ordinals,
                         const Parts& parts, const Parts& gone) {
  Manifest manifest{applied, next_part_, ordinals, {}};
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
