#include "eventdb/aggregate.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "eventdb/field_codes.hpp"

namespace telltale::eventdb {

using storage::EventAggregateQuery;
using storage::EventAggregateRow;
using storage::Measure;
using storage::MeasureOp;
using storage::MeasureState;

namespace {

constexpr std::size_t kBytesPerGroup = 160;  // of the maps' nodes, beside texts and states
constexpr std::size_t kDenseCombinations = std::size_t{1} << 18;

std::string group_key(const std::vector<std::string>& group) {
  if (group.size() == 1) return group[0];
  ByteWriter out;
  for (const std::string& g : group) out.string(g);
  return out.take();
}

/// Two numbers a row become one, those that occur counted through. `pairs`: what each stands for.
void combine(std::vector<std::uint32_t>& cells, std::size_t& count, const std::vector<std::uint32_t>& codes,
             std::size_t code_count, const Bitmap& rows,
             std::vector<std::pair<std::uint32_t, std::uint32_t>>& pairs) {
  pairs.clear();
  const auto fresh = [&](std::uint32_t cell, std::uint32_t code) {
    pairs.emplace_back(cell, code);
    return static_cast<std::uint32_t>(pairs.size() - 1);
  };
  if (count * code_count <= kDenseCombinations) {
    std::vector<std::uint32_t> known(count * code_count, UINT32_MAX);
    rows.for_each([&](std::size_t r) {
      std::uint32_t& to = known[cells[r] * code_count + codes[r]];
      if (to == UINT32_MAX) to = fresh(cells[r], codes[r]);
      cells[r] = to;
    });
  } else {
    std::unordered_map<std::uint64_t, std::uint32_t> known;
    rows.for_each([&](std::size_t r) {
      const std::uint64_t key = std::uint64_t{cells[r]} << 32 | codes[r];
      const auto [at, is_new] = known.try_emplace(key, 0);
      if (is_new) at->second = fresh(cells[r], codes[r]);
      cells[r] = at->second;
    });
  }
  count = pairs.size();
}

}  // namespace

/// The cell of each row of a block, and the bucket and group each cell stands for.
struct GroupTable::Cells {
  std::vector<std::uint32_t> of_row;
  std::vector<std::pair<UnixNanos, std::vector<std::string>>> names;
};

Result<> GroupTable::charge(std::size_t bytes) {
  charged_ += bytes;
  return context_.charge(bytes);
}

std::size_t GroupTable::states_bytes(const Cell& cell) const {
  std::size_t bytes = 0;
  for (const MeasureState& s : cell.states) bytes += s.memory_bytes();
  return bytes;
}

Result<GroupTable::Cell*> GroupTable::cell(UnixNanos bucket, std::vector<std::string> group) {
  std::string key = group_key(group);
  auto known = group_numbers_.find(key);
  if (known == group_numbers_.end()) {
    if (groups_.size() >= query_.max_groups) return tl::unexpected<Error>(storage::too_many_groups(query_));
    std::size_t bytes = kBytesPerGroup + key.size();
    for (const std::string& g : group) bytes += sizeof g + g.size();
    TT_TRY(charge(bytes));
    known = group_numbers_.emplace(std::move(key), groups_.size()).first;
    groups_.push_back(std::move(group));
  }
  const std::size_t number = known->second;
  const std::uint64_t hash = static_cast<std::uint64_t>(bucket.ns) * 0x9E3779B97F4A7C15ULL ^ number;
  auto& candidates = cell_numbers_[hash];
  for (const std::size_t c : candidates)
    if (cells_[c]->bucket == bucket && cells_[c]->group == number) return cells_[c].get();
  TT_TRY(charge(kBytesPerGroup + query_.measures.size() * sizeof(MeasureState)));
  candidates.push_back(cells_.size());
  cells_.push_back(std::make_unique<Cell>());
  Cell& made = *cells_.back();
  made.bucket = bucket;
  made.group = number;
  made.states.resize(query_.measures.size());
  return &made;
}

Result<> GroupTable::add_row(const EventRow& row, std::uint64_t ordinal) {
  const auto text = [&](const std::string& field) {
    return query_.any_spelling ? spelled_text(row, field) : field_text(row, field);
  };
  std::vector<std::string> group;
  for (const std::string& field : query_.group_by) group.push_back(text(field).value_or(""));
  TT_ASSIGN(Cell * to, cell(storage::bucket_start(query_, row.time), std::move(group)));
  const std::size_t before = states_bytes(*to);
  for (std::size_t m = 0; m < query_.measures.size(); ++m) {
    const Measure& measure = query_.measures[m];
    if (measure.field.empty()) {
      to->states[m].add_rows(1);
      continue;
    }
    const auto value = text(measure.field);
    if (!value) continue;
    if (measure.op == MeasureOp::count || measure.op == MeasureOp::distinct) {
      to->states[m].add_text(measure.op, *value);
    } else if (const auto number = storage::number_of(*value)) {
      to->states[m].add_number(measure.op, *number, row.time, ordinal);
    }
  }
  const std::size_t after = states_bytes(*to);
  return after > before ? charge(after - before) : Result<>();
}

Result<> GroupTable::add_count(UnixNanos time, std::vector<std::string> group, std::uint64_t rows) {
  TT_ASSIGN(Cell * to, cell(storage::bucket_start(query_, time), std::move(group)));
  for (MeasureState& s : to->states) s.add_rows(rows);
  return {};
}

Result<GroupTable::Cells> GroupTable::cells_of(Block& block, const BlockMeta& meta,
                                               const Bitmap& rows) const {
  Cells out;
  out.of_row.assign(block.rows(), 0);
  std::size_t count = 1;
  out.names.push_back({storage::bucket_start(query_, meta.min_time), {}});
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  if (query_.bucket.count() > 0 && storage::bucket_start(query_, meta.max_time) != out.names[0].first) {
    // Rows stand by time: a bucket is left once and for all.
    TT_ASSIGN(const auto* times, block.ints(Column::time));
    out.names.clear();
    rows.for_each([&](std::size_t r) {
      const std::int64_t t = (*times)[r];
      if (out.names.empty() || t - out.names.back().first.ns >= query_.bucket.count() ||
          t < out.names.back().first.ns)
        out.names.push_back({storage::bucket_start(query_, {t}), {}});
      out.of_row[r] = static_cast<std::uint32_t>(out.names.size() - 1);
    });
    count = out.names.size();
  }
  for (const std::string& field : query_.group_by) {
    TT_ASSIGN(const FieldCodes codes, field_codes(block, field, query_.any_spelling, rows));
    combine(out.of_row, count, codes.codes, codes.texts.size(), rows, pairs);
    std::vector<std::pair<UnixNanos, std::vector<std::string>>> names;
    names.reserve(pairs.size());
    for (const auto& [cell, code] : pairs) {
      names.push_back(out.names[cell]);
      names.back().second.push_back(codes.texts[code]);
    }
    out.names = std::move(names);
  }
  return out;
}

Result<> GroupTable::measure(Block& block, const Bitmap& rows, const Cells& cells,
                             std::vector<Cell*>& targets, std::size_t m) {
  const Measure& measure = query_.measures[m];
  if (measure.field.empty()) {
    std::vector<std::uint64_t> counts(targets.size());
    rows.for_each([&](std::size_t r) { ++counts[cells.of_row[r]]; });
    for (std::size_t c = 0; c < targets.size(); ++c)
      if (targets[c] != nullptr) targets[c]->states[m].add_rows(counts[c]);
    return {};
  }
  if (measure.op == MeasureOp::count || measure.op == MeasureOp::distinct) {
    TT_ASSIGN(const FieldCodes codes, field_codes(block, measure.field, query_.any_spelling, rows));
    if (measure.op == MeasureOp::count) {
      rows.for_each([&](std::size_t r) {
        if (codes.codes[r] != 0) targets[cells.of_row[r]]->states[m].add_rows(1);
      });
      return {};
    }
    std::vector<std::uint64_t> hashes;
    for (const std::string& text : codes.texts) hashes.push_back(hash64(text));
    rows.for_each([&](std::size_t r) {
      if (codes.codes[r] != 0) targets[cells.of_row[r]]->states[m].add_hash(hashes[codes.codes[r]]);
    });
    return {};
  }
  TT_ASSIGN(FieldNumbers numbers, field_numbers(block, measure.field, query_.any_spelling, rows));
  if (measure.op == MeasureOp::quantile) {
    std::vector<MeasureState*> states;
    for (Cell* t : targets) states.push_back(t != nullptr ? &t->states[m] : nullptr);
    numbers.present.for_each(
        [&](std::size_t r) { states[cells.of_row[r]]->add_to_quantile(numbers.values[r]); });
    return {};
  }
  const bool by_time = measure.op == MeasureOp::first || measure.op == MeasureOp::last;
  const std::vector<std::int64_t>* times = nullptr;
  const std::vector<std::int64_t>* ordinals = nullptr;
  if (by_time) {
    TT_ASSIGN(times, block.ints(Column::time));
    TT_ASSIGN(ordinals, block.ints(Column::ordinal));
  }
  numbers.present.for_each([&](std::size_t r) {
    targets[cells.of_row[r]]->states[m].add_number(measure.op, numbers.values[r], {by_time ? (*times)[r] : 0},
                                                   by_time ? static_cast<std::uint64_t>((*ordinals)[r]) : 0);
  });
  return {};
}

Result<bool> GroupTable::count_codes(Block& block, const BlockMeta& meta, const Bitmap& rows) {
  const bool only_counts = std::all_of(query_.measures.begin(), query_.measures.end(), [](const Measure& m) {
    return m.op == MeasureOp::count && m.field.empty();
  });
  const UnixNanos bucket = storage::bucket_start(query_, meta.min_time);
  if (!only_counts || query_.group_by.size() != 1 || bucket != storage::bucket_start(query_, meta.max_time))
    return false;
  TT_ASSIGN(const auto view, only_dictionary(block, query_.group_by[0], query_.any_spelling));
  if (!view) return false;
  TextColumn& column = *view->column;
  const auto& codes = column.codes();
  // Several counters a code: neighbouring rows often have the same one, and would wait for each other.
  constexpr std::size_t kLanes = 4;
  const std::size_t space = column.code_space();
  std::vector<std::uint32_t> counts(space * kLanes);
  Bitmap counted = rows;
  if (view->presence != nullptr) counted &= *view->presence;
  if (counted.all()) {
    for (std::size_t i = 0; i < codes.size(); ++i) ++counts[i % kLanes * space + codes[i]];
  } else {
    counted.for_each([&](std::size_t i) { ++counts[i % kLanes * space + codes[i]]; });
  }
  const auto add = [&](std::string text, std::uint64_t n) -> Result<> {
    if (n == 0) return {};
    TT_ASSIGN(Cell * to, cell(bucket, {std::move(text)}));
    for (MeasureState& s : to->states) s.add_rows(n);
    return {};
  };
  std::string scratch;
  for (std::size_t c = 0; c < space; ++c) {
    std::uint64_t n = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) n += counts[lane * space + c];
    if (n != 0) TT_TRY(add(std::string(column.entry(c, scratch)), n));
  }
  TT_TRY(add({}, rows.count() - counted.count()));
  return true;
}

Result<> GroupTable::add_block(Block& block, const BlockMeta& meta, const Bitmap& rows) {
  if (rows.none()) return {};
  TT_ASSIGN(const bool done, count_codes(block, meta, rows));
  if (done) return {};
  TT_ASSIGN(Cells cells, cells_of(block, meta, rows));
  std::vector<Cell*> targets;
  targets.reserve(cells.names.size());
  // A cell of the first bucket may have lost its rows to none: only those of rows are asked for.
  std::vector<std::uint8_t> used(cells.names.size(), 0);
  rows.for_each([&](std::size_t r) { used[cells.of_row[r]] = 1; });
  for (std::size_t c = 0; c < cells.names.size(); ++c) {
    if (used[c] == 0) {
      targets.push_back(nullptr);
      continue;
    }
    TT_ASSIGN(Cell * target, cell(cells.names[c].first, std::move(cells.names[c].second)));
    targets.push_back(target);
  }
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const Cell* t : targets) sum += t != nullptr ? states_bytes(*t) : 0;
    return sum;
  };
  const std::size_t before = bytes();
  for (std::size_t m = 0; m < query_.measures.size(); ++m) TT_TRY(measure(block, rows, cells, targets, m));
  const std::size_t after = bytes();
  return after > before ? charge(after - before) : Result<>();
}

Result<> GroupTable::merge(GroupTable& other) {
  for (const auto& from : other.cells_) {
    TT_ASSIGN(Cell * to, cell(from->bucket, other.groups_[from->group]));
    const std::size_t before = states_bytes(*to);
    for (std::size_t m = 0; m < to->states.size(); ++m)
      to->states[m].merge(query_.measures[m].op, from->states[m]);
    const std::size_t after = states_bytes(*to);
    if (after > before) TT_TRY(charge(after - before));
  }
  return {};
}

std::vector<EventAggregateRow> GroupTable::take() {
  std::vector<EventAggregateRow> out;
  out.reserve(cells_.size());
  for (const auto& cell : cells_) {
    EventAggregateRow row{cell->bucket, groups_[cell->group], {}};
    for (std::size_t m = 0; m < cell->states.size(); ++m)
      row.values.push_back(cell->states[m].result(query_.measures[m]));
    out.push_back(std::move(row));
  }
  std::sort(out.begin(), out.end(), [](const EventAggregateRow& a, const EventAggregateRow& b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.group < b.group;
  });
  return out;
}

bool answered_by_block_counts(const EventAggregateQuery& query) {
  if (query.any_spelling) return false;
  const auto counted = [](const std::string& f) { return f == "project" || f == "service" || f == "level"; };
  return std::all_of(query.group_by.begin(), query.group_by.end(), counted) &&
         std::all_of(query.measures.begin(), query.measures.end(),
                     [](const Measure& m) { return m.op == MeasureOp::count && m.field.empty(); });
}

Result<> add_block_counts(const EventAggregateQuery& query, const BlockFilter& filter, const BlockMeta& meta,
                          GroupTable& table) {
  for (const BlockCount& count : meta.counts) {
    if (!filter.count_matches(count)) continue;
    std::vector<std::string> group;
    for (const std::string& field : query.group_by) {
      if (field == "project") group.push_back(std::to_string(count.project.value));
      if (field == "service") group.push_back(count.service);
      if (field == "level")
        group.push_back(int_column_text(Column::level, static_cast<std::int64_t>(count.level)).value_or(""));
    }
    TT_TRY(table.add_count(meta.min_time, std::move(group), count.rows));
  }
  return {};
}

}  // namespace telltale::eventdb
