// Which partition a row goes to: its day and its retention class. The class is decided once, when rows become
// parts, and stands in the parts' names; expiry then only drops whole parts, and merges stay within a class.
#pragma once

#include <compare>
#include <map>
#include <vector>

#include "eventdb/block_merger.hpp"
#include "eventdb/eventdb.hpp"

namespace telltale::eventdb {

struct Partition {
  RetentionClass kept;
  std::int64_t day = 0;
  auto operator<=>(const Partition&) const = default;
};
/// Inputs of merge_blocks(), by where their rows belong.
using Partitions = std::map<Partition, std::vector<MergeInput>>;

/// How long the class's rows are kept; 0 for good. A rule that is no more leaves the rows to their project's
/// time, a project without one to the table's.
Nanos time_to_keep(const EventRetention& retention, Table table, RetentionClass kept);

/// Sorts the rows of one table's head into partitions. Immutable; not to outlive `retention`.
class Partitioner {
 public:
  /// `blocks` are all that will be added: rules of every project are looked for in the projects these hold.
  static Result<Partitioner> make(const EventRetention& retention, Table table,
                                  const std::vector<std::shared_ptr<const HeadBlock>>& blocks);
  Result<> add(const std::shared_ptr<const HeadBlock>& block, WorkContext& context, Partitions& to) const;

 private:
  struct Rule {
    std::uint32_t id;
    BlockFilter filter;
  };
  Partitioner(const EventRetention& retention, Table table) : retention_(retention), table_(table) {}
  ProjectId project_class(ProjectId project) const;
  /// The rule of each row, 0 for none; empty when no row has one.
  Result<std::vector<std::uint32_t>> rules_of(const BlockRef& ref, WorkContext& context) const;

  const EventRetention& retention_;
  const Table table_;
  std::vector<Rule> rules_;
};

}  // namespace telltale::eventdb
