#include "eventdb/part_writer.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "eventdb/column.hpp"

namespace telltale::eventdb {

namespace {

/// One attribute name and type in a block, with the values of the rows that have it.
struct AttrColumnDraft {
  std::vector<const AttrValue*> values;
};

std::string encode_attr_column(AttrType type, const AttrColumnDraft& draft) {
  if (type == AttrType::text) {
    std::vector<std::string_view> texts;
    texts.reserve(draft.values.size());
    for (const AttrValue* v : draft.values) texts.push_back(std::get<std::string>(*v));
    return StringColumn::encode(texts);
  }
  std::vector<std::int64_t> numbers;
  numbers.reserve(draft.values.size());
  for (const AttrValue* v : draft.values) {
    if (type == AttrType::integer) numbers.push_back(std::get<std::int64_t>(*v));
    if (type == AttrType::real) numbers.push_back(std::bit_cast<std::int64_t>(std::get<double>(*v)));
    if (type == AttrType::boolean) numbers.push_back(std::get<bool>(*v) ? 1 : 0);
  }
  return encode_ints(numbers);
}

std::size_t text_bytes(const EventRow& row) {
  std::size_t bytes = 128 + row.message.size() + row.payload.size();
  for (const Attr& a : row.attributes) {
    bytes += a.name.size() + 8;
    if (const auto* s = std::get_if<std::string>(&a.value)) bytes += s->size();
  }
  return bytes;
}

std::string_view raw_id(const Id128& id) {
  return id.present() ? std::string_view(reinterpret_cast<const char*>(&id), sizeof id) : std::string_view();
}
std::string_view raw_id(const Id64& id) {
  return id.present() ? std::string_view(reinterpret_cast<const char*>(&id), sizeof id) : std::string_view();
}

}  // namespace

Result<std::unique_ptr<PartWriter>> PartWriter::create(io::FileSystem& fs, std::string path, Table table,
                                                       std::int64_t day) {
  TT_ASSIGN(auto file, io::BlockFileWriter::create(fs, std::move(path), kPartFormat));
  std::unique_ptr<PartWriter> writer(new PartWriter(std::move(file)));
  writer->footer_.table = table;
  writer->footer_.day = day;
  return writer;
}

Result<> PartWriter::add(const EventRow& row, std::uint64_t ordinal) {
  rows_.push_back(&row);
  ordinals_.push_back(ordinal);
  block_bytes_ += text_bytes(row);
  if (rows_.size() >= limits::kEventBlockRows || block_bytes_ >= limits::kEventBlockBytes) return cut();
  return {};
}

Result<> PartWriter::add_owned(EventRow row, std::uint64_t ordinal) {
  owned_.push_back(std::make_unique<EventRow>(std::move(row)));
  return add(*owned_.back(), ordinal);
}

template <class Text>
Result<> PartWriter::write_strings(BlockMeta& meta, Column column, Text text) {
  std::vector<std::string_view> values;
  values.reserve(rows_.size());
  bool any = false;
  for (const EventRow* row : rows_) {
    values.push_back(text(*row));
    any = any || !values.back().empty();
  }
  if (!any) return {};
  TT_ASSIGN(meta.columns[static_cast<std::size_t>(column)], file_->append(StringColumn::encode(values)));
  return {};
}

template <class Number>
Result<> PartWriter::write_ints(BlockMeta& meta, Column column, Number number) {
  std::vector<std::int64_t> values;
  values.reserve(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) values.push_back(number(i));
  TT_ASSIGN(meta.columns[static_cast<std::size_t>(column)], file_->append(encode_ints(values)));
  return {};
}

Result<> PartWriter::write_fixed(BlockMeta& meta) {
  TT_TRY(write_ints(meta, Column::time, [this](std::size_t i) { return rows_[i]->time.ns; }));
  TT_TRY(write_ints(meta, Column::ordinal,
                    [this](std::size_t i) { return static_cast<std::int64_t>(ordinals_[i]); }));
  TT_TRY(write_ints(meta, Column::received, [this](std::size_t i) { return rows_[i]->received.ns; }));
  TT_TRY(write_ints(meta, Column::project,
                    [this](std::size_t i) { return static_cast<std::int64_t>(rows_[i]->project.value); }));
  TT_TRY(write_ints(meta, Column::level,
                    [this](std::size_t i) { return static_cast<std::int64_t>(rows_[i]->ids.level); }));
  using Row = const EventRow&;
  using View = std::string_view;
  TT_TRY(write_strings(meta, Column::service, [](Row r) { return View(r.ids.service); }));
  TT_TRY(write_strings(meta, Column::environment, [](Row r) { return View(r.ids.environment); }));
  TT_TRY(write_strings(meta, Column::release, [](Row r) { return View(r.ids.release); }));
  TT_TRY(write_strings(meta, Column::host, [](Row r) { return View(r.ids.host); }));
  TT_TRY(write_strings(meta, Column::transaction, [](Row r) { return View(r.ids.transaction); }));
  TT_TRY(write_strings(meta, Column::trace_id, [](Row r) { return raw_id(r.ids.trace_id); }));
  TT_TRY(write_strings(meta, Column::span_id, [](Row r) { return raw_id(r.ids.span_id); }));
  TT_TRY(write_strings(meta, Column::request_id, [](Row r) { return View(r.ids.request_id); }));
  TT_TRY(write_strings(meta, Column::user_id, [](Row r) { return View(r.ids.user_id); }));
  TT_TRY(write_strings(meta, Column::message, [](Row r) { return View(r.message); }));
  return write_strings(meta, Column::payload, [](Row r) { return View(r.payload); });
}

Result<> PartWriter::write_attributes(BlockMeta& meta) {
  // By name and by type in the lower, kind in the upper four bits.
  std::map<std::pair<std::string_view, std::size_t>, std::uint32_t> numbers;
  std::vector<std::pair<std::string_view, std::size_t>> columns;
  std::vector<AttrColumnDraft> drafts;
  std::map<std::vector<std::uint32_t>, std::uint32_t> shapes;
  std::vector<const std::vector<std::uint32_t>*> shape_list;
  std::vector<std::int64_t> row_shapes;
  std::vector<std::uint32_t> shape;
  for (const EventRow* row : rows_) {
    shape.clear();
    for (const Attr& a : row->attributes) {
      const auto key =
          std::make_pair(std::string_view(a.name), a.value.index() | static_cast<std::size_t>(a.kind) << 4);
      const auto [at, is_new] = numbers.try_emplace(key, static_cast<std::uint32_t>(columns.size()));
      if (is_new) {
        columns.push_back(key);
        drafts.emplace_back();
      }
      shape.push_back(at->second);
      drafts[at->second].values.push_back(&a.value);
    }
    const auto [at, is_new] = shapes.try_emplace(shape, static_cast<std::uint32_t>(shape_list.size()));
    if (is_new) shape_list.push_back(&at->first);
    row_shapes.push_back(at->second);
  }
  if (columns.empty()) return {};
  ByteWriter out;
  out.varint(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto type = static_cast<AttrType>(columns[c].second & 0x0F);
    out.string(columns[c].first);
    out.u8(static_cast<std::uint8_t>(columns[c].second));
    out.varint(drafts[c].values.size());
    const std::string bytes = encode_attr_column(type, drafts[c]);
    out.u8(bytes.size() <= kInlineColumnBytes ? 1 : 0);
    if (bytes.size() <= kInlineColumnBytes) {
      out.string(bytes);
      continue;
    }
    TT_ASSIGN(const io::BlockHandle handle, file_->append(bytes));
    out.varint(handle.offset);
    out.varint(handle.size);
  }
  out.varint(shape_list.size());
  for (const auto* s : shape_list) {
    out.varint(s->size());
    for (const std::uint32_t c : *s) out.varint(c);
  }
  out.string(encode_ints(row_shapes));
  TT_ASSIGN(meta.columns[static_cast<std::size_t>(Column::attributes)],
            file_->append(pack_bytes(out.view())));
  return {};
}

void PartWriter::count_rows(BlockMeta& meta) const {
  std::map<std::tuple<std::uint32_t, std::string_view, Level>, std::uint64_t> counts;
  for (const EventRow* row : rows_) {
    for (std::size_t i = 0; i < storage::kFixedFieldCount; ++i)
      meta.present[i] += storage::has_fixed_field(*row, i) ? 1 : 0;
    if (counts.size() <= kMaxBlockCounts) ++counts[{row->project.value, row->ids.service, row->ids.level}];
  }
  meta.counted = counts.size() <= kMaxBlockCounts;
  if (!meta.counted) return;
  for (const auto& [key, rows] : counts)
    meta.counts.push_back(
        {ProjectId{std::get<0>(key)}, std::string(std::get<1>(key)), std::get<2>(key), rows});
}

void PartWriter::index_rows() {
  const std::uint64_t block = footer_.blocks.size();
  const std::size_t start = index_.size();
  const auto put = [&](std::size_t field, std::string_view text) {
    if (!text.empty()) index_.push_back(index_key(field, text) | block);
  };
  for (const EventRow* row : rows_) {
    if (row->ids.trace_id.present()) put(0, row->ids.trace_id.hex());
    if (row->ids.span_id.present()) put(1, row->ids.span_id.hex());
    put(2, row->ids.request_id);
    put(3, row->ids.user_id);
    if (const AttrValue* event_id = row->find(attr::kEventId)) put(4, to_string(*event_id));
  }
  std::sort(index_.begin() + static_cast<std::ptrdiff_t>(start), index_.end());
  index_.erase(std::unique(index_.begin() + static_cast<std::ptrdiff_t>(start), index_.end()), index_.end());
}

Result<> PartWriter::cut() {
  if (rows_.empty()) return {};
  if (footer_.blocks.size() > kIndexBlockMask)
    return fail(ErrorKind::too_large, "part: more blocks than its index can name");
  BlockMeta meta;
  meta.rows = static_cast<std::uint32_t>(rows_.size());
  meta.min_time = rows_.front()->time;
  meta.max_time = rows_.back()->time;
  TT_TRY(write_fixed(meta));
  TT_TRY(write_attributes(meta));
  count_rows(meta);
  index_rows();
  footer_.rows += rows_.size();
  footer_.blocks.push_back(std::move(meta));
  rows_.clear();
  ordinals_.clear();
  owned_.clear();
  block_bytes_ = 0;
  return {};
}

Result<> PartWriter::write_index() {
  std::sort(index_.begin(), index_.end());
  for (std::size_t i = 0; i < index_.size(); i += kIndexPageEntries) {
    const std::size_t end = std::min(index_.size(), i + kIndexPageEntries);
    ByteWriter page;
    page.varint(end - i);
    std::uint64_t last_key = 0;
    for (std::size_t k = i; k < end; ++k) {
      const std::uint64_t key = index_[k] >> kIndexBlockBits;
      page.varint(key - last_key);
      page.varint(index_[k] & kIndexBlockMask);
      last_key = key;
    }
    IndexPage entry;
    entry.first = index_[i];
    TT_ASSIGN(entry.handle, file_->append(page.view()));
    footer_.index.push_back(entry);
  }
  return {};
}

Result<> PartWriter::finish() {
  TT_TRY(cut());
  TT_TRY(write_index());
  return file_->publish(footer_.encode());
}

}  // namespace telltale::eventdb
