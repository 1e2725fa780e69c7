// Rows that must go: each part that holds some is written again without them, and one manifest a part takes
// the place of the old. Parts without a match are only looked at.
#include <map>

#include "eventdb/engine.hpp"

namespace telltale::eventdb {

namespace {

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
  std::uint64_t erased = 0;
  for (const auto& part : parts) {
    std::uint64_t gone = 0;
    auto fresh = without(part, request, gone);
    if (!fresh && fresh.error().kind() == ErrorKind::corruption) continue;  // marked, and never served again
    if (!fresh) return tl::unexpected<Error>(std::move(fresh).error());
    if (gone == 0) continue;
    TT_TRY(replace_parts({part}, *fresh ? Parts{*fresh} : Parts{}));
    erased += gone;
  }
  TT_TRY(quarantine_damaged());
  update_gauges();
  return erased;
}

}  // namespace telltale::eventdb
