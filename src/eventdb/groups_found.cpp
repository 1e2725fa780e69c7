#include "eventdb/groups_found.hpp"

#include <algorithm>
#include <numeric>

#include "eventdb/word_merger.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kBytesPerWordGroup = 160 + 2 * kMaxPossibleRanges * sizeof(TimeRange);

TimeRange both(const TimeRange& a, const TimeRange& b) {
  return {std::max(a.from, b.from), std::min(a.to, b.to)};
}

/// Sorted, and those that touch as one; with the least gaps between them closed until there are no more than
/// `most`.
std::vector<TimeRange> joined(std::vector<TimeRange> ranges, std::size_t most = SIZE_MAX) {
  std::sort(ranges.begin(), ranges.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  std::vector<TimeRange> out;
  for (const TimeRange& range : ranges) {
    if (range.to <= range.from) continue;
    if (!out.empty() && range.from <= out.back().to) {
      out.back().to = std::max(out.back().to, range.to);
    } else {
      out.push_back(range);
    }
  }
  if (out.size() <= most) return out;
  const auto gap_before = [&out](std::size_t i) {
    return static_cast<std::uint64_t>(out[i].from.ns) - static_cast<std::uint64_t>(out[i - 1].to.ns);
  };
  std::vector<std::size_t> gaps(out.size() - 1);
  std::iota(gaps.begin(), gaps.end(), 1);
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(most - 1), gaps.end(),
                   [&](std::size_t a, std::size_t b) { return gap_before(a) > gap_before(b); });
  std::vector<std::size_t> begins(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(most - 1));
  begins.push_back(0);
  std::sort(begins.begin(), begins.end());
  std::vector<TimeRange> fewer;
  for (std::size_t i = 0; i < begins.size(); ++i)
    fewer.push_back(
        {out[begins[i]].from, out[i + 1 < begins.size() ? begins[i + 1] - 1 : out.size() - 1].to});
  return fewer;
}

tl::unexpected<Error> damaged_names(const Block& block) {
  return tl::unexpected<Error>(
      block.source().damage(Error(ErrorKind::corruption, "word index: a group that its row is not of")));
}

}  // namespace

TimeRange times_of(const BlockMeta& meta) { return {meta.min_time, {meta.max_time.ns + 1}}; }

void GroupsFound::asks(const Part& part) {
  MutexLock lock(mutex_);
  places_->blocks.try_emplace(part.name());
}

void GroupsFound::add_unknown(const TimeRange& times) {
  MutexLock lock(mutex_);
  unknown_.push_back(both(times, query_.range));
}

Result<> GroupsFound::add(const BlockRef& ref, WordIndex& index, const WordSearch::Groups& found) {
  const TimeRange times = times_of(ref.meta());
  const bool is_whole =
      query_.range.contains(ref.meta().min_time) && query_.range.contains(ref.meta().max_time);
  TT_ASSIGN(const auto* groups, index.groups());
  MutexLock lock(mutex_);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> unnamed;
  bool leaves_open = false;
  found.possible.for_each([&](std::size_t g) {
    const IndexedGroup& group = (*groups)[g];
    const auto [at, is_new] = groups_.try_emplace(group.key);
    if (is_new) unnamed.emplace_back(group.row, group.key);
    put(at->second, is_whole && found.sure.test(g), times);
    leaves_open = leaves_open || !at->second.is_sure;
  });
  if (leaves_open && ref.part) places_->blocks[ref.part->name()].push_back(ref.number);
  return unnamed.empty() ? Result<>() : read_names(ref, unnamed);
}

Result<> GroupsFound::add(const EventRow& row, std::string group, bool sure) {
  MutexLock lock(mutex_);
  const auto [at, is_new] = groups_.try_emplace(word_group_key(row.project, group));
  if (is_new) TT_TRY(name(at->second, row.project, std::move(group)));
  put(at->second, sure, {row.time, {row.time.ns + 1}});
  return {};
}

Result<> GroupsFound::add(std::uint64_t key, ProjectId project, std::string group, bool sure) {
  MutexLock lock(mutex_);
  const auto [at, is_new] = groups_.try_emplace(key);
  if (is_new) TT_TRY(name(at->second, project, std::move(group)));
  if (sure) put(at->second, true, {});
  return {};
}

bool GroupsFound::is_settled(std::uint64_t key) const {
  MutexLock lock(mutex_);
  const auto at = groups_.find(key);
  return at != groups_.end() && (at->second.is_sure || !at->second.is_asked_for);
}

storage::WordGroups GroupsFound::take() {
  MutexLock lock(mutex_);
  storage::WordGroups out;
  for (auto& [key, group] : groups_) {
    if (!group.is_asked_for || !group.is_found) continue;
    if (!group.is_sure)
      for (const TimeRange& times : group.times) out.possible_in.push_back(both(times, query_.range));
    (group.is_sure ? out.sure : out.possible).push_back(std::move(group.name));
  }
  out.possible_in = joined(std::move(out.possible_in), kMaxPossibleRanges);
  std::sort(out.sure.begin(), out.sure.end());
  std::sort(out.possible.begin(), out.possible.end());
  out.unknown = joined(std::move(unknown_));
  for (auto& [part, blocks] : places_->blocks) std::sort(blocks.begin(), blocks.end());
  out.places = std::move(places_);
  return out;
}

void GroupsFound::put(Group& group, bool sure, const TimeRange& times) {
  group.is_found = true;
  group.is_sure = group.is_sure || sure;
  if (group.is_sure) return group.times.clear();
  group.times.push_back(times);
  if (group.times.size() >= 2 * kMaxPossibleRanges)
    group.times = joined(std::move(group.times), kMaxPossibleRanges);
}

Result<> GroupsFound::name(Group& group, ProjectId project, std::string text) {
  group.is_asked_for =
      std::find(query_.projects.begin(), query_.projects.end(), project) != query_.projects.end();
  TT_TRY(context_.charge(kBytesPerWordGroup + text.size()));
  if (group.is_asked_for) group.name = {project, std::move(text)};
  return {};
}

Result<> GroupsFound::read_names(const BlockRef& ref,
                                 const std::vector<std::pair<std::uint32_t, std::uint64_t>>& rows) {
  TT_ASSIGN(const auto block, ref.open(context_));
  TT_ASSIGN(auto names, GroupColumns::open(*block, query_.group));
  if (!names) return damaged_names(*block);
  for (const auto& [row, key] : rows) {
    TT_ASSIGN(const std::int64_t project, block->int_at(Column::project, row));
    TT_ASSIGN(const auto text, names->text_of(row));
    const ProjectId of{static_cast<std::uint32_t>(project)};
    if (!text || word_group_key(of, *text) != key) return damaged_names(*block);
    TT_TRY(name(groups_[key], of, std::string(*text)));
  }
  return {};
}

}  // namespace telltale::eventdb
