// Rows that must go: each part that holds some is written again without them, and one manifest a part takes
// the place of the old. Parts without a match are only looked at. Checkpoints go on meanwhile, so that the
// head does not grow; merges and retention wait.
#include <map>

#include "eventdb/engine.hpp"

namespace telltale::eventdb {

namespace {

/// Takes out of `rows` those that the request does not mean.
Result<> ask_rest(Block& block, const storage::EraseRequest& request, Bitmap& rows) {
  TT_TRY(block.want(storage::FieldSet({}), true));
  Bitmap others(block.rows());
  EventRow row;
  Result<> done;
  rows.for_each([&](std::size_t number) {
    if (!done) return;
    if (number % 1024 == 0) done = block.check();
    if (done) done = block.materialise(number, row);
    if (done && !request.rest(row)) others.set(number);
  });
  rows.subtract(others);
  return done;
}

WorkLimits erase_limits() {
  WorkLimits out;
  out.timeout = std::chrono::hours(1);
  out.max_memory_bytes = SIZE_MAX / 2;  // bounded by one part's blocks
  return out;
}

}  // namespace

Result<std::shared_ptr<Part>> Engine::without(const std::shared_ptr<Part>& part,
                                              const storage::EraseRequest& request, std::uint64_t& gone) {
  WorkContext context(clock_, erase_limits());
  gone = 0;
  TT_ASSIGN(const BlockFilter filter, BlockFilter::compile(request.filter, request.projects, request.range));
  std::vector<BlockRef> candidates;
  TT_TRY(filter.candidates(part, candidates));
  std::map<std::uint32_t, Bitmap> doomed;  // by block
  for (const BlockRef& ref : candidates) {
    TT_ASSIGN(const auto block, ref.open(context));
    TT_ASSIGN(Bitmap rows, filter.run(*block, ref.meta()));
    if (request.rest && !rows.none()) TT_TRY(ask_rest(*block, request, rows));
    gone += rows.count();
    if (!rows.none()) doomed.emplace(ref.number, std::move(rows));
  }
  if (gone == 0) return part;
  if (gone == part->rows()) return std::shared_ptr<Part>();
  std::vector<MergeInput> inputs;
  for (std::uint32_t number = 0; number < part->blocks().size(); ++number) {
    const BlockRef ref{part, nullptr, number};
    const auto found = doomed.find(number);
    if (found == doomed.end()) {
      inputs.push_back({{ref}, nullptr});
    } else if (!found->second.all()) {
      Bitmap kept = std::move(found->second);
      kept.flip();
      std::vector<std::uint32_t> rows;
      kept.for_each([&](std::size_t row) { rows.push_back(static_cast<std::uint32_t>(row)); });
      auto take = [rows = std::move(rows)](Block&) -> Result<std::vector<std::uint32_t>> { return rows; };
      inputs.push_back({{ref}, std::move(take)});
    }
  }
  return write_part(part->table(), part->day(), part->retention_class(), std::move(inputs));
}

Result<std::uint64_t> Engine::erase(const storage::EraseRequest& request) {
  MutexLock upkeep(upkeep_mutex_);
  Parts parts;
  {
    MutexLock lock(mutex_);
    for (const auto& part : parts_) {
      if (part->table() != request.table || part->damaged()) continue;
      if (day_of(request.range.from) > part->day() || day_of(request.range.to) < part->day()) continue;
      parts.push_back(part);
    }
  }
  storage::EraseProgress progress{parts.size(), 0, 0};
  for (const auto& part : parts) {
    std::uint64_t gone = 0;
    auto fresh = without(part, request, gone);
    // A damaged part is marked, and never served again.
    if (!fresh && fresh.error().kind() != ErrorKind::corruption)
      return tl::unexpected<Error>(std::move(fresh).error());
    if (fresh && gone > 0) {
      TT_TRY(replace_parts({part}, *fresh ? Parts{*fresh} : Parts{}));
      progress.rows += gone;
    }
    ++progress.done;
    if (request.progress) TT_TRY(request.progress(progress));
  }
  TT_TRY(quarantine_damaged());
  update_gauges();
  return progress.rows;
}

}  // namespace telltale::eventdb
