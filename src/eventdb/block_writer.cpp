#include "eventdb/block_writer.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "base/bytes.hpp"

namespace telltale::eventdb {

namespace {

struct ColumnName {
  Column column;
  std::string_view field;
};
constexpr ColumnName kIndexedColumns[] = {{Column::trace_id, "trace_id"},
                                          {Column::span_id, "span_id"},
                                          {Column::request_id, "request_id"},
                                          {Column::user_id, "user_id"}};

std::string with_presence(const Bitmap& presence, std::string column) {
  ByteWriter out;
  const bool full = presence.all();
  out.u8(full ? 0 : 1);
  if (!full) {
    const auto& words = presence.words();
    out.string(pack_bytes({reinterpret_cast<const char*>(words.data()), words.size() * 8}));
  }
  out.bytes(column);
  return out.take();
}

ColumnEntry attribute_entry(const AttrId& id, std::size_t present) {
  ColumnEntry entry;
  entry.id = kAttributeColumn;
  entry.name = id.name;
  entry.type = id.type;
  entry.kind = id.kind;
  entry.present = static_cast<std::uint32_t>(present);
  return entry;
}

}  // namespace

std::optional<std::size_t> indexed_spelling(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kIndexedFields); ++i)
    if (has_spelling(name, kIndexedFields[i])) return i;
  return std::nullopt;
}

Result<std::uint32_t> BlockWriter::add(ColumnEntry entry, std::string bytes) {
  if (bytes.size() <= kInlineColumnBytes) {
    entry.inlined = std::move(bytes);
  } else {
    TT_ASSIGN(entry.handle, sink_.put(std::move(bytes)));
  }
  directory_.columns.push_back(std::move(entry));
  return static_cast<std::uint32_t>(directory_.columns.size() - 1);
}

Result<> BlockWriter::put_ints(Column column, std::span<const std::int64_t> values) {
  return put_raw_ints(static_cast<std::uint8_t>(column), values, rows_);
}

Result<> BlockWriter::put_raw_ints(std::uint8_t id, std::span<const std::int64_t> values,
                                   std::size_t present) {
  ColumnEntry entry;
  entry.id = id;
  entry.present = static_cast<std::uint32_t>(present);
  TT_TRY(add(std::move(entry), encode_int_column(values)));
  return {};
}

void BlockWriter::index_entry(std::size_t field, FormSpec form, std::string_view value) {
  if (value.empty()) return;
  if (form.form == TextForm::text) {
    keys_.push_back(index_key(field, value));
    return;
  }
  std::string text;
  to_text(form, value.data(), text);
  keys_.push_back(index_key(field, text));
}

void BlockWriter::index_text(std::string_view field, const TextValues& values) {
  const auto number = indexed_spelling(field);
  if (!number) return;
  if (!values.entries.empty()) {
    for (std::size_t i = values.first_is_absent ? 1 : 0; i < values.entries.size(); ++i)
      index_entry(*number, values.form, values.entries[i]);
    return;
  }
  for (std::size_t i = 0; i < values.values.size(); ++i)
    if (!values.presence || values.presence->test(i)) index_entry(*number, values.form, values.values[i]);
}

Result<> BlockWriter::put_text(Column column, TextValues& values) {
  ColumnEntry entry;
  entry.id = static_cast<std::uint8_t>(column);
  std::size_t present = 0;
  if (!values.entries.empty()) {
    if (values.first_is_absent) {
      for (const std::uint16_t c : values.codes) present += c != 0 ? 1 : 0;
    } else {
      present = rows_;
    }
  } else {
    present = values.presence ? values.presence->count() : rows_;
  }
  if (present == 0) return {};
  entry.present = static_cast<std::uint32_t>(present);
  weigh(values);
  sign(values, column == Column::payload ? Shown::as_it_is : Shown::in_lines);
  for (const ColumnName& indexed : kIndexedColumns)
    if (indexed.column == column) index_text(indexed.field, values);
  const auto number = static_cast<std::uint32_t>(directory_.columns.size());
  TT_ASSIGN(std::string bytes, encode_text_column(values, number, shared_, effort_, sink_));
  TT_TRY(add(std::move(entry), std::move(bytes)));
  return {};
}

Result<> BlockWriter::put_message(TextValues& values, TextValues& skeletons, std::size_t present) {
  if (present == 0) return {};
  ColumnEntry entry;
  entry.id = static_cast<std::uint8_t>(Column::message);
  entry.present = static_cast<std::uint32_t>(present);
  weigh(values);
  sign(values, Shown::as_it_is);
  sign(skeletons, Shown::as_it_is);
  TT_ASSIGN(std::string bytes,
            encode_text_column(values, static_cast<std::uint32_t>(directory_.columns.size()), shared_,
                               effort_, sink_));
  TT_TRY(add(std::move(entry), std::move(bytes)));
  if (skeletons.entries.size() < 2) return {};
  ColumnEntry skeleton_entry;
  skeleton_entry.id = kSkeletonColumn;
  skeleton_entry.present = static_cast<std::uint32_t>(present);
  TT_ASSIGN(std::string skeleton_bytes,
            encode_text_column(skeletons, static_cast<std::uint32_t>(directory_.columns.size()), shared_,
                               effort_, sink_));
  TT_TRY(add(std::move(skeleton_entry), std::move(skeleton_bytes)));
  return {};
}

Result<std::uint32_t> BlockWriter::put_text(const AttrId& id, TextValues& values, std::size_t present) {
  index_text(id.name, values);
  weigh(values);
  sign(values, Shown::in_lines);
  const auto number = static_cast<std::uint32_t>(directory_.columns.size());
  TT_ASSIGN(std::string bytes, encode_text_column(values, number, shared_, effort_, sink_));
  return add(attribute_entry(id, present), std::move(bytes));
}

Result<std::uint32_t> BlockWriter::put_numbers(const AttrId& id, std::span<const std::int64_t> values,
                                               const Bitmap& presence) {
  if (const auto field = indexed_spelling(id.name)) {
    presence.for_each([&](std::size_t row) {
      const AttrValue value =
          id.type == AttrType::boolean ? AttrValue(values[row] != 0) : AttrValue(values[row]);
      keys_.push_back(index_key(*field, to_string(value)));
    });
  }
  if (id.type == AttrType::boolean) sign_booleans();
  return add(attribute_entry(id, presence.count()), with_presence(presence, encode_int_column(values)));
}

Result<std::uint32_t> BlockWriter::put_reals(const AttrId& id, std::span<const double> values,
                                             const Bitmap& presence) {
  if (const auto field = indexed_spelling(id.name))
    presence.for_each(
        [&](std::size_t row) { keys_.push_back(index_key(*field, to_string(AttrValue(values[row])))); });
  return add(attribute_entry(id, presence.count()), with_presence(presence, encode_real_column(values)));
}

Result<std::uint32_t> BlockWriter::put_alias(const AttrId& id, Column of, const Bitmap& presence) {
  // The fixed column's ids are in the index already, those of its own field; an alias may be of another one.
  return add(attribute_entry(id, presence.count()),
             encode_alias_column(static_cast<std::uint8_t>(of), presence.all() ? nullptr : &presence));
}

Result<std::uint32_t> BlockWriter::put_time(const AttrId& id, std::uint8_t style, const Bitmap& presence) {
  return add(attribute_entry(id, presence.count()),
             encode_time_column(style, presence.all() ? nullptr : &presence));
}

Result<std::uint32_t> BlockWriter::put_residual(TextValues& values, std::size_t present) {
  ColumnEntry entry;
  entry.id = kResidualColumn;
  weigh(values);
  sign_booleans();
  sign(values, Shown::in_lines);
  entry.present = static_cast<std::uint32_t>(present);
  const auto number = static_cast<std::uint32_t>(directory_.columns.size());
  TT_ASSIGN(std::string bytes, encode_text_column(values, number, shared_, effort_, sink_));
  return add(std::move(entry), std::move(bytes));
}

Result<> BlockWriter::put_shapes(std::vector<std::vector<std::uint32_t>> shapes,
                                 std::span<const std::int64_t> row_shapes) {
  directory_.shapes = std::move(shapes);
  if (directory_.shapes.size() > 1) return put_raw_ints(kShapeColumn, row_shapes, rows_);
  return {};
}

void BlockWriter::count(ProjectId project, std::string_view service, Level level, std::uint64_t rows) {
  if (counts_.size() <= kMaxBlockCounts) counts_[{project.value, std::string(service), level}] += rows;
}

void BlockWriter::count_rows(std::span<const std::int64_t> projects, const TextValues& services,
                             std::span<const std::int64_t> levels) {
  const bool coded = !services.entries.empty();
  std::unordered_map<std::uint64_t, std::uint64_t> counts;
  std::uint64_t* counter = nullptr;
  std::uint64_t last = UINT64_MAX;
  for (std::size_t i = 0; i < rows_; ++i) {
    const ProjectId project{static_cast<std::uint32_t>(projects[i])};
    const auto level = static_cast<Level>(levels[i]);
    if (!coded && !services.values.empty()) {
      // Nearly as many services as rows: soon too many combinations to keep.
      count(project, services.values[i], level, 1);
      continue;
    }
    const std::uint64_t service = coded ? services.codes[i] : 0;
    const std::uint64_t key =
        std::uint64_t{project.value} << 32 | service << 8 | static_cast<std::uint64_t>(level);
    if (key != last) counter = &counts[key];
    last = key;
    ++*counter;
  }
  for (const auto& [key, rows] : counts)
    count(ProjectId{static_cast<std::uint32_t>(key >> 32)},
          coded ? services.entries[key >> 8 & 0xFFFF] : std::string_view(), static_cast<Level>(key & 0xFF),
          rows);
}

void BlockWriter::weigh(const TextValues& values) {
  for (const std::string_view v : values.values) text_bytes_ += v.size();
  for (const std::string_view v : values.entries) text_bytes_ += v.size();
}

void BlockWriter::sign_booleans() {
  if (!grams_) return;
  grams_->add(to_string(AttrValue(true)));
  grams_->add(to_string(AttrValue(false)));
}

/// Ids and addresses in binary form have no telling grams.
void BlockWriter::sign(const TextValues& values, Shown shown) {
  if (!grams_ || values.form.form != TextForm::text) return;
  const auto add = [&](std::string_view text) {
    if (shown == Shown::as_it_is) {
      grams_->add(text);
    } else {
      grams_->add_value(text);
    }
  };
  for (const std::string_view text : values.entries) add(text);
  for (const std::string_view text : values.values) add(text);
}

Result<WrittenBlock> BlockWriter::finish(UnixNanos min_time, UnixNanos max_time) {
  WrittenBlock out;
  out.meta.rows = static_cast<std::uint32_t>(rows_);
  out.meta.min_time = min_time;
  out.meta.max_time = max_time;
  out.meta.text_bytes = text_bytes_;
  TT_ASSIGN(out.meta.directory, sink_.put(directory_.encode()));
  out.meta.counted = counts_.size() <= kMaxBlockCounts;
  if (out.meta.counted) {
    for (const auto& [key, rows] : counts_)
      out.meta.counts.push_back({ProjectId{std::get<0>(key)}, std::get<1>(key), std::get<2>(key), rows});
  }
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  out.index_keys = std::move(keys_);
  if (!grams_) return out;
  for (const auto& [key, rows] : counts_) grams_->add(to_string(std::get<2>(key)));
  if (!out.meta.counted)  // too many combinations: some level may not be among them
    for (int level = 0; level <= static_cast<int>(Level::fatal); ++level)
      grams_->add(to_string(static_cast<Level>(level)));
  out.signature = grams_->take();
  return out;
}

}  // namespace telltale::eventdb
