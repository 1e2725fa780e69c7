#include "eventdb/block_columns.hpp"

#include <bit>
#include <cstring>

#include "base/bytes.hpp"

namespace telltale::eventdb {

namespace {

template <class Id>
Id id_from_raw(std::string_view raw) {
  Id id;
  if (raw.size() == sizeof id) std::memcpy(static_cast<void*>(&id), raw.data(), sizeof id);
  return id;
}

// In the order of storage::kFixedFields.
constexpr Column kFieldColumns[] = {Column::message,    Column::level,   Column::environment, Column::release,
                                    Column::service,    Column::host,    Column::trace_id,    Column::span_id,
                                    Column::request_id, Column::user_id, Column::transaction};
static_assert(std::size(kFieldColumns) == storage::kFixedFieldCount);
constexpr std::size_t kLevelField = 1;

}  // namespace

BlockColumns::BlockColumns(std::shared_ptr<const Part> part, std::size_t block, WorkContext& context)
    : part_(std::move(part)), block_(block), context_(context) {}

BlockColumns::~BlockColumns() { context_.release(charged_); }

Result<> BlockColumns::account(std::size_t bytes) {
  TT_TRY(context_.charge(bytes));
  charged_ += bytes;
  return {};
}

Result<std::string> BlockColumns::read(io::BlockHandle handle) { return part_->read(handle); }

Result<const std::vector<std::int64_t>*> BlockColumns::ints(Column column) {
  const auto c = static_cast<std::size_t>(column);
  if (ints_[c]) return ints_[c].get();
  TT_ASSIGN(const std::string bytes, read(meta().columns[c]));
  auto values = decode_ints(bytes, rows());
  if (!values) return tl::unexpected<Error>(damage(std::move(values).error()));
  TT_TRY(account(values->size() * sizeof(std::int64_t)));
  ints_[c] = std::make_unique<std::vector<std::int64_t>>(*std::move(values));
  return ints_[c].get();
}

Result<const StringColumn*> BlockColumns::strings(Column column) {
  const auto c = static_cast<std::size_t>(column);
  if (strings_[c]) return strings_[c].get();
  if (meta().columns[c].size == 0) {
    strings_[c] = std::make_unique<StringColumn>(StringColumn::absent(rows()));
    return strings_[c].get();
  }
  TT_ASSIGN(const std::string bytes, read(meta().columns[c]));
  auto values = StringColumn::decode(bytes, rows());
  if (!values) return tl::unexpected<Error>(damage(std::move(values).error()));
  TT_TRY(account(values->memory_bytes()));
  strings_[c] = std::make_unique<StringColumn>(*std::move(values));
  return strings_[c].get();
}

Result<BlockColumns::Attributes*> BlockColumns::attributes() {
  if (attributes_) return attributes_.get();
  auto made = std::make_unique<Attributes>();
  const io::BlockHandle handle = meta().columns[static_cast<std::size_t>(Column::attributes)];
  if (handle.size == 0) {
    made->first_cell.assign(rows() + 1, 0);
  } else {
    TT_ASSIGN(const std::string bytes, read(handle));
    auto raw = unpack_bytes(bytes);
    if (!raw) return tl::unexpected<Error>(damage(std::move(raw).error()));
    auto good = decode_attributes(*made, *raw);
    if (!good) return tl::unexpected<Error>(damage(std::move(good).error()));
    TT_TRY(
        account(raw->size() + made->cells.size() * sizeof(Cell) + made->columns.size() * sizeof(AttrColumn)));
  }
  attributes_ = std::move(made);
  return attributes_.get();
}

Result<> BlockColumns::decode_attributes(Attributes& out, std::string_view raw) {
  const auto bad = [] { return fail(ErrorKind::corruption, "bad attribute directory"); };
  ByteReader in(raw);
  const std::uint64_t columns = in.varint();
  if (!in.ok() || columns > in.remaining()) return bad();
  out.columns.resize(columns);
  for (AttrColumn& column : out.columns) {
    column.name = std::string(in.string());
    const std::uint8_t tag = in.u8();
    const std::uint8_t type = tag & 0x0F;
    if (type > static_cast<std::uint8_t>(AttrType::boolean) || tag >> 4 >= static_cast<int>(kAttrKinds))
      return bad();
    column.type = static_cast<AttrType>(type);
    column.kind = static_cast<AttrKind>(tag >> 4);
    column.values = in.varint();
    if (in.u8() != 0) {
      column.inlined = std::string(in.string());
    } else {
      column.handle.offset = in.varint();
      column.handle.size = static_cast<std::uint32_t>(in.varint());
    }
    if (!in.ok()) return bad();
  }
  const std::uint64_t shapes = in.varint();
  if (!in.ok() || shapes > in.remaining()) return bad();
  std::vector<std::vector<std::uint32_t>> shape_list(shapes);
  for (auto& shape : shape_list) {
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > in.remaining()) return bad();
    shape.resize(size);
    for (std::uint32_t& c : shape) {
      const std::uint64_t number = in.varint();
      if (number >= columns) return bad();
      c = static_cast<std::uint32_t>(number);
    }
  }
  TT_ASSIGN(const std::vector<std::int64_t> row_shapes, decode_ints(in.string(), rows()));
  if (!in.ok() || !in.empty()) return bad();
  std::vector<std::uint32_t> used(columns, 0);
  out.first_cell.reserve(rows() + 1);
  for (const std::int64_t shape : row_shapes) {
    out.first_cell.push_back(static_cast<std::uint32_t>(out.cells.size()));
    if (shape < 0 || static_cast<std::uint64_t>(shape) >= shapes) return bad();
    for (const std::uint32_t c : shape_list[static_cast<std::size_t>(shape)])
      out.cells.push_back({c, used[c]++});
  }
  out.first_cell.push_back(static_cast<std::uint32_t>(out.cells.size()));
  for (std::size_t c = 0; c < columns; ++c)
    if (used[c] != out.columns[c].values) return bad();
  return {};
}

Result<> BlockColumns::load(AttrColumn& column) {
  if (column.decoded) return {};
  std::string bytes;
  if (column.inlined.empty()) {
    TT_ASSIGN(bytes, read(column.handle));
  }
  const std::string& packed = column.inlined.empty() ? bytes : column.inlined;
  if (column.type == AttrType::text) {
    auto texts = StringColumn::decode(packed, column.values);
    if (!texts) return tl::unexpected<Error>(damage(std::move(texts).error()));
    TT_TRY(account(texts->memory_bytes()));
    column.texts = *std::move(texts);
  } else {
    auto numbers = decode_ints(packed, column.values);
    if (!numbers) return tl::unexpected<Error>(damage(std::move(numbers).error()));
    TT_TRY(account(numbers->size() * sizeof(std::int64_t)));
    column.numbers = *std::move(numbers);
  }
  column.decoded = true;
  return {};
}

AttrValue BlockColumns::value(const AttrColumn& column, std::size_t index) {
  switch (column.type) {
    case AttrType::integer:
      return column.numbers[index];
    case AttrType::real:
      return std::bit_cast<double>(column.numbers[index]);
    case AttrType::boolean:
      return column.numbers[index] != 0;
    default:
      return std::string(column.texts.at(index));
  }
}

Result<> BlockColumns::load_wanted(const storage::FieldSet& wanted, bool with_payload) {
  if (loaded_) return {};
  TT_TRY(ints(Column::time));
  TT_TRY(ints(Column::project));
  if (wanted.all()) TT_TRY(ints(Column::received));
  if (wanted.fixed(kLevelField)) TT_TRY(ints(Column::level));
  for (std::size_t i = 0; i < storage::kFixedFieldCount; ++i)
    if (i != kLevelField && wanted.fixed(i)) TT_TRY(strings(kFieldColumns[i]));
  if (wanted.any_attribute()) {
    TT_ASSIGN(Attributes * all, attributes());
    for (AttrColumn& column : all->columns) {
      column.wanted = wanted.attribute(column.name);
      if (column.wanted) TT_TRY(load(column));
    }
  }
  if (with_payload) TT_TRY(strings(Column::payload));
  loaded_ = true;
  return {};
}

Result<> BlockColumns::materialise(std::size_t row, const storage::FieldSet& wanted, bool with_payload,
                                   EventRow& out) {
  TT_TRY(load_wanted(wanted, with_payload));
  const auto number = [&](Column c) { return (*ints_[static_cast<std::size_t>(c)])[row]; };
  const auto raw = [&](Column c) { return strings_[static_cast<std::size_t>(c)]->at(row); };
  const auto take = [&](std::size_t i, std::string& into) {
    if (wanted.fixed(i)) {
      into.assign(raw(kFieldColumns[i]));
    } else {
      into.clear();
    }
  };
  out.project.value = static_cast<std::uint32_t>(number(Column::project));
  out.time.ns = number(Column::time);
  out.received.ns = wanted.all() ? number(Column::received) : 0;
  out.ids.level = wanted.fixed(kLevelField) ? static_cast<Level>(number(Column::level)) : Level::unknown;
  take(0, out.message);
  take(2, out.ids.environment);
  take(3, out.ids.release);
  take(4, out.ids.service);
  take(5, out.ids.host);
  out.ids.trace_id = wanted.fixed(6) ? id_from_raw<Id128>(raw(Column::trace_id)) : Id128{};
  out.ids.span_id = wanted.fixed(7) ? id_from_raw<Id64>(raw(Column::span_id)) : Id64{};
  take(8, out.ids.request_id);
  take(9, out.ids.user_id);
  take(10, out.ids.transaction);
  out.payload = with_payload ? std::string(raw(Column::payload)) : std::string();
  out.attributes.clear();
  if (!wanted.any_attribute()) return {};
  const Attributes& all = *attributes_;
  if (wanted.all()) out.attributes.reserve(all.first_cell[row + 1] - all.first_cell[row]);
  for (std::uint32_t i = all.first_cell[row]; i < all.first_cell[row + 1]; ++i) {
    const AttrColumn& column = all.columns[all.cells[i].column];
    if (column.wanted)
      out.attributes.push_back({column.name, value(column, all.cells[i].value), column.kind});
  }
  return {};
}

}  // namespace telltale::eventdb
