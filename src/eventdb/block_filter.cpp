#include "eventdb/block_filter.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

namespace telltale::eventdb {

using storage::CompiledLeaf;
using storage::EventFilter;
using storage::FilterOp;

namespace {

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return std::string_view(*text);
}

}  // namespace

std::optional<Column> fixed_column(std::string_view field) {
  struct Name {
    std::string_view field;
    Column column;
  };
  static constexpr Name kNames[] = {{"message", Column::message},         {"payload", Column::payload},
                                    {"project", Column::project},         {"level", Column::level},
                                    {"environment", Column::environment}, {"release", Column::release},
                                    {"service", Column::service},         {"host", Column::host},
                                    {"request_id", Column::request_id},   {"user_id", Column::user_id},
                                    {"transaction", Column::transaction}, {"trace_id", Column::trace_id},
                                    {"span_id", Column::span_id}};
  for (const Name& name : kNames)
    if (name.field == field) return name.column;
  return std::nullopt;
}

bool is_int_column(Column column) { return static_cast<int>(column) <= static_cast<int>(Column::level); }

std::optional<std::string> column_text(Column column, std::string_view stored) {
  if (stored.empty()) return std::nullopt;
  if (column == Column::trace_id && stored.size() == sizeof(Id128)) {
    Id128 id;
    std::memcpy(static_cast<void*>(&id), stored.data(), sizeof id);
    return id.hex();
  }
  if (column == Column::span_id && stored.size() == sizeof(Id64)) {
    Id64 id;
    std::memcpy(static_cast<void*>(&id), stored.data(), sizeof id);
    return id.hex();
  }
  return std::string(stored);
}

std::optional<std::string> column_text(Column column, std::int64_t stored) {
  if (column != Column::level) return std::to_string(stored);
  if (stored == 0) return std::nullopt;
  return std::string(to_string(static_cast<Level>(stored)));
}

Result<BlockFilter> BlockFilter::compile(const EventFilter& filter, storage::Projects projects,
                                         TimeRange range) {
  TT_ASSIGN(storage::CompiledFilter plain, storage::CompiledFilter::compile(filter));
  BlockFilter out(std::move(plain), std::move(projects), range);
  TT_ASSIGN(out.root_, compile_node(filter, out.by_counts_));
  return out;
}

Result<BlockFilter::Node> BlockFilter::compile_node(const EventFilter& filter, bool& by_counts) {
  Node node;
  node.op = filter.op;
  if (storage::is_leaf(filter.op)) {
    TT_ASSIGN(node.leaf, CompiledLeaf::compile(filter));
    if (filter.any_spelling) {
      by_counts = false;
      return node;
    }
    if (filter.op == FilterOp::eq && !filter.value.empty()) node.index_field = indexed_field(filter.field);
    if (filter.op == FilterOp::in &&
        std::find(filter.values.begin(), filter.values.end(), "") == filter.values.end())
      node.index_field = indexed_field(filter.field);
    by_counts =
        by_counts && (filter.field == "project" || filter.field == "service" || filter.field == "level");
    return node;
  }
  for (const EventFilter& child : filter.children) {
    TT_ASSIGN(Node compiled, compile_node(child, by_counts));
    node.children.push_back(std::move(compiled));
  }
  return node;
}

bool BlockFilter::has_project(ProjectId project) const {
  return all_projects_ || std::find(projects_.begin(), projects_.end(), project) != projects_.end();
}

Result<BlockFilter> BlockFilter::everything() {
  // The range is half-open: its end is the one instant it cannot name, and no event is that late.
  TT_ASSIGN(BlockFilter out, compile(EventFilter{}, {}, TimeRange{}));
  out.all_projects_ = true;
  return out;
}

bool BlockFilter::matches(const EventRow& row) const {
  return range_.contains(row.time) && has_project(row.project) && plain_.matches(row);
}

bool BlockFilter::count_matches(const BlockCount& count) const {
  if (!has_project(count.project)) return false;
  if (!by_counts_) {
    // Of a conjunction, the conditions on these two can still rule the block out.
    const auto may_match = [&count](const Node& node) {
      if (!node.leaf || node.leaf->any_spelling()) return true;
      if (node.leaf->field() == "service")
        return node.leaf->matches(view_of(column_text(Column::service, count.service)));
      if (node.leaf->field() == "level")
        return node.leaf->matches(
            view_of(column_text(Column::level, static_cast<std::int64_t>(count.level))));
      return true;
    };
    return root_.op != FilterOp::all || std::all_of(root_.children.begin(), root_.children.end(), may_match);
  }
  EventRow row;
  row.project = count.project;
  row.ids.service = count.service;
  row.ids.level = count.level;
  return plain_.matches(row);
}

Result<BlockFilter::Blocks> BlockFilter::look_up(const Node& node, const Part& part) {
  if (node.index_field) {
    if (node.op == FilterOp::eq) {
      TT_ASSIGN(auto blocks, part.lookup(*node.index_field, node.leaf->value()));
      return Blocks(std::move(blocks));
    }
    std::set<std::uint32_t> out;
    for (const std::string& value : node.leaf->values()) {
      TT_ASSIGN(const auto blocks, part.lookup(*node.index_field, value));
      out.insert(blocks.begin(), blocks.end());
    }
    return Blocks(std::vector<std::uint32_t>(out.begin(), out.end()));
  }
  if (node.op == FilterOp::all) {
    Blocks out;
    for (const Node& child : node.children) {
      TT_ASSIGN(const Blocks some, look_up(child, part));
      if (!some) continue;
      if (!out) {
        out = some;
      } else {
        std::vector<std::uint32_t> both;
        std::set_intersection(out->begin(), out->end(), some->begin(), some->end(), std::back_inserter(both));
        out = std::move(both);
      }
      if (out->empty()) break;
    }
    return out;
  }
  if (node.op == FilterOp::any) {
    std::vector<std::uint32_t> out;
    for (const Node& child : node.children) {
      TT_ASSIGN(const Blocks some, look_up(child, part));
      if (!some) return Blocks();
      std::vector<std::uint32_t> either;
      std::set_union(out.begin(), out.end(), some->begin(), some->end(), std::back_inserter(either));
      out = std::move(either);
    }
    return Blocks(std::move(out));
  }
  return Blocks();
}

Result<std::vector<std::uint32_t>> BlockFilter::candidates(const Part& part) const {
  TT_ASSIGN(const Blocks looked_up, look_up(root_, part));
  std::vector<std::uint32_t> out;
  const auto consider = [&](std::uint32_t number) {
    const BlockMeta& block = part.blocks()[number];
    if (!range_.overlaps(block.min_time, block.max_time)) return;
    if (block.counted && std::none_of(block.counts.begin(), block.counts.end(),
                                      [this](const BlockCount& c) { return count_matches(c); }))
      return;
    out.push_back(number);
  };
  if (looked_up) {
    for (const std::uint32_t number : *looked_up) consider(number);
  } else {
    for (std::uint32_t number = 0; number < part.blocks().size(); ++number) consider(number);
  }
  return out;
}

Result<std::vector<std::uint32_t>> BlockFilter::run(BlockColumns& block) const {
  TT_ASSIGN(const Bits bits, eval(root_, block));
  TT_ASSIGN(const auto* times, block.ints(Column::time));
  TT_ASSIGN(const auto* projects, block.ints(Column::project));
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == 0 || !range_.contains({(*times)[i]})) continue;
    if (has_project({static_cast<std::uint32_t>((*projects)[i])}))
      out.push_back(static_cast<std::uint32_t>(i));
  }
  return out;
}

Result<BlockFilter::Bits> BlockFilter::eval(const Node& node, BlockColumns& block) {
  if (node.leaf) return eval_leaf(*node.leaf, block);
  const bool all = node.op == FilterOp::all;
  Bits out(block.rows(), all ? 1 : 0);
  for (const Node& child : node.children) {
    // all: nothing left to lose; any and none: nothing left to find.
    if (std::find(out.begin(), out.end(), all ? 1 : 0) == out.end()) break;
    TT_ASSIGN(const Bits bits, eval(child, block));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] =
          all ? static_cast<std::uint8_t>(out[i] & bits[i]) : static_cast<std::uint8_t>(out[i] | bits[i]);
  }
  if (node.op == FilterOp::none)
    for (std::uint8_t& bit : out) bit ^= 1;
  return out;
}

Result<BlockFilter::Bits> BlockFilter::eval_leaf(const CompiledLeaf& leaf, BlockColumns& block) {
  Bits bits(block.rows(), 0);
  if (leaf.any_field()) {
    TT_TRY(eval_strings(leaf, block, Column::message, bits));
    TT_TRY(eval_strings(leaf, block, Column::payload, bits));
    TT_TRY(eval_attributes(leaf, block, bits));
    return bits;
  }
  if (leaf.any_spelling()) {
    const storage::FieldSet everything({});
    EventRow row;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      TT_TRY(block.materialise(i, everything, false, row));
      bits[i] = leaf.matches(view_of(spelled_text(row, leaf.field()))) ? 1 : 0;
    }
    block.forget_wanted();
    return bits;
  }
  const std::optional<Column> column = fixed_column(leaf.field());
  if (!column) {
    TT_TRY(eval_attributes(leaf, block, bits));
    return bits;
  }
  if (!is_int_column(*column)) {
    TT_TRY(eval_strings(leaf, block, *column, bits));
    return bits;
  }
  TT_ASSIGN(const auto* values, block.ints(*column));
  std::unordered_map<std::int64_t, bool> known;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const auto [at, is_new] = known.try_emplace((*values)[i], false);
    if (is_new) at->second = leaf.matches(view_of(column_text(*column, (*values)[i])));
    bits[i] = at->second ? 1 : 0;
  }
  return bits;
}

Result<> BlockFilter::eval_strings(const CompiledLeaf& leaf, BlockColumns& block, Column column, Bits& bits) {
  TT_ASSIGN(const StringColumn* strings, block.strings(column));
  Bits per_value;
  per_value.reserve(strings->values().size());
  for (const std::string_view value : strings->values()) {
    const bool is_id = column == Column::trace_id || column == Column::span_id;
    if (is_id) {
      per_value.push_back(leaf.matches(view_of(column_text(column, value))) ? 1 : 0);
    } else {
      per_value.push_back(leaf.matches(value.empty() ? std::nullopt : std::optional(value)) ? 1 : 0);
    }
  }
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] |= per_value[strings->code(i)];
  return {};
}

Result<> BlockFilter::eval_attributes(const CompiledLeaf& leaf, BlockColumns& block, Bits& bits) {
  TT_ASSIGN(BlockColumns::Attributes * all, block.attributes());
  std::vector<Bits> verdicts(all->columns.size());
  for (std::size_t c = 0; c < all->columns.size(); ++c) {
    BlockColumns::AttrColumn& column = all->columns[c];
    if (!leaf.any_field() && column.name != leaf.field()) continue;
    TT_TRY(block.load(column));
    Bits& verdict = verdicts[c];
    verdict.reserve(column.values);
    if (column.type == AttrType::text) {
      Bits per_value;
      for (const std::string_view value : column.texts.values())
        per_value.push_back(leaf.matches(value) ? 1 : 0);
      for (std::size_t i = 0; i < column.values; ++i) verdict.push_back(per_value[column.texts.code(i)]);
    } else {
      for (std::size_t i = 0; i < column.values; ++i)
        verdict.push_back(leaf.matches(to_string(BlockColumns::value(column, i))) ? 1 : 0);
    }
  }
  const std::uint8_t if_absent = !leaf.any_field() && leaf.matches(std::nullopt) ? 1 : 0;
  for (std::size_t row = 0; row < bits.size(); ++row) {
    bool has = false;
    for (std::uint32_t i = all->first_cell[row]; i < all->first_cell[row + 1]; ++i) {
      const BlockColumns::Cell cell = all->cells[i];
      // Names are unique in a row by contract; if they are not, the first counts, as in EventRow::find.
      if (verdicts[cell.column].empty() || (has && !leaf.any_field())) continue;
      has = true;
      bits[row] |= verdicts[cell.column][cell.value];
    }
    if (!has) bits[row] |= if_absent;
  }
  return {};
}

}  // namespace telltale::eventdb
