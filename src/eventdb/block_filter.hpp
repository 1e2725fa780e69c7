// A filter tree run on blocks of columns. First the blocks: equalities on indexed ids are looked up in the id
// index, texts in the signatures, and block counts rule out blocks without the project, service or level.
// Then, in a block that is left, each leaf reads its own columns, cheap ones first, and only for rows that
// are still in question. CompiledFilter is the oracle.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "eventdb/bitmap.hpp"
#include "eventdb/block.hpp"
#include "eventdb/block_places.hpp"
#include "eventdb/head.hpp"
#include "eventdb/part.hpp"
#include "storage/event_filter.hpp"

namespace telltale::eventdb {

/// A block of a snapshot, of a part or of the head. Valid as long as the snapshot.
struct BlockRef {
  std::shared_ptr<const Part> part;
  std::shared_ptr<const HeadBlock> head;
  std::uint32_t number = 0;  // in the part
  const BlockMeta& meta() const { return part ? part->blocks()[number] : head->written.meta; }
  Result<std::unique_ptr<Block>> open(WorkContext& context) const {
    if (part) return part->open_block(number, context);
    return Block::open(head->bytes, head->written.meta, context);
  }
};

/// Immutable after compile(); thread-safe.
class BlockFilter {
 public:
  /// The same errors as CompiledFilter::compile.
  static Result<BlockFilter> compile(const storage::EventFilter& filter, storage::Projects projects,
                                     TimeRange range);

  /// Of the parts that these places know, other blocks are left out.
  void look_only(std::shared_ptr<const BlockPlaces> places) { places_ = std::move(places); }

  /// Appends the part's blocks that may hold matching rows, oldest first.
  Result<> candidates(const std::shared_ptr<const Part>& part, std::vector<BlockRef>& out) const;
  bool may_match(const HeadBlock& block) const;
  /// Rows that match (project, range and tree).
  Result<Bitmap> run(Block& block, const BlockMeta& meta) const;
  /// Plain evaluation, for rows in memory.
  bool matches(const EventRow& row) const;

  /// True when every row of the block matches, as its counts say.
  bool every_row(const BlockMeta& meta) const;
  /// True when the counts say of each of the block's rows, in range as a whole, whether it matches.
  bool every_row_by_counts(const BlockMeta& meta) const {
    return meta.counted && by_counts_ && range_.contains(meta.min_time) && range_.contains(meta.max_time);
  }
  /// True when the tree looks at nothing but project, service and level, so that block counts can answer it.
  bool answered_by_counts() const { return by_counts_; }
  bool count_matches(const BlockCount& count) const;
  bool has_project(ProjectId project) const;
  const TimeRange& range() const { return range_; }

 private:
  using Numbers = std::optional<std::vector<std::uint32_t>>;
  struct Node {
    storage::FilterOp op = storage::FilterOp::all;
    std::optional<storage::CompiledLeaf> leaf;
    std::optional<std::size_t> index_field;  // an equality or set that the id index answers
    /// What a matching row's texts must have: all grams of one of these. Empty: signatures do not answer.
    std::vector<std::vector<GramPlace>> grams;
    int cost = 0;
    std::vector<Node> children;
  };
  BlockFilter(storage::CompiledFilter plain, storage::Projects projects, TimeRange range)
      : plain_(std::move(plain)), projects_(std::move(projects)), range_(range) {}
  static Result<Node> compile_node(const storage::EventFilter& filter, bool& by_counts);
  /// The blocks that may match; nullopt: all.
  static Result<Numbers> look_up(const Node& node, const Part& part);
  static Result<Numbers> look_up_ids(const Node& node, const Part& part);
  static Result<Numbers> look_up_texts(const Node& node, const Part& part);
  static bool may_match(const Node& node, const std::vector<std::uint64_t>& keys);
  bool counts_allow(const BlockMeta& meta) const;
  Result<Bitmap> rows_in_question(Block& block, const BlockMeta& meta) const;
  static Result<Bitmap> eval(const Node& node, Block& block, const Bitmap& among);
  static Result<Bitmap> eval_leaf(const storage::CompiledLeaf& leaf, Block& block, const Bitmap& among);
  static Result<Bitmap> eval_any_field(const storage::CompiledLeaf& leaf, Block& block, const Bitmap& among);
  static Result<Bitmap> eval_fixed(const storage::CompiledLeaf& leaf, Block& block, Column column,
                                   const Bitmap& among);
  static Result<Bitmap> eval_attribute(const storage::CompiledLeaf& leaf, Block& block, const Bitmap& among);
  static Result<Bitmap> eval_spelled(const storage::CompiledLeaf& leaf, Block& block, const Bitmap& among);

  storage::CompiledFilter plain_;
  storage::Projects projects_;
  TimeRange range_;
  std::shared_ptr<const BlockPlaces> places_;  // null: anywhere
  Node root_;
  bool by_counts_ = true;
};

/// Positions of the attribute columns of that name, or spelled so (label, metadata, parsed), in the order in
/// which they are asked.
std::vector<std::uint32_t> attribute_columns(const BlockDirectory& directory, std::string_view field,
                                             bool any_spelling);
/// Rows that have attributes without a column of their own.
Result<Bitmap> residual_rows(Block& block);
/// Calls visit(row, attributes) for those of `rows` that have some.
template <class Visit>
Result<> for_each_residual(Block& block, const Bitmap& rows, Visit visit) {
  if (!block.residual_column()) return {};
  TT_ASSIGN(Bitmap some, residual_rows(block));
  some &= rows;
  Result<> good;
  some.for_each([&](std::size_t row) {
    if (!good) return;
    const auto attributes = block.residual(row);
    if (attributes) {
      visit(row, *attributes);
    } else {
      good = tl::unexpected<Error>(attributes.error());
    }
  });
  return good;
}
/// Rows whose attributes have to be looked at in their own order to say what a spelling means: those with
/// attributes outside of columns, or with several of one kind that are spelled the same.
Result<Bitmap> ambiguous_rows(Block& block, std::string_view spelling);

}  // namespace telltale::eventdb
