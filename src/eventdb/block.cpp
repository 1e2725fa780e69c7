#include "eventdb/block.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "eventdb/block_builder.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t at(Column column) { return static_cast<std::size_t>(column); }

// Columns of differences are decoded after so many rows: one costs half a run.
constexpr std::size_t kPointReads = 32;

Result<NumberPoints> open_attribute_numbers(Bytes bytes, AttrType type, std::size_t rows) {
  NumberPoints out;
  out.bytes = std::move(bytes);
  out.type = type;
  ByteReader in(out.bytes.view);
  if (in.u8() != 0) {
    TT_ASSIGN(const std::string words, unpack_bytes(in.string()));
    Bitmap presence(rows);
    if (words.size() != presence.words().size() * 8)
      return fail(ErrorKind::corruption, "number column: wrong presence");
    std::memcpy(presence.words().data(), words.data(), words.size());
    if (rows % 64 != 0) presence.words().back() &= (std::uint64_t{1} << (rows % 64)) - 1;
    out.presence = std::move(presence);
  }
  const std::string_view rest = in.bytes(in.remaining());
  if (type == AttrType::real) {
    TT_ASSIGN(out.reals, PackedReals::open(rest, rows));
  } else {
    TT_ASSIGN(out.ints, PackedInts::open(rest, rows));
  }
  return out;
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

bool holds_text(const ColumnEntry& column) {
  if (column.is_attribute()) return column.type == AttrType::text;
  if (column.id >= kColumns) return column.id != kShapeColumn;
  return !is_int_column(static_cast<Column>(column.id));
}

bool is_int_column(Column column) { return static_cast<int>(column) <= static_cast<int>(Column::level); }

std::optional<std::string> int_column_text(Column column, std::int64_t stored) {
  if (column != Column::level) return std::to_string(stored);
  if (stored == 0) return std::nullopt;
  return std::string(to_string(static_cast<Level>(stored)));
}

Result<std::unique_ptr<Block>> Block::open(std::shared_ptr<const BlockSource> source, const BlockMeta& meta,
                                           WorkContext& context) {
  std::unique_ptr<Block> block(new Block(std::move(source), meta, context));
  TT_ASSIGN(const Bytes bytes, block->source_->read(meta.directory));
  auto directory = BlockDirectory::decode(bytes.view);
  if (!directory) return block->damaged(std::move(directory).error());
  block->directory_ = *std::move(directory);
  TT_TRY(block->account(bytes.view.size() * 2));
  TT_TRY(block->load());
  return block;
}

Block::~Block() { context_.release(charged_); }

Result<> Block::load() {
  const std::size_t columns = directory_.columns.size();
  for (std::uint32_t c = 0; c < columns; ++c) {
    const ColumnEntry& entry = directory_.columns[c];
    if (entry.id < kColumns) fixed_[entry.id] = c;
    if (entry.id == kShapeColumn) shape_ = c;
    if (entry.id == kSkeletonColumn) skeleton_ = c;
    if (entry.id == kResidualColumn) residual_ = c;
  }
  texts_.resize(columns);
  numbers_.resize(columns);
  points_.resize(columns);
  return {};
}

Result<> Block::account(std::size_t bytes) {
  charged_ += bytes;  // also when it is refused: the destructor releases it
  return context_.charge(bytes);
}

Result<Bytes> Block::read(const ColumnEntry& entry) const {
  if (entry.inlined.empty()) return source_->read(entry.handle);
  auto copy = std::make_shared<const std::string>(entry.inlined);
  return Bytes{copy, *copy};
}

Result<NumberPoints*> Block::points(std::uint32_t number) {
  auto& slot = points_[number];
  if (slot) return slot.get();
  const ColumnEntry& entry = directory_.columns[number];
  TT_ASSIGN(Bytes bytes, read(entry));
  TT_TRY(account(bytes.view.size()));
  auto made = std::make_unique<NumberPoints>();
  if (entry.is_attribute()) {
    auto opened = open_attribute_numbers(std::move(bytes), entry.type, rows_);
    if (!opened) return damaged(std::move(opened).error());
    *made = *std::move(opened);
  } else {
    made->bytes = std::move(bytes);
    auto ints = PackedInts::open(made->bytes.view, rows_);
    if (!ints) return damaged(std::move(ints).error());
    made->ints = *std::move(ints);
  }
  slot = std::move(made);
  return slot.get();
}

Result<const std::vector<std::int64_t>*> Block::ints(Column column) {
  auto& slot = ints_[at(column)];
  if (slot) return slot.get();
  const auto number = fixed_[at(column)];
  if (!number) return damaged(Error(ErrorKind::corruption, "a block without one of its columns"));
  TT_ASSIGN(const NumberPoints* column_points, points(*number));
  TT_TRY(account(rows_ * sizeof(std::int64_t)));
  slot = std::make_unique<std::vector<std::int64_t>>(column_points->ints.all());
  return slot.get();
}

Result<std::int64_t> Block::int_at(Column column, std::size_t row) {
  if (const auto& all = ints_[at(column)]) return (*all)[row];
  const auto number = fixed_[at(column)];
  if (!number) return damaged(Error(ErrorKind::corruption, "a block without one of its columns"));
  TT_ASSIGN(NumberPoints * column_points, points(*number));
  if (column_points->ints.adds_up() && ++column_points->reads > kPointReads) {
    TT_ASSIGN(const auto* all, ints(column));
    return (*all)[row];
  }
  return column_points->ints.at(row);
}

Result<const std::vector<std::int64_t>*> Block::row_shapes() {
  if (row_shapes_) return row_shapes_.get();
  auto values = std::make_unique<std::vector<std::int64_t>>();
  if (!shape_) return (row_shapes_ = std::move(values)).get();
  TT_ASSIGN(const NumberPoints* column, points(*shape_));
  *values = column->ints.all();
  for (const std::int64_t shape : *values)
    if (shape < 0 || static_cast<std::size_t>(shape) >= directory_.shapes.size())
      return damaged(Error(ErrorKind::corruption, "a row of an unknown shape"));
  TT_TRY(account(rows_ * sizeof(std::int64_t)));
  row_shapes_ = std::move(values);
  return row_shapes_.get();
}

Result<std::size_t> Block::shape_at(std::size_t row) {
  std::int64_t shape = 0;
  if (row_shapes_) {
    shape = row_shapes_->empty() ? 0 : (*row_shapes_)[row];
  } else if (shape_) {
    TT_ASSIGN(NumberPoints * column, points(*shape_));
    if (column->ints.adds_up() && ++column->reads > kPointReads) TT_TRY(row_shapes());
    shape = column->ints.at(row);
  }
  if (shape < 0 || static_cast<std::size_t>(shape) >= directory_.shapes.size())
    return damaged(Error(ErrorKind::corruption, "a row of an unknown shape"));
  return static_cast<std::size_t>(shape);
}

Result<TextColumn*> Block::text_column(std::uint32_t number) {
  auto& slot = texts_[number];
  if (slot) return slot.get();
  TT_ASSIGN(Bytes bytes, read(directory_.columns[number]));
  auto column = TextColumn::decode(std::move(bytes), rows_);
  if (!column) return damaged(std::move(column).error());
  if (const auto owner = column->shares_codes_of()) {
    if (*owner >= number) return damaged(Error(ErrorKind::corruption, "codes of a later column"));
    TT_ASSIGN(const TextColumn* lender, text_column(*owner));
    if (auto lent = column->borrow_codes(*lender); !lent) return damaged(std::move(lent).error());
  }
  TT_TRY(account(column->memory_bytes()));
  slot = std::make_unique<TextColumn>(*std::move(column));
  return slot.get();
}

Result<const Skeletons*> Block::skeletons() {
  if (skeletons_) return skeletons_.get();
  auto made = std::make_unique<Skeletons>();
  TT_ASSIGN(const TextColumn* column, text_column(*skeleton_));
  if (column->codec() != TextCodec::dictionary || !column->first_is_absent())
    return damaged(Error(ErrorKind::corruption, "bad skeletons"));
  made->code_space = column->code_space();
  std::string scratch;
  for (std::size_t e = 0; e < column->entries(); ++e) {
    auto skeleton = Skeleton::parse(column->entry(e, scratch));
    if (!skeleton) return damaged(Error(ErrorKind::corruption, "bad skeleton"));
    std::vector<std::vector<std::uint32_t>> columns;
    for (const Skeleton::Reference& r : skeleton->references) {
      columns.emplace_back();
      for (std::uint32_t c = 0; c < directory_.columns.size(); ++c)
        if (directory_.columns[c].is_attribute() && directory_.columns[c].name == r.name)
          columns.back().push_back(c);
    }
    made->list.push_back(*std::move(skeleton));
    made->columns.push_back(std::move(columns));
  }
  TT_TRY(account(column->memory_bytes() * 4));
  skeletons_ = std::move(made);
  return skeletons_.get();
}

Result<const std::vector<std::uint16_t>*> Block::skeleton_codes() {
  TT_ASSIGN(TextColumn * column, text_column(*skeleton_));
  return &column->codes();
}

Result<TextView> Block::raw_text(std::uint32_t number) {
  TT_ASSIGN(TextColumn * column, text_column(number));
  return TextView{column, column->presence(), false, number};
}

Result<TextView> Block::rendered_text(std::uint32_t number) {
  TT_ASSIGN(TextView view, raw_text(number));
  TT_TRY(skeletons());
  view.rendered = true;
  view.presence = nullptr;
  if (directory_.columns[number].present == rows_) return view;
  if (!message_presence_) {
    Bitmap present(rows_);
    TT_ASSIGN(const auto* codes, skeleton_codes());
    for (std::size_t i = 0; i < rows_; ++i) {
      const bool raw = view.column->presence() != nullptr ? view.column->presence()->test(i)
                       : view.column->codec() == TextCodec::dictionary
                           ? view.column->code(i) != 0 || !view.column->first_is_absent()
                           : true;
      if (raw || (*codes)[i] != 0) present.set(i);
    }
    message_presence_ = std::move(present);
  }
  view.presence = &*message_presence_;
  return view;
}

Result<> Block::render(std::uint16_t code, std::size_t row, std::string& out) {
  out.clear();
  if (code >= skeletons_->list.size()) return damaged(Error(ErrorKind::corruption, "an unknown skeleton"));
  const Skeleton& skeleton = skeletons_->list[code];
  for (std::size_t i = 0; i < skeleton.references.size(); ++i) {
    out += skeleton.literals[i];
    const Skeleton::Reference& reference = skeleton.references[i];
    if (reference.mode == 't') {
      TT_ASSIGN(const std::int64_t time, int_at(Column::time, row));
      render_time(static_cast<std::uint8_t>(std::stoi(reference.name)), time, value_scratch_);
      out += value_scratch_;
      continue;
    }
    for (const std::uint32_t c : skeletons_->columns[code][i]) {
      TT_ASSIGN(const auto text, attr_text_at(c, row, value_scratch_));
      if (!text) continue;
      append_value(reference.mode, *text, out);
      break;
    }
  }
  out += skeleton.literals.back();
  return {};
}

Result<TextView> Block::text(std::uint32_t number) {
  if (skeleton_ && directory_.columns[number].is(Column::message)) return rendered_text(number);
  TT_ASSIGN(TextColumn * column, text_column(number));
  if (column->codec() != TextCodec::alias) return TextView{column, column->presence(), false, number};
  const std::uint8_t target = column->alias_of();
  const auto fixed = target < kColumns ? fixed_[target] : std::nullopt;
  if (!fixed || is_int_column(static_cast<Column>(target)))
    return damaged(Error(ErrorKind::corruption, "an alias of a column that is not there"));
  TT_ASSIGN(TextColumn * aliased, text_column(*fixed));
  if (aliased->codec() == TextCodec::alias || aliased->codec() == TextCodec::time)
    return damaged(Error(ErrorKind::corruption, "an alias of an alias"));
  return TextView{aliased, column->presence() != nullptr ? column->presence() : aliased->presence(), false,
                  *fixed};
}

Result<std::optional<std::uint8_t>> Block::derivation(std::uint32_t number, TextCodec codec) {
  TT_ASSIGN(const TextColumn* column, text_column(number));
  if (column->codec() != codec) return std::nullopt;
  return codec == TextCodec::alias ? column->alias_of() : column->time_style();
}

Result<const NumberColumn*> Block::numbers(std::uint32_t number) {
  auto& slot = numbers_[number];
  if (slot) return slot.get();
  TT_ASSIGN(const NumberPoints* from, points(number));
  TT_TRY(account(rows_ * sizeof(std::int64_t)));
  auto made = std::make_unique<NumberColumn>();
  made->presence = from->presence;
  if (from->type == AttrType::real) {
    made->reals = from->reals.all();
  } else {
    made->values = from->ints.all();
  }
  slot = std::move(made);
  return slot.get();
}

Result<std::optional<AttrValue>> Block::number_at(std::uint32_t number, std::size_t row) {
  TT_ASSIGN(NumberPoints * column, points(number));
  if (!column->has(row)) return std::nullopt;
  if (column->type == AttrType::real) {
    if (numbers_[number]) return AttrValue(numbers_[number]->reals[row]);
    if (column->reals.adds_up() && ++column->reads > kPointReads) TT_TRY(numbers(number));
    return AttrValue(column->reals.at(row));
  }
  if (!numbers_[number] && column->ints.adds_up() && ++column->reads > kPointReads) TT_TRY(numbers(number));
  const std::int64_t value = numbers_[number] ? numbers_[number]->values[row] : column->ints.at(row);
  return column->type == AttrType::boolean ? AttrValue(value != 0) : AttrValue(value);
}

Result<std::optional<std::string_view>> Block::text_at(const TextView& view, std::size_t row,
                                                       std::string& scratch) {
  if (view.presence != nullptr && !view.presence->test(row)) return std::nullopt;
  TextColumn& column = *view.column;
  if (view.rendered) {
    TT_ASSIGN(const TextColumn* skeletons, text_column(*skeleton_));
    if (const std::uint16_t code = skeletons->code(row); code != 0) {
      TT_TRY(render(code, row, scratch));
      return scratch;
    }
  }
  switch (column.codec()) {
    case TextCodec::dictionary: {
      const std::uint16_t code = column.code(row);
      if (code == 0 && column.first_is_absent()) return std::nullopt;
      return column.entry(code, scratch);
    }
    case TextCodec::pages: {
      const std::size_t number = column.page_of(row);
      const bool fresh = !column.has_page(number);
      TT_ASSIGN(const TextPage* page, column.page(number, *source_));
      if (fresh) TT_TRY(account(page->memory_bytes()));
      return page->at(row - page->first_row);
    }
    case TextCodec::templates:
      if (auto read = column.templates().text(row, scratch); !read) return damaged(std::move(read).error());
      return scratch;
    case TextCodec::binary:
      to_text(column.form(), column.raw_value(row).data(), scratch);
      return scratch;
    default: {
      TT_ASSIGN(const std::int64_t time, int_at(Column::time, row));
      render_time(column.time_style(), time, scratch);
      return scratch;
    }
  }
}

Result<std::optional<std::string_view>> Block::attr_text_at(std::uint32_t number, std::size_t row,
                                                            std::string& scratch) {
  const ColumnEntry& entry = directory_.columns[number];
  if (entry.type == AttrType::text) {
    TT_ASSIGN(const TextView view, text(number));
    return text_at(view, row, scratch);
  }
  TT_ASSIGN(const auto value, number_at(number, row));
  if (!value) return std::nullopt;
  scratch = to_string(*value);
  return scratch;
}

Result<std::vector<Attr>> Block::residual(std::size_t row) {
  std::vector<Attr> out;
  if (!residual_) return out;
  TT_ASSIGN(const TextView view, text(*residual_));
  TT_ASSIGN(const auto bytes, text_at(view, row, scratch_));
  if (bytes && !get_residual_attrs(*bytes, out))
    return damaged(Error(ErrorKind::corruption, "bad attributes"));
  return out;
}

Result<Bitmap> Block::presence(std::uint32_t number) {
  const ColumnEntry& entry = directory_.columns[number];
  if (entry.present == rows_) return Bitmap(rows_, true);
  if (entry.is_attribute() && entry.type != AttrType::text) {
    TT_ASSIGN(const NumberColumn* column, numbers(number));
    return column->presence ? *column->presence : Bitmap(rows_, true);
  }
  TT_ASSIGN(const TextView view, text(number));
  if (view.presence != nullptr) return *view.presence;
  Bitmap out(rows_, true);
  if (view.rendered) return out;
  if (!view.column->first_is_absent() || view.column->codec() != TextCodec::dictionary) return out;
  const auto& codes = view.column->codes();
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes[i] == 0) out.reset(i);
  return out;
}

void Block::forget_pages() {
  for (auto& column : texts_) {
    if (!column || column->codec() != TextCodec::pages) continue;
    for (std::size_t p = 0; p < column->pages(); ++p) {
      if (!column->has_page(p)) continue;
      const std::size_t bytes = column->page_bytes(p);
      column->drop_page(p);
      context_.release(std::min(bytes, charged_));
      charged_ -= std::min(bytes, charged_);
    }
  }
}

}  // namespace telltale::eventdb
