#include "eventdb/block_builder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "eventdb/message_gatherer.hpp"
#include "eventdb/text_gatherer.hpp"
#include "eventdb/word_index_builder.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kResidualText = 0;
constexpr std::uint8_t kResidualInt = 1;
constexpr std::uint8_t kResidualReal = 2;
constexpr std::uint8_t kResidualFalse = 3;
constexpr std::uint8_t kResidualTrue = 4;

/// Big-endian bytes, as the hex digits show them.
void put_big_endian(std::uint64_t v, char* to) {
  v = __builtin_bswap64(v);
  std::memcpy(to, &v, sizeof v);
}

/// The fixed columns that an attribute may repeat.
constexpr Column kAliasTargets[] = {Column::trace_id, Column::request_id, Column::span_id,
                                    Column::user_id,  Column::service,    Column::environment,
                                    Column::release,  Column::host,       Column::transaction};

std::string_view fixed_text(const EventRow& row, Column column) {
  switch (column) {
    case Column::service:
      return row.ids.service;
    case Column::environment:
      return row.ids.environment;
    case Column::release:
      return row.ids.release;
    case Column::host:
      return row.ids.host;
    case Column::transaction:
      return row.ids.transaction;
    case Column::request_id:
      return row.ids.request_id;
    case Column::user_id:
      return row.ids.user_id;
    case Column::message:
      return row.message;
    case Column::payload:
      return row.payload;
    default:
      return {};
  }
}

/// The fixed columns of texts in the order in which they are written.
constexpr Column kTextColumns[] = {Column::environment, Column::release, Column::host,    Column::transaction,
                                   Column::request_id,  Column::user_id, Column::payload, Column::service};
constexpr std::size_t kServiceColumn = std::size(kTextColumns) - 1;

// How many rows ahead the memory of a row is asked for: a chunk's rows are in no cache any more.
constexpr std::size_t kRowsAhead = 8;
constexpr std::size_t kValuesAhead = 4;
constexpr std::size_t kLine = 64;  // bytes

void fetch(const void* at, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(static_cast<const char*>(at) + i);
}
void fetch_values(const EventRow& row) {
  fetch(row.attributes.data(), std::min<std::size_t>(row.attributes.size() * sizeof(Attr), 8 * kLine));
  fetch(row.message.data(), std::min<std::size_t>(row.message.size(), 4 * kLine));
}

/// One attribute name, type and kind: a value a row, and what it may turn out to repeat.
struct AttrDraft {
  AttrId id;
  std::size_t present = 0;
  Bitmap presence;
  std::optional<TextGatherer> texts;       // of texts that repeat nothing
  std::vector<std::string_view> repeated;  // of those that do so far
  std::vector<std::int64_t> numbers;
  std::vector<double> reals;
  std::optional<Column> alias;
  std::optional<std::uint8_t> time_style;

  bool repeats() const { return alias || time_style; }
};

class RowsToColumns {
 public:
  RowsToColumns(std::span<const HeadRow> rows, BlockSink& sink, Effort effort,
                const storage::WordIndexing* words)
      : rows_(rows),
        sink_(sink),
        words_(words),
        writer_(sink, rows.size(), effort),
        texts_(std::size(kTextColumns), TextGatherer(rows.size())),
        traces_(rows.size()),
        spans_(rows.size()),
        messages_(rows.size()) {}

  Result<WrittenBlock> build() {
    gather();
    TT_TRY(writer_.put_ints(Column::time, times_));
    TT_TRY(writer_.put_ints(Column::ordinal, ordinals_));
    TT_TRY(writer_.put_ints(Column::received, received_));
    TT_TRY(writer_.put_ints(Column::project, projects_));
    TT_TRY(writer_.put_ints(Column::level, levels_));
    TT_TRY(put_id(Column::trace_id, traces_, 16));
    TT_TRY(put_id(Column::span_id, spans_, 8));
    for (std::size_t c = 0; c < kServiceColumn; ++c) TT_TRY(put_fixed_text(c));
    TT_TRY(put_service());
    TT_TRY(put_message());
    TT_TRY(put_attributes());
    TT_ASSIGN(WrittenBlock out, writer_.finish(rows_.front().row->time, rows_.back().row->time));
    if (words_ != nullptr) {
      TT_ASSIGN(out.meta.words, index_words());
    }
    return out;
  }

 private:
  /// Everything of a row while it is near.
  void gather() {
    for (auto* list : {&times_, &ordinals_, &received_, &projects_, &levels_, &row_shapes_})
      list->reserve(rows_.size());
    trace_bytes_.assign(rows_.size() * 16, '\0');
    span_bytes_.assign(rows_.size() * 8, '\0');
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i + kRowsAhead < rows_.size()) fetch(rows_[i + kRowsAhead].row, sizeof(EventRow));
      if (i + kValuesAhead < rows_.size()) fetch_values(*rows_[i + kValuesAhead].row);
      const EventRow& row = *rows_[i].row;
      times_.push_back(row.time.ns);
      ordinals_.push_back(static_cast<std::int64_t>(rows_[i].ordinal));
      received_.push_back(row.received.ns);
      projects_.push_back(static_cast<std::int64_t>(row.project.value));
      levels_.push_back(static_cast<std::int64_t>(row.ids.level));
      gather_ids(row.ids, i);
      for (std::size_t c = 0; c < std::size(kTextColumns); ++c)
        if (const auto text = fixed_text(row, kTextColumns[c]); !text.empty()) texts_[c].add(i, text);
      gather_attributes(row, i);
      messages_.add(row, i, row_shapes_.back(),
                    shape_is_simple_[static_cast<std::size_t>(row_shapes_.back())]);
    }
  }

  void gather_ids(const EventIds& ids, std::size_t i) {
    if (ids.trace_id.present()) {
      char* const at = trace_bytes_.data() + i * 16;
      put_big_endian(ids.trace_id.hi, at);
      put_big_endian(ids.trace_id.lo, at + 8);
      traces_.add(i, {at, 16});
    }
    if (ids.span_id.present()) {
      char* const at = span_bytes_.data() + i * 8;
      put_big_endian(ids.span_id.value, at);
      spans_.add(i, {at, 8});
    }
  }
  Result<> put_id(Column column, TextGatherer& ids, std::uint8_t width) {
    if (ids.empty()) return {};
    TextValues values = ids.take();
    values.form = {TextForm::hex, width};
    return writer_.put_text(column, values);
  }
  Result<> put_fixed_text(std::size_t c) {
    if (texts_[c].empty()) return {};
    TextValues values = texts_[c].take();
    return writer_.put_text(kTextColumns[c], values);
  }
  Result<> put_service() {
    TextValues services;
    if (!texts_[kServiceColumn].empty()) services = texts_[kServiceColumn].take();
    writer_.count_rows(projects_, services, levels_);
    return services.rows == 0 ? Result<>() : writer_.put_text(Column::service, services);
  }

  bool says_fixed(Column column, std::string_view text, std::size_t row) const {
    if (text.empty()) return false;  // an absent column shows no text at all
    char binary[16];
    if (column == Column::trace_id)
      return rows_[row].row->ids.trace_id.present() && to_binary({TextForm::hex, 16}, text, binary) &&
             std::memcmp(binary, trace_bytes_.data() + row * 16, 16) == 0;
    if (column == Column::span_id)
      return rows_[row].row->ids.span_id.present() && to_binary({TextForm::hex, 8}, text, binary) &&
             std::memcmp(binary, span_bytes_.data() + row * 8, 8) == 0;
    return fixed_text(*rows_[row].row, column) == text;
  }

  void find_alias(AttrDraft& draft, std::string_view text, std::size_t row) {
    if (text.empty()) return;
    const auto indexed = indexed_spelling(draft.id.name);
    for (const Column target : kAliasTargets) {
      if (indexed) {
        // What the index knows the fixed column's values as must be what it would know these as.
        static constexpr Column kColumnsOfIndex[] = {Column::trace_id, Column::span_id, Column::request_id,
                                                     Column::user_id};
        if (*indexed >= std::size(kColumnsOfIndex) || kColumnsOfIndex[*indexed] != target) continue;
      }
      if (!says_fixed(target, text, row)) continue;
      draft.alias = target;
      return;
    }
    if (!indexed) draft.time_style = time_style_of(rows_[row].row->time.ns, text);
  }

  std::size_t draft_of(const Attr& a, std::size_t guess) {
    const auto is = [&a](const AttrDraft& d) {
      return d.id.type == static_cast<AttrType>(a.value.index()) && d.id.kind == a.kind &&
             d.id.name == a.name;
    };
    if (guess < drafts_.size() && is(drafts_[guess])) return guess;
    const AttrId id{a.name, static_cast<AttrType>(a.value.index()), a.kind};
    const auto known = numbers_.find(id);
    if (known != numbers_.end()) return known->second;
    if (drafts_.size() == limits::kEventBlockColumns) return SIZE_MAX;
    drafts_.emplace_back();
    AttrDraft& draft = drafts_.back();
    draft.id = id;
    draft.presence = Bitmap(rows_.size());
    if (id.type == AttrType::real) {
      draft.reals.resize(rows_.size());
    } else if (id.type != AttrType::text) {
      draft.numbers.resize(rows_.size());
    }
    numbers_.emplace(id, drafts_.size() - 1);
    return drafts_.size() - 1;
  }

  void add_text(AttrDraft& draft, std::string_view text, std::size_t row) {
    if (draft.present == 1) {
      find_alias(draft, text, row);
      if (draft.repeats()) {
        draft.repeated.resize(rows_.size());
      } else {
        draft.texts.emplace(rows_.size());
      }
    } else if (draft.alias) {
      if (!says_fixed(*draft.alias, text, row)) draft.alias.reset();
    } else if (draft.time_style) {
      render_time(*draft.time_style, rows_[row].row->time.ns, scratch_);
      if (scratch_ != text) draft.time_style.reset();
    }
    if (draft.texts) return draft.texts->add(row, text);
    draft.repeated[row] = text;
    if (!draft.repeats()) stop_repeating(draft);
  }
  void stop_repeating(AttrDraft& draft) {
    draft.texts.emplace(rows_.size());
    draft.presence.for_each([&](std::size_t i) { draft.texts->add(i, draft.repeated[i]); });
    draft.repeated = {};
  }

  void add_value(AttrDraft& draft, const Attr& a, std::size_t row) {
    draft.presence.set(row);
    ++draft.present;
    switch (draft.id.type) {
      case AttrType::text:
        return add_text(draft, std::get<std::string>(a.value), row);
      case AttrType::integer:
        draft.numbers[row] = std::get<std::int64_t>(a.value);
        break;
      case AttrType::real:
        draft.reals[row] = std::get<double>(a.value);
        break;
      case AttrType::boolean:
        draft.numbers[row] = std::get<bool>(a.value) ? 1 : 0;
        break;
    }
  }

  /// Fills drafts, shapes and residual; shapes name drafts here, SIZE_MAX the residual.
  void gather_attributes(const EventRow& row, std::size_t i) {
    shape_.clear();
    ByteWriter rest;
    std::size_t in_rest = 0;
    for (const Attr& a : row.attributes) {
      std::size_t d = draft_of(a, shape_.size() < last_shape_.size() ? last_shape_[shape_.size()] : SIZE_MAX);
      // A row has one cell a column: a second attribute of the same name is kept, but apart.
      if (d != SIZE_MAX && drafts_[d].presence.test(i)) d = SIZE_MAX;
      shape_.push_back(d);
      if (d != SIZE_MAX) {
        add_value(drafts_[d], a, i);
      } else {
        put_residual_attr(rest, a);
        ++in_rest;
      }
    }
    if (row_shapes_.empty() || shape_ != last_shape_) {
      const auto [at, is_new] = shapes_.try_emplace(shape_, static_cast<std::int64_t>(shapes_.size()));
      if (is_new) shape_is_simple_.push_back(has_unique_names(shape_));
      last_number_ = at->second;
      std::swap(last_shape_, shape_);
    }
    row_shapes_.push_back(last_number_);
    if (in_rest == 0) return;
    residual_.resize(rows_.size());
    residual_[i] = rest.take();
  }

  /// Every attribute has a column, and a name of its own.
  bool has_unique_names(const std::vector<std::size_t>& shape) const {
    std::set<std::string_view> names;
    return std::all_of(shape.begin(), shape.end(), [&](std::size_t d) {
      return d != SIZE_MAX && names.insert(drafts_[d].id.name).second;
    });
  }

  Result<WordPlace> index_words() {
    WordIndexBuilder index(words_->names);
    const auto texts = words_->texts();
    const auto add = [&index](unsigned kind, std::string_view text) { index.add(kind, text); };
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const EventRow& row = *rows_[i].row;
      const std::string* group = nullptr;
      for (const Attr& a : row.attributes) {
        if (a.name != words_->group) continue;
        // Which of several counts, or a number's text, is for others to say.
        if (group != nullptr || (group = std::get_if<std::string>(&a.value)) == nullptr)
          return WordPlace{WordPlace::State::impossible, {}, {}, {}};
        if (!residual_.empty() && !numbers_.contains({a.name, AttrType::text, a.kind}))
          return WordPlace{WordPlace::State::impossible, {}, {}, {}};
      }
      if (group == nullptr) continue;
      index.begin_row(row.project, *group, static_cast<std::uint32_t>(i));
      index.add(words_->message, row.message);
      if (!row.payload.empty()) texts->read(row.payload, add);
    }
    return index.write(sink_);
  }

  Result<> put_message() {
    auto [values, skeletons] = messages_.take();
    return writer_.put_message(values, skeletons, messages_.present());
  }

  Result<std::uint32_t> put_draft(AttrDraft& draft) {
    if (draft.id.type == AttrType::real) return writer_.put_reals(draft.id, draft.reals, draft.presence);
    if (draft.id.type != AttrType::text) return writer_.put_numbers(draft.id, draft.numbers, draft.presence);
    if (draft.alias) return writer_.put_alias(draft.id, *draft.alias, draft.presence);
    if (draft.time_style) return writer_.put_time(draft.id, *draft.time_style, draft.presence);
    TextValues values = draft.texts->take();
    return writer_.put_text(draft.id, values, draft.present);
  }

  Result<> put_attributes() {
    if (drafts_.empty() && residual_.empty()) return {};
    std::vector<std::uint32_t> numbers;
    for (AttrDraft& draft : drafts_) {
      TT_ASSIGN(const std::uint32_t number, put_draft(draft));
      numbers.push_back(number);
    }
    std::uint32_t residual_number = 0;
    if (!residual_.empty()) {
      TextValues values;
      values.rows = rows_.size();
      values.values.assign(residual_.begin(), residual_.end());
      std::size_t present = 0;
      for (const std::string& r : residual_) present += r.empty() ? 0 : 1;
      TT_ASSIGN(residual_number, writer_.put_residual(values, present));
    }
    std::vector<std::vector<std::uint32_t>> shapes(shapes_.size());
    for (const auto& [shape, number] : shapes_) {
      for (const std::size_t d : shape)
        shapes[static_cast<std::size_t>(number)].push_back(d == SIZE_MAX ? residual_number : numbers[d]);
    }
    return writer_.put_shapes(std::move(shapes), row_shapes_);
  }

  std::span<const HeadRow> rows_;
  BlockSink& sink_;
  const storage::WordIndexing* const words_;
  BlockWriter writer_;
  std::vector<std::int64_t> times_;
  std::vector<std::int64_t> ordinals_;
  std::vector<std::int64_t> received_;
  std::vector<std::int64_t> projects_;
  std::vector<std::int64_t> levels_;
  std::vector<TextGatherer> texts_;  // of kTextColumns
  std::string trace_bytes_;
  std::string span_bytes_;
  TextGatherer traces_;
  TextGatherer spans_;
  MessageGatherer messages_;
  std::string scratch_;
  std::vector<AttrDraft> drafts_;
  std::map<AttrId, std::size_t> numbers_;
  std::map<std::vector<std::size_t>, std::int64_t> shapes_;
  std::vector<bool> shape_is_simple_;
  std::vector<std::size_t> shape_;       // of the row at hand
  std::vector<std::size_t> last_shape_;  // of the row before
  std::int64_t last_number_ = 0;
  std::vector<std::int64_t> row_shapes_;
  std::vector<std::string> residual_;  // empty, or one a row
};

}  // namespace

void put_residual_attr(ByteWriter& out, const Attr& attr) {
  out.string(attr.name);
  const auto kind = static_cast<std::uint8_t>(static_cast<std::uint8_t>(attr.kind) << 4);
  if (const auto* text = std::get_if<std::string>(&attr.value)) {
    out.u8(kind | kResidualText);
    out.string(*text);
  } else if (const auto* number = std::get_if<std::int64_t>(&attr.value)) {
    out.u8(kind | kResidualInt);
    out.zigzag(*number);
  } else if (const auto* real = std::get_if<double>(&attr.value)) {
    out.u8(kind | kResidualReal);
    out.f64(*real);
  } else {
    out.u8(kind | (std::get<bool>(attr.value) ? kResidualTrue : kResidualFalse));
  }
}

bool get_residual_attrs(std::string_view bytes, std::vector<Attr>& out) {
  ByteReader in(bytes);
  while (in.ok() && !in.empty()) {
    Attr a;
    a.name = std::string(in.string());
    const std::uint8_t tag = in.u8();
    if (tag >> 4 >= static_cast<int>(kAttrKinds)) return false;
    a.kind = static_cast<AttrKind>(tag >> 4);
    switch (tag & 0x0F) {
      case kResidualText:
        a.value = std::string(in.string());
        break;
      case kResidualInt:
        a.value = in.zigzag();
        break;
      case kResidualReal:
        a.value = in.f64();
        break;
      case kResidualFalse:
      case kResidualTrue:
        a.value = (tag & 0x0F) == kResidualTrue;
        break;
      default:
        return false;
    }
    out.push_back(std::move(a));
  }
  return in.ok();
}

std::size_t text_bytes(const EventRow& row) {
  std::size_t bytes = 128 + row.message.size() + row.payload.size();
  for (const Attr& a : row.attributes) {
    bytes += a.name.size() + 8;
    if (const auto* s = std::get_if<std::string>(&a.value)) bytes += s->size();
  }
  return bytes;
}

Result<WrittenBlock> build_block(std::span<const HeadRow> rows, BlockSink& sink, Effort effort,
                                 const storage::WordIndexing* words) {
  return RowsToColumns(rows, sink, effort, words).build();
}

}  // namespace telltale::eventdb
