// Rows made out of a block's columns: only what is wanted of them is read, and only at their places.
#include "eventdb/block.hpp"

namespace telltale::eventdb {

namespace {

// In the order of storage::kFixedFields.
constexpr Column kFieldColumns[] = {Column::message,    Column::level,   Column::environment, Column::release,
                                    Column::service,    Column::host,    Column::trace_id,    Column::span_id,
                                    Column::request_id, Column::user_id, Column::transaction};
static_assert(std::size(kFieldColumns) == storage::kFixedFieldCount);

constexpr std::size_t index_of(Column column) { return static_cast<std::size_t>(column); }

}  // namespace

Result<> Block::want(const storage::FieldSet& wanted, bool with_payload) {
  wanted_.fill(false);
  for (std::size_t i = 0; i < storage::kFixedFieldCount; ++i)
    wanted_[index_of(kFieldColumns[i])] = wanted.fixed(i);
  wanted_[index_of(Column::payload)] = with_payload;
  wants_received_ = wanted.all();
  wants_attributes_ = wanted.any_attribute();
  wanted_columns_.assign(directory_.columns.size(), false);
  wanted_names_ = wanted;
  for (std::size_t c = 0; c < directory_.columns.size(); ++c)
    wanted_columns_[c] = directory_.columns[c].is_attribute() && wanted.attribute(directory_.columns[c].name);
  return {};
}

Result<> Block::take_text(Column column, bool wanted, std::size_t row, std::string& out) {
  out.clear();
  const auto number = fixed_[index_of(column)];
  if (!wanted || !number) return {};
  TT_ASSIGN(const TextView view, text(*number));
  TT_ASSIGN(const auto value, text_at(view, row, scratch_));
  if (value) out.assign(*value);
  return {};
}

Result<> Block::take_id(Column column, std::size_t row, std::string_view& raw) {
  raw = {};
  const auto number = fixed_[index_of(column)];
  if (!wanted_[index_of(column)] || !number) return {};
  TT_ASSIGN(const TextView view, text(*number));
  const TextColumn& ids = *view.column;
  if (view.presence != nullptr && !view.presence->test(row)) return {};
  if (ids.codec() == TextCodec::binary) {
    raw = ids.raw_value(row);
  } else if (ids.codec() == TextCodec::dictionary) {
    const std::uint16_t code = ids.code(row);
    if (code != 0 || !ids.first_is_absent()) raw = ids.raw_entry(code);
  }
  return {};
}

Result<> Block::take_attributes(std::size_t row, EventRow& out) {
  out.attributes.clear();
  if (!wants_attributes_ || directory_.shapes.empty()) return {};
  TT_ASSIGN(const std::size_t number, shape_at(row));
  const auto& shape = directory_.shapes[number];
  out.attributes.reserve(shape.size());
  std::vector<Attr> rest;
  std::size_t next_of_rest = 0;
  for (const std::uint32_t c : shape) {
    if (residual_ && c == *residual_) {
      if (next_of_rest == 0) {
        TT_ASSIGN(rest, residual(row));
      }
      if (next_of_rest == rest.size())
        return damaged(Error(ErrorKind::corruption, "a row with fewer attributes than its shape"));
      Attr& a = rest[next_of_rest++];
      if (wanted_names_->attribute(a.name)) out.attributes.push_back(std::move(a));
      continue;
    }
    if (!wanted_columns_[c]) continue;
    const ColumnEntry& entry = directory_.columns[c];
    if (entry.type == AttrType::text) {
      TT_ASSIGN(const TextView view, text(c));
      TT_ASSIGN(const auto value, text_at(view, row, scratch_));
      out.attributes.push_back({entry.name, std::string(value.value_or(std::string_view())), entry.kind});
      continue;
    }
    TT_ASSIGN(auto value, number_at(c, row));
    // A shape names columns that the row has; of a damaged block it may not.
    out.attributes.push_back(
        {entry.name, value ? *std::move(value) : AttrValue(std::int64_t{0}), entry.kind});
  }
  return {};
}

Result<> Block::materialise(std::size_t row, EventRow& out) {
  TT_ASSIGN(out.time.ns, int_at(Column::time, row));
  TT_ASSIGN(const std::int64_t project, int_at(Column::project, row));
  out.project.value = static_cast<std::uint32_t>(project);
  out.received.ns = 0;
  if (wants_received_) {
    TT_ASSIGN(out.received.ns, int_at(Column::received, row));
  }
  out.ids.level = Level::unknown;
  if (wanted_[index_of(Column::level)]) {
    TT_ASSIGN(const std::int64_t level, int_at(Column::level, row));
    out.ids.level = static_cast<Level>(level);
  }
  const auto take = [&](Column column, std::string& into) {
    return take_text(column, wanted_[index_of(column)], row, into);
  };
  TT_TRY(take(Column::message, out.message));
  TT_TRY(take(Column::environment, out.ids.environment));
  TT_TRY(take(Column::release, out.ids.release));
  TT_TRY(take(Column::service, out.ids.service));
  TT_TRY(take(Column::host, out.ids.host));
  TT_TRY(take(Column::request_id, out.ids.request_id));
  TT_TRY(take(Column::user_id, out.ids.user_id));
  TT_TRY(take(Column::transaction, out.ids.transaction));
  TT_TRY(take(Column::payload, out.payload));
  std::string_view raw;
  TT_TRY(take_id(Column::trace_id, row, raw));
  out.ids.trace_id = Id128::from_bytes(raw).value_or(Id128{});
  TT_TRY(take_id(Column::span_id, row, raw));
  out.ids.span_id = Id64::from_bytes(raw).value_or(Id64{});
  return take_attributes(row, out);
}

}  // namespace telltale::eventdb
