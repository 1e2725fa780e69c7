#include "eventdb/legacy_part.hpp"

#include <bit>
#include <cstring>

#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kLegacyPlain = 0;
constexpr std::uint8_t kLegacyDictionary = 1;
constexpr std::size_t kLegacyAttributes = 16;  // the column that is the directory of attributes

tl::unexpected<Error> bad_legacy(const char* what) {
  return fail(ErrorKind::corruption, std::string("column: ") + what);
}

Result<std::vector<std::int64_t>> legacy_ints(std::string_view packed, std::size_t rows) {
  TT_ASSIGN(const std::string raw, unpack_bytes(packed));
  if (raw.size() < rows) return bad_legacy("too few integers");
  std::vector<std::int64_t> out(rows);
  ByteReader in(raw);
  std::uint64_t last = 0;
  for (std::int64_t& v : out) {
    last += static_cast<std::uint64_t>(in.zigzag());
    v = static_cast<std::int64_t>(last);
  }
  if (!in.ok() || !in.empty()) return bad_legacy("wrong number of integers");
  return out;
}

Result<std::vector<std::string>> legacy_texts(std::string_view packed, std::size_t rows) {
  TT_ASSIGN(const std::string raw, unpack_bytes(packed));
  ByteReader in(raw);
  const std::uint8_t kind = in.u8();
  const std::uint64_t count = in.varint();
  if (!in.ok() || kind > kLegacyDictionary || count > in.remaining()) return bad_legacy("bad strings");
  if (kind == kLegacyPlain ? count != rows : (count == 0 && rows != 0))
    return bad_legacy("wrong number of strings");
  std::vector<std::uint64_t> sizes(count);
  for (std::uint64_t& size : sizes) size = in.varint();
  std::vector<std::string> values;
  values.reserve(count);
  for (const std::uint64_t size : sizes) values.emplace_back(in.bytes(size));
  if (kind == kLegacyPlain) {
    if (!in.ok() || !in.empty()) return bad_legacy("strings do not fit");
    return values;
  }
  std::vector<std::string> out;
  out.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint64_t code = count > 1 ? in.varint() : 0;
    if (code >= count) return bad_legacy("code out of range");
    out.push_back(values[code]);
  }
  if (!in.ok() || !in.empty()) return bad_legacy("strings do not fit");
  return out;
}

struct LegacyAttrColumn {
  std::string name;
  AttrType type = AttrType::text;
  AttrKind kind = AttrKind::metadata;
  std::size_t values = 0;
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  std::size_t used = 0;

  AttrValue next() {
    const std::size_t i = used++;
    switch (type) {
      case AttrType::integer:
        return numbers[i];
      case AttrType::real:
        return std::bit_cast<double>(numbers[i]);
      case AttrType::boolean:
        return numbers[i] != 0;
      default:
        return texts[i];
    }
  }
};

class LegacyBlockReader {
 public:
  LegacyBlockReader(std::size_t rows, const LegacyColumns& columns, const ReadBytes& read)
      : rows_(rows), columns_(columns), read_(read) {}

  Result<LegacyRows> rows() {
    out_.rows.resize(rows_);
    TT_ASSIGN(const auto times, ints(Column::time));
    TT_ASSIGN(const auto ordinals, ints(Column::ordinal));
    TT_ASSIGN(const auto received, ints(Column::received));
    TT_ASSIGN(const auto projects, ints(Column::project));
    TT_ASSIGN(const auto levels, ints(Column::level));
    out_.ordinals.assign(ordinals.begin(), ordinals.end());
    for (std::size_t i = 0; i < rows_; ++i) {
      EventRow& row = out_.rows[i];
      row.time.ns = times[i];
      row.received.ns = received[i];
      row.project.value = static_cast<std::uint32_t>(projects[i]);
      row.ids.level = levels[i] >= 0 && levels[i] <= static_cast<std::int64_t>(Level::fatal)
                          ? static_cast<Level>(levels[i])
                          : Level::unknown;
    }
    const auto put = [this](Column column, auto member) -> Result<> {
      TT_ASSIGN(auto texts, texts_of(column));
      for (std::size_t i = 0; i < texts.size(); ++i) member(out_.rows[i]) = std::move(texts[i]);
      return {};
    };
    TT_TRY(put(Column::service, [](EventRow& r) -> std::string& { return r.ids.service; }));
    TT_TRY(put(Column::environment, [](EventRow& r) -> std::string& { return r.ids.environment; }));
    TT_TRY(put(Column::release, [](EventRow& r) -> std::string& { return r.ids.release; }));
    TT_TRY(put(Column::host, [](EventRow& r) -> std::string& { return r.ids.host; }));
    TT_TRY(put(Column::transaction, [](EventRow& r) -> std::string& { return r.ids.transaction; }));
    TT_TRY(put(Column::request_id, [](EventRow& r) -> std::string& { return r.ids.request_id; }));
    TT_TRY(put(Column::user_id, [](EventRow& r) -> std::string& { return r.ids.user_id; }));
    TT_TRY(put(Column::message, [](EventRow& r) -> std::string& { return r.message; }));
    TT_TRY(put(Column::payload, [](EventRow& r) -> std::string& { return r.payload; }));
    TT_ASSIGN(const auto traces, texts_of(Column::trace_id));
    for (std::size_t i = 0; i < traces.size(); ++i) copy_id(traces[i], out_.rows[i].ids.trace_id);
    TT_ASSIGN(const auto spans, texts_of(Column::span_id));
    for (std::size_t i = 0; i < spans.size(); ++i) copy_id(spans[i], out_.rows[i].ids.span_id);
    TT_TRY(attributes());
    return std::move(out_);
  }

 private:
  template <class Id>
  static void copy_id(const std::string& raw, Id& id) {
    if (raw.size() == sizeof id) std::memcpy(static_cast<void*>(&id), raw.data(), sizeof id);
  }
  Result<std::vector<std::int64_t>> ints(Column column) {
    TT_ASSIGN(const std::string bytes, read_(columns_[static_cast<std::size_t>(column)]));
    return legacy_ints(bytes, rows_);
  }
  /// Empty when no row has a value.
  Result<std::vector<std::string>> texts_of(Column column) {
    const io::BlockHandle handle = columns_[static_cast<std::size_t>(column)];
    if (handle.size == 0) return std::vector<std::string>();
    TT_ASSIGN(const std::string bytes, read_(handle));
    return legacy_texts(bytes, rows_);
  }

  Result<> attr_column(ByteReader& in, LegacyAttrColumn& column) {
    column.name = std::string(in.string());
    const std::uint8_t tag = in.u8();
    if ((tag & 0x0F) > static_cast<std::uint8_t>(AttrType::boolean) ||
        tag >> 4 >= static_cast<int>(kAttrKinds))
      return bad_legacy("bad attribute type");
    column.type = static_cast<AttrType>(tag & 0x0F);
    column.kind = static_cast<AttrKind>(tag >> 4);
    column.values = in.varint();
    std::string bytes;
    if (in.u8() != 0) {
      bytes = std::string(in.string());
    } else {
      io::BlockHandle handle;
      handle.offset = in.varint();
      handle.size = static_cast<std::uint32_t>(in.varint());
      if (!in.ok()) return bad_legacy("bad attribute directory");
      TT_ASSIGN(bytes, read_(handle));
    }
    if (!in.ok() || column.values > rows_ * limits::kMaxAttributes)
      return bad_legacy("bad attribute directory");
    if (column.type == AttrType::text) {
      TT_ASSIGN(column.texts, legacy_texts(bytes, column.values));
    } else {
      TT_ASSIGN(column.numbers, legacy_ints(bytes, column.values));
    }
    return {};
  }

  Result<> attributes() {
    const io::BlockHandle handle = columns_[kLegacyAttributes];
    if (handle.size == 0) return {};
    TT_ASSIGN(const std::string packed, read_(handle));
    TT_ASSIGN(const std::string raw, unpack_bytes(packed));
    ByteReader in(raw);
    const std::uint64_t count = in.varint();
    if (!in.ok() || count > in.remaining()) return bad_legacy("bad attribute directory");
    std::vector<LegacyAttrColumn> columns(count);
    for (LegacyAttrColumn& column : columns) TT_TRY(attr_column(in, column));
    const std::uint64_t shapes = in.varint();
    if (!in.ok() || shapes > in.remaining()) return bad_legacy("bad attribute directory");
    std::vector<std::vector<std::uint64_t>> shape_list(shapes);
    for (auto& shape : shape_list) {
      const std::uint64_t size = in.varint();
      if (!in.ok() || size > in.remaining()) return bad_legacy("bad attribute directory");
      for (std::uint64_t i = 0; i < size; ++i) {
        shape.push_back(in.varint());
        if (shape.back() >= count) return bad_legacy("bad attribute directory");
      }
    }
    TT_ASSIGN(const auto row_shapes, legacy_ints(in.string(), rows_));
    if (!in.ok() || !in.empty()) return bad_legacy("bad attribute directory");
    for (std::size_t i = 0; i < rows_; ++i) {
      if (row_shapes[i] < 0 || static_cast<std::uint64_t>(row_shapes[i]) >= shapes)
        return bad_legacy("bad attribute directory");
      for (const std::uint64_t c : shape_list[static_cast<std::size_t>(row_shapes[i])]) {
        LegacyAttrColumn& column = columns[c];
        if (column.used == column.values) return bad_legacy("too few attribute values");
        out_.rows[i].attributes.push_back({column.name, column.next(), column.kind});
      }
    }
    return {};
  }

  const std::size_t rows_;
  const LegacyColumns& columns_;
  const ReadBytes& read_;
  LegacyRows out_;
};

}  // namespace

Result<PartFooter> decode_legacy_footer(std::string_view bytes, std::vector<LegacyColumns>& blocks) {
  TT_ASSIGN(const std::string raw, unpack_bytes(bytes));
  ByteReader in(raw);
  PartFooter footer;
  footer.table = static_cast<Table>(in.u8());
  footer.day = in.zigzag();
  footer.rows = in.varint();
  const std::uint64_t count = in.varint();
  std::uint64_t rows = 0;
  bool good = in.ok() && count <= in.remaining();
  if (good) footer.blocks.resize(count);
  if (good) blocks.resize(count);
  for (std::size_t b = 0; b < footer.blocks.size() && good; ++b) {
    BlockMeta& block = footer.blocks[b];
    block.rows = static_cast<std::uint32_t>(in.varint());
    block.min_time.ns = in.zigzag();
    block.max_time.ns = in.zigzag();
    for (io::BlockHandle& handle : blocks[b]) handle = get_handle(in);
    for (std::size_t i = 0; i < storage::kFixedFieldCount; ++i) in.varint();
    good = get_counts(in, block) && block.rows > 0 && block.rows <= limits::kEventBlockRows &&
           block.min_time <= block.max_time;
    rows += block.rows;
  }
  const std::uint64_t pages = good ? in.varint() : 0;
  good = good && in.ok() && pages <= in.remaining();
  if (good) footer.index.resize(pages);
  for (IndexPage& page : footer.index) {
    page.first = in.u64();
    page.handle = get_handle(in);
  }
  if (!good || !in.ok() || !in.empty() || rows != footer.rows)
    return fail(ErrorKind::corruption, "part: bad footer");
  return footer;
}

Result<LegacyRows> read_legacy_block(std::size_t rows, const LegacyColumns& columns, const ReadBytes& read) {
  return LegacyBlockReader(rows, columns, read).rows();
}

}  // namespace telltale::eventdb
