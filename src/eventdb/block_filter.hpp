// A filter tree run on blocks of columns. First the blocks: equalities on indexed ids are looked up in the
// part's id index, and block counts rule out blocks without the project, service or level. Then, in a block
// that is left, each leaf reads its own column and is evaluated once per dictionary entry. CompiledFilter is
// the oracle.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "eventdb/block_columns.hpp"
#include "storage/event_filter.hpp"

namespace telltale::eventdb {

/// Immutable after compile(); thread-safe.
class BlockFilter {
 public:
  /// The same errors as CompiledFilter::compile.
  static Result<BlockFilter> compile(const storage::EventFilter& filter, storage::Projects projects,
                                     TimeRange range);

  /// Every row of every project; for merges.
  static Result<BlockFilter> everything();

  /// The part's blocks that may hold matching rows, ascending.
  Result<std::vector<std::uint32_t>> candidates(const Part& part) const;
  /// Numbers of the rows that match (project, range and tree), ascending.
  Result<std::vector<std::uint32_t>> run(BlockColumns& block) const;
  /// Plain evaluation, for rows in memory.
  bool matches(const EventRow& row) const;

  /// True when the tree looks at nothing but project, service and level, so that block counts can answer it.
  bool answered_by_counts() const { return by_counts_; }
  bool count_matches(const BlockCount& count) const;
  bool has_project(ProjectId project) const;
  const TimeRange& range() const { return range_; }

 private:
  using Bits = std::vector<std::uint8_t>;
  using Blocks = std::optional<std::vector<std::uint32_t>>;
  struct Node {
    storage::FilterOp op = storage::FilterOp::all;
    std::optional<storage::CompiledLeaf> leaf;
    std::optional<std::size_t> index_field;  // an equality or set that the id index answers
    std::vector<Node> children;
  };
  BlockFilter(storage::CompiledFilter plain, storage::Projects projects, TimeRange range)
      : plain_(std::move(plain)), projects_(std::move(projects)), range_(range) {}
  static Result<Node> compile_node(const storage::EventFilter& filter, bool& by_counts);
  static Result<Blocks> look_up(const Node& node, const Part& part);
  static Result<Bits> eval(const Node& node, BlockColumns& block);
  static Result<Bits> eval_leaf(const storage::CompiledLeaf& leaf, BlockColumns& block);
  static Result<> eval_strings(const storage::CompiledLeaf& leaf, BlockColumns& block, Column column,
                               Bits& bits);
  static Result<> eval_attributes(const storage::CompiledLeaf& leaf, BlockColumns& block, Bits& bits);

  storage::CompiledFilter plain_;
  storage::Projects projects_;
  TimeRange range_;
  Node root_;
  bool by_counts_ = true;
  bool all_projects_ = false;
};

/// The column of a fixed field; nullopt for attributes.
std::optional<Column> fixed_column(std::string_view field);
/// A fixed column's stored value as field_text() shows it; nullopt when absent.
std::optional<std::string> column_text(Column column, std::string_view stored);
std::optional<std::string> column_text(Column column, std::int64_t stored);
bool is_int_column(Column column);

}  // namespace telltale::eventdb
