#include "eventdb/partitions.hpp"

#include <algorithm>
#include <set>

namespace telltale::eventdb {

namespace {

Result<std::set<ProjectId>> projects_of(const HeadBlock& block) {
  std::set<ProjectId> out;
  if (block.written.meta.counted) {
    for (const BlockCount& count : block.written.meta.counts) out.insert(count.project);
    return out;
  }
  TT_ASSIGN(const auto numbers, block.ints(Column::project));
  for (const std::int64_t number : numbers) out.insert(ProjectId{static_cast<std::uint32_t>(number)});
  return out;
}

}  // namespace

Nanos time_to_keep(const EventRetention& retention, Table table, RetentionClass kept) {
  if (kept.rule != 0) {
    for (const RetentionRule& rule : retention.rules)
      if (rule.table == table && rule.id == kept.rule) return rule.keep;
  }
  if (const auto own = retention.projects.find({table, kept.project}); own != retention.projects.end())
    return own->second;
  const auto all = retention.tables.find(table);
  return all == retention.tables.end() ? Nanos{0} : all->second;
}

Result<Partitioner> Partitioner::make(const EventRetention& retention, Table table,
                                      const std::vector<std::shared_ptr<const HeadBlock>>& blocks) {
  Partitioner out(retention, table);
  std::optional<storage::Projects> everyone;
  for (const RetentionRule& rule : retention.rules) {
    if (rule.table != table) continue;
    if (rule.project == ProjectId{} && !everyone) {
      std::set<ProjectId> seen;
      for (const auto& block : blocks) {
        TT_ASSIGN(const auto some, projects_of(*block));
        seen.insert(some.begin(), some.end());
      }
      everyone.emplace(seen.begin(), seen.end());
    }
    const bool of_one = rule.project != ProjectId{};
    TT_ASSIGN(auto filter,
              BlockFilter::compile(rule.filter, of_one ? storage::Projects{rule.project} : *everyone, {}));
    out.rules_.push_back({rule.id, std::move(filter)});
  }
  return out;
}

ProjectId Partitioner::project_class(ProjectId project) const {
  return retention_.projects.contains({table_, project}) ? project : ProjectId{};
}

Result<std::vector<std::uint32_t>> Partitioner::rules_of(const BlockRef& ref, WorkContext& context) const {
  std::vector<std::uint32_t> out;
  std::unique_ptr<Block> block;
  Bitmap left;
  for (const Rule& rule : rules_) {
    if (!rule.filter.may_match(*ref.head)) continue;
    if (!block) {
      TT_ASSIGN(block, ref.open(context));
      left = Bitmap(block->rows(), true);
    }
    TT_ASSIGN(Bitmap rows, rule.filter.run(*block, ref.meta()));
    rows &= left;
    if (rows.none()) continue;
    out.resize(block->rows());
    rows.for_each([&](std::size_t row) { out[row] = rule.id; });
    left.subtract(rows);
    if (left.none()) break;
  }
  return out;
}

Result<> Partitioner::add(const std::shared_ptr<const HeadBlock>& block, WorkContext& context,
                          Partitions& to) const {
  const BlockMeta& meta = block->written.meta;
  const BlockRef ref{nullptr, block, 0};
  TT_ASSIGN(const auto rules, rules_of(ref, context));
  std::set<ProjectId> classes;
  for (const BlockCount& count : meta.counts) classes.insert(project_class(count.project));
  const bool one_rule =
      std::all_of(rules.begin(), rules.end(), [&](std::uint32_t rule) { return rule == rules.front(); });
  if (meta.counted && classes.size() == 1 && one_rule && day_of(meta.min_time) == day_of(meta.max_time)) {
    const RetentionClass kept{*classes.begin(), rules.empty() ? 0 : rules.front()};
    to[{kept, day_of(meta.min_time)}].push_back({{ref}, nullptr});
    return {};
  }
  TT_ASSIGN(const auto times, block->ints(Column::time));
  TT_ASSIGN(const auto projects, block->ints(Column::project));
  std::map<Partition, std::vector<std::uint32_t>> rows;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const ProjectId project{static_cast<std::uint32_t>(projects[i])};
    const RetentionClass kept{project_class(project), rules.empty() ? 0 : rules[i]};
    rows[{kept, day_of({times[i]})}].push_back(static_cast<std::uint32_t>(i));
  }
  for (auto& [partition, numbers] : rows) {
    auto take = [numbers = std::move(numbers)](Block&) -> Result<std::vector<std::uint32_t>> {
      return numbers;
    };
    to[partition].push_back({{ref}, std::move(take)});
  }
  return {};
}

}  // namespace telltale::eventdb
