// Parts written anew: several as one, or one without what was deleted or is past its time.
#include <algorithm>

#include "tsdb/engine.hpp"

namespace telltale::tsdb {

Result<> Engine::rewrite(Manifest& next, const Parts& inputs, const Ids& without, const Edit& edit,
                         Parts& added) {
  Ids ids;
  for (const auto& p : inputs) p->series().for_each([&ids](SeriesId id) { ids.push_back(id); });
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids, [&](SeriesId id) { return std::binary_search(without.begin(), without.end(), id); });
  const PartMeta& last = inputs.back()->meta();
  TT_ASSIGN(const auto writer, PartWriter::create(fs_, dir_, new_file(next), last.day, last.order));
  // Blocks that are read once must not push those out that queries come back to.
  BlockCache none(0);
  BlockHold hold(none);
  SampleRun run;
  for (const SeriesId id : ids) {
    run.clear();
    for (const auto& p : inputs) TT_TRY(p->read(id, kAllTime, hold, run, nullptr));
    if (edit) edit(id, run);
    TT_TRY(writer->add(id, run.slice()));
  }
  if (writer->empty()) return {};
  TT_ASSIGN(const PartMeta meta, writer->publish());
  TT_ASSIGN(auto part, open_written(meta));
  next.parts.push_back(meta);
  added.push_back(std::move(part));
  return {};
}

Result<std::uint64_t> Engine::delete_samples(const storage::LabelQuery& query, WorkContext& context) {
  std::lock_guard writer(writer_);
  // What came before stands in parts then, and what comes now is not meant.
  TT_TRY(write_checkpoint());
  std::vector<SeriesId> ids;
  Parts parts;
  {
    std::shared_lock lock(state_);
    for (const ProjectId project : query.projects) {
      const auto found = catalog_.match(project, query.matchers);
      ids.insert(ids.end(), found.begin(), found.end());
    }
    parts = parts_;
  }
  std::sort(ids.begin(), ids.end());
  std::uint64_t deleted = 0;
  for (const auto& part : parts) {
    TT_TRY(context.check());
    if (!part->overlaps(query.range)) continue;
    if (std::none_of(ids.begin(), ids.end(), [&](SeriesId id) { return part->series().contains(id); }))
      continue;
    Manifest next;
    {
      std::shared_lock lock(state_);
      next = manifest_;
    }
    Parts added;
    std::uint64_t gone = 0;
    TT_TRY(rewrite(
        next, {part}, {},
        [&](SeriesId id, SampleRun& run) {
          if (!std::binary_search(ids.begin(), ids.end(), id)) return;
          const auto [first, end] = clip(run.times, query.range);
          if (first == end) return;
          gone += end - first;
          SampleRun left;
          left.append(run.slice().part(0, first));
          left.append(run.slice().part(end, run.size() - end));
          run = std::move(left);
        },
        added));
    if (gone == 0) {
      for (const auto& p : added) p->make_obsolete();
      continue;
    }
    TT_TRY(commit(std::move(next), added, {part->meta().number}, 0));
    deleted += gone;
  }
  if (deleted > 0) log_.info("tsdb samples deleted", {{"samples", deleted}, {"series", ids.size()}});
  return deleted;
}

}  // namespace telltale::tsdb
