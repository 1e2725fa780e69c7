#include "eventdb/block_filter.hpp"

#include <algorithm>
#include <set>

#include "base/limits.hpp"
#include "eventdb/column_scan.hpp"

namespace telltale::eventdb {

using storage::CompiledLeaf;
using storage::EventFilter;
using storage::FilterOp;

namespace {

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return std::string_view(*text);
}

/// Which conditions to look at first: those that read little.
int leaf_cost(const CompiledLeaf& leaf) {
  int cost = 1;
  if (leaf.op() == FilterOp::json_line) cost = 15;
  if (leaf.any_field()) cost = 40;
  if (leaf.field() == "message") cost = 20;
  if (leaf.field() == "payload") cost = 30;
  if (leaf.op() == FilterOp::regex) cost += 5;
  if (leaf.op() == FilterOp::icontains) cost += 2;
  return cost;
}

/// For Node::grams.
std::vector<std::vector<GramPlace>> grams_of_leaf(const CompiledLeaf& leaf) {
  std::vector<std::vector<GramPlace>> out;
  switch (leaf.op()) {
    case FilterOp::eq:
    case FilterOp::contains:
    case FilterOp::icontains:
      out.push_back(grams_of_needle(leaf.value()));
      break;
    case FilterOp::regex:
      out.push_back(grams_of_needle(required_literal(leaf.value())));
      break;
    case FilterOp::in:
      // Each of them costs a look-up of its own.
      if (leaf.values().size() > limits::kSignatureNeedles) return {};
      for (const std::string& value : leaf.values()) out.push_back(grams_of_needle(value));
      break;
    default:
      return {};
  }
  const auto says_nothing = [](const auto& grams) { return grams.empty(); };
  if (std::any_of(out.begin(), out.end(), says_nothing)) return {};
  return out;
}

std::vector<std::uint32_t> either(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::vector<std::uint32_t> out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

std::optional<std::size_t> index_of_spelling(const std::string& spelling) {
  const std::string_view fixed = fixed_field_spelled(spelling);
  return indexed_field(fixed.empty() ? std::string_view(spelling) : fixed);
}

}  // namespace

std::vector<std::uint32_t> attribute_columns(const BlockDirectory& directory, std::string_view field,
                                             bool any_spelling) {
  std::vector<std::uint32_t> out;
  const auto take = [&](auto wanted) {
    for (std::uint32_t c = 0; c < directory.columns.size(); ++c)
      if (directory.columns[c].is_attribute() && wanted(directory.columns[c])) out.push_back(c);
  };
  if (!any_spelling) {
    take([&](const ColumnEntry& c) { return c.name == field; });
    return out;
  }
  for (const AttrKind kind : {AttrKind::label, AttrKind::metadata, AttrKind::parsed})
    take([&](const ColumnEntry& c) { return c.kind == kind && has_spelling(c.name, field); });
  return out;
}

Result<Bitmap> residual_rows(Block& block) {
  Bitmap out(block.rows());
  const auto number = block.residual_column();
  if (!number) return out;
  TT_ASSIGN(const TextView view, block.text(*number));
  std::string scratch;
  for (std::size_t i = 0; i < block.rows(); ++i) {
    TT_ASSIGN(const auto bytes, block.text_at(view, i, scratch));
    if (bytes && !bytes->empty()) out.set(i);
  }
  return out;
}

Result<Bitmap> ambiguous_rows(Block& block, std::string_view spelling) {
  TT_ASSIGN(Bitmap out, residual_rows(block));
  const auto numbers = attribute_columns(block.directory(), spelling, true);
  Bitmap seen(block.rows());
  AttrKind kind = AttrKind::label;
  for (std::size_t i = 0; numbers.size() > 1 && i < numbers.size(); ++i) {
    const ColumnEntry& entry = block.directory().columns[numbers[i]];
    if (i == 0 || entry.kind != kind) seen = Bitmap(block.rows());
    kind = entry.kind;
    TT_ASSIGN(const Bitmap present, block.presence(numbers[i]));
    Bitmap twice = present;
    twice &= seen;
    out |= twice;
    seen |= present;
  }
  return out;
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
    node.cost = leaf_cost(*node.leaf);
    const auto field = filter.any_spelling ? index_of_spelling(filter.field) : indexed_field(filter.field);
    if (filter.op == FilterOp::eq && !filter.value.empty()) node.index_field = field;
    if (filter.op == FilterOp::in &&
        std::find(filter.values.begin(), filter.values.end(), "") == filter.values.end())
      node.index_field = field;
    if (!node.index_field) node.grams = grams_of_leaf(*node.leaf);
    by_counts = by_counts && !filter.any_spelling &&
                (filter.field == "project" || filter.field == "service" || filter.field == "level");
    return node;
  }
  for (const EventFilter& child : filter.children) {
    TT_ASSIGN(Node compiled, compile_node(child, by_counts));
    node.cost += compiled.cost;
    node.children.push_back(std::move(compiled));
  }
  std::stable_sort(node.children.begin(), node.children.end(),
                   [](const Node& a, const Node& b) { return a.cost < b.cost; });
  return node;
}

bool BlockFilter::has_project(ProjectId project) const {
  return std::find(projects_.begin(), projects_.end(), project) != projects_.end();
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
        return node.leaf->matches(count.service.empty() ? std::nullopt
                                                        : std::optional<std::string_view>(count.service));
      if (node.leaf->field() == "level")
        return node.leaf->matches(
            view_of(int_column_text(Column::level, static_cast<std::int64_t>(count.level))));
      return true;
    };
    if (root_.leaf) return may_match(root_);
    return root_.op != FilterOp::all || std::all_of(root_.children.begin(), root_.children.end(), may_match);
  }
  EventRow row;
  row.project = count.project;
  row.ids.service = count.service;
  row.ids.level = count.level;
  return plain_.matches(row);
}

bool BlockFilter::counts_allow(const BlockMeta& meta) const {
  return !meta.counted || std::any_of(meta.counts.begin(), meta.counts.end(),
                                      [this](const BlockCount& c) { return count_matches(c); });
}

bool BlockFilter::every_row(const BlockMeta& meta) const {
  return every_row_by_counts(meta) && std::all_of(meta.counts.begin(), meta.counts.end(),
                                                  [this](const BlockCount& c) { return count_matches(c); });
}

Result<BlockFilter::Numbers> BlockFilter::look_up_ids(const Node& node, const Part& part) {
  // Version 1 knew fixed columns only.
  if (part.legacy() && node.leaf->any_spelling()) return Numbers();
  if (node.op == FilterOp::eq) {
    TT_ASSIGN(auto blocks, part.lookup(*node.index_field, node.leaf->value()));
    return Numbers(std::move(blocks));
  }
  std::set<std::uint32_t> out;
  for (const std::string& value : node.leaf->values()) {
    TT_ASSIGN(const auto blocks, part.lookup(*node.index_field, value));
    out.insert(blocks.begin(), blocks.end());
  }
  return Numbers(std::vector<std::uint32_t>(out.begin(), out.end()));
}

Result<BlockFilter::Numbers> BlockFilter::look_up_texts(const Node& node, const Part& part) {
  Numbers out(std::in_place);
  for (const auto& grams : node.grams) {
    TT_ASSIGN(const Numbers some, part.lookup(grams));
    if (!some) return Numbers();
    out = either(*out, *some);
  }
  return out;
}

Result<BlockFilter::Numbers> BlockFilter::look_up(const Node& node, const Part& part) {
  if (node.index_field) return look_up_ids(node, part);
  if (!node.grams.empty()) return look_up_texts(node, part);
  if (node.op == FilterOp::all) {
    Numbers out;
    for (const Node& child : node.children) {
      // What is left is read sooner than signatures are.
      if (out && out->size() <= limits::kSignatureWorthBlocks && !child.grams.empty()) continue;
      TT_ASSIGN(const Numbers some, look_up(child, part));
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
    Numbers out(std::in_place);
    for (const Node& child : node.children) {
      TT_ASSIGN(const Numbers some, look_up(child, part));
      if (!some) return Numbers();
      out = either(*out, *some);
    }
    return out;
  }
  return Numbers();
}

bool BlockFilter::may_match(const Node& node, const std::vector<std::uint64_t>& keys) {
  const auto known = [&](const std::string& value) {
    return std::binary_search(keys.begin(), keys.end(), index_key(*node.index_field, value));
  };
  if (node.index_field) {
    if (node.op == FilterOp::eq) return known(node.leaf->value());
    return std::any_of(node.leaf->values().begin(), node.leaf->values().end(), known);
  }
  const auto child_may = [&](const Node& child) { return may_match(child, keys); };
  if (node.op == FilterOp::all) return std::all_of(node.children.begin(), node.children.end(), child_may);
  if (node.op == FilterOp::any) return std::any_of(node.children.begin(), node.children.end(), child_may);
  return true;
}

bool BlockFilter::may_match(const HeadBlock& block) const {
  const BlockMeta& meta = block.written.meta;
  return range_.overlaps(meta.min_time, meta.max_time) && counts_allow(meta) &&
         may_match(root_, block.written.index_keys);
}

Result<> BlockFilter::candidates(const std::shared_ptr<const Part>& part, std::vector<BlockRef>& out) const {
  const auto* const known = places_ ? places_->of(part->name()) : nullptr;
  Numbers looked_up;
  if (known != nullptr) {
    looked_up = *known;
  } else {
    TT_ASSIGN(looked_up, look_up(root_, *part));
  }
  const auto consider = [&](std::uint32_t number) {
    const BlockMeta& block = part->blocks()[number];
    if (!range_.overlaps(block.min_time, block.max_time) || !counts_allow(block)) return;
    out.push_back({part, nullptr, number});
  };
  if (looked_up) {
    for (const std::uint32_t number : *looked_up) consider(number);
  } else {
    for (std::uint32_t number = 0; number < part->blocks().size(); ++number) consider(number);
  }
  return {};
}

Result<Bitmap> BlockFilter::rows_in_question(Block& block, const BlockMeta& meta) const {
  Bitmap out(block.rows(), true);
  if (!range_.contains(meta.min_time) || !range_.contains(meta.max_time)) {
    TT_ASSIGN(const auto* times, block.ints(Column::time));
    for (std::size_t i = 0; i < times->size(); ++i)
      if (!range_.contains({(*times)[i]})) out.reset(i);
  }
  const bool all_projects =
      meta.counted && std::all_of(meta.counts.begin(), meta.counts.end(),
                                  [this](const BlockCount& c) { return has_project(c.project); });
  if (all_projects) return out;
  TT_ASSIGN(const auto* projects, block.ints(Column::project));
  for (std::size_t i = 0; i < projects->size(); ++i)
    if (!has_project({static_cast<std::uint32_t>((*projects)[i])})) out.reset(i);
  return out;
}

Result<Bitmap> BlockFilter::run(Block& block, const BlockMeta& meta) const {
  if (every_row(meta)) return Bitmap(block.rows(), true);
  TT_ASSIGN(Bitmap rows, rows_in_question(block, meta));
  if (rows.none()) return rows;
  TT_ASSIGN(const Bitmap bits, eval(root_, block, rows));
  rows &= bits;
  return rows;
}

Result<Bitmap> BlockFilter::eval(const Node& node, Block& block, const Bitmap& among) {
  if (node.leaf) return eval_leaf(*node.leaf, block, among);
  TT_TRY(block.check());
  if (node.op == FilterOp::all) {
    Bitmap left = among;
    for (const Node& child : node.children) {
      if (left.none()) break;
      TT_ASSIGN(const Bitmap bits, eval(child, block, left));
      left &= bits;
    }
    return left;
  }
  Bitmap found(block.rows());
  Bitmap left = among;
  for (const Node& child : node.children) {
    if (left.none()) break;
    TT_ASSIGN(Bitmap bits, eval(child, block, left));
    bits &= left;
    found |= bits;
    left.subtract(bits);
  }
  return node.op == FilterOp::any ? found : left;
}

Result<Bitmap> BlockFilter::eval_leaf(const CompiledLeaf& leaf, Block& block, const Bitmap& among) {
  if (leaf.op() == FilterOp::json_line) return scan_json_line(leaf, block, among);
  if (leaf.any_field()) return eval_any_field(leaf, block, among);
  if (leaf.any_spelling()) return eval_spelled(leaf, block, among);
  if (const auto column = fixed_column(leaf.field())) return eval_fixed(leaf, block, *column, among);
  return eval_attribute(leaf, block, among);
}

Result<Bitmap> BlockFilter::eval_fixed(const CompiledLeaf& leaf, Block& block, Column column,
                                       const Bitmap& among) {
  const bool absent_matches = leaf.matches(std::nullopt);
  const auto number = block.find(column);
  if (!number) return Bitmap(block.rows(), absent_matches);
  Verdict verdict;
  if (is_int_column(column)) {
    TT_ASSIGN(verdict, scan_int_column(leaf, block, column));
  } else {
    TT_ASSIGN(verdict, scan_column(leaf, block, *number, among, false));
  }
  if (absent_matches) {
    Bitmap absent = std::move(verdict.present);
    absent.flip();
    verdict.match |= absent;
  }
  return std::move(verdict.match);
}

Result<Bitmap> BlockFilter::eval_attribute(const CompiledLeaf& leaf, Block& block, const Bitmap& among) {
  Bitmap found(block.rows());
  Bitmap undecided = among;
  for (const std::uint32_t number : attribute_columns(block.directory(), leaf.field(), false)) {
    TT_ASSIGN(Verdict verdict, scan_column(leaf, block, number, undecided, false));
    verdict.match &= undecided;
    found |= verdict.match;
    undecided.subtract(verdict.present);
  }
  const Bitmap open = undecided;
  TT_TRY(for_each_residual(block, open, [&](std::size_t row, const std::vector<Attr>& attributes) {
    for (const Attr& a : attributes) {
      if (a.name != leaf.field()) continue;
      if (leaf.matches(std::string_view(to_string(a.value)))) found.set(row);
      undecided.reset(row);
      break;
    }
  }));
  if (leaf.matches(std::nullopt)) found |= undecided;
  return found;
}

Result<Bitmap> BlockFilter::eval_spelled(const CompiledLeaf& leaf, Block& block, const Bitmap& among) {
  Bitmap found(block.rows());
  Bitmap undecided = among;
  // Rare: these are looked at as rows.
  TT_ASSIGN(Bitmap rest, ambiguous_rows(block, leaf.field()));
  rest &= among;
  if (!rest.none()) {
    TT_TRY(block.want(storage::FieldSet({}), false));
    Result<> good;
    EventRow row;
    rest.for_each([&](std::size_t r) {
      if (good) good = block.materialise(r, row);
      if (good && leaf.matches(view_of(spelled_text(row, leaf.field())))) found.set(r);
    });
    TT_TRY(good);
    undecided.subtract(rest);
  }
  const auto consider = [&](Verdict verdict) {
    verdict.match &= verdict.present;
    verdict.match &= undecided;
    found |= verdict.match;
    undecided.subtract(verdict.present);
  };
  for (const std::uint32_t number : attribute_columns(block.directory(), leaf.field(), true)) {
    TT_ASSIGN(Verdict verdict, scan_column(leaf, block, number, undecided, true));
    consider(std::move(verdict));
  }
  const auto fixed = fixed_column(fixed_field_spelled(leaf.field()));
  if (fixed && block.find(*fixed)) {
    Verdict verdict;
    if (is_int_column(*fixed)) {
      TT_ASSIGN(verdict, scan_int_column(leaf, block, *fixed));
    } else {
      TT_ASSIGN(verdict, scan_column(leaf, block, *block.find(*fixed), undecided, true));
    }
    consider(std::move(verdict));
  }
  if (leaf.matches(std::nullopt)) found |= undecided;
  return found;
}

Result<Bitmap> BlockFilter::eval_any_field(const CompiledLeaf& leaf, Block& block, const Bitmap& among) {
  Bitmap found(block.rows());
  Bitmap left = among;
  // A regular expression may match the empty text of an absent message or payload.
  if (leaf.matches(std::nullopt)) {
    for (const Column column : {Column::message, Column::payload}) {
      TT_ASSIGN(Bitmap bits, eval_fixed(leaf, block, column, left));
      bits &= left;
      found |= bits;
      left.subtract(bits);
    }
  }
  const BlockDirectory& directory = block.directory();
  const auto is_text_searched = [&](const ColumnEntry& entry) {
    return entry.is_attribute() || entry.is(Column::message) || entry.is(Column::payload);
  };
  for (std::uint32_t c = 0; c < directory.columns.size() && !left.none(); ++c) {
    if (!is_text_searched(directory.columns[c])) continue;
    TT_ASSIGN(Verdict verdict, scan_column(leaf, block, c, left, false));
    verdict.match &= left;
    found |= verdict.match;
    left.subtract(verdict.match);
  }
  TT_TRY(for_each_residual(block, left, [&](std::size_t row, const std::vector<Attr>& attributes) {
    for (const Attr& a : attributes)
      if (leaf.matches(std::string_view(to_string(a.value)))) found.set(row);
  }));
  return found;
}

}  // namespace telltale::eventdb
