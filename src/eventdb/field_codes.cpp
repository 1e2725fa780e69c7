#include "eventdb/field_codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace telltale::eventdb {

namespace {

/// Visits the columns a field is kept in, in the order in which they are asked: each gets the rows that are
/// still undecided and takes those away for which it has a value.
template <class Visit, class VisitRow>
Result<> visit_field(Block& block, const std::string& field, bool any_spelling, Bitmap& undecided,
                     Visit visit, VisitRow visit_row) {
  if (!any_spelling) {
    if (const auto column = fixed_column(field)) {
      if (const auto number = block.find(*column)) TT_TRY(visit(*number));
      return {};
    }
  }
  if (any_spelling) {
    // Rare: these are looked at as rows.
    TT_ASSIGN(Bitmap rest, ambiguous_rows(block, field));
    rest &= undecided;
    if (!rest.none()) TT_TRY(block.want(storage::FieldSet({}), false));
    Result<> good;
    EventRow row;
    rest.for_each([&](std::size_t r) {
      if (good) good = block.materialise(r, row);
      if (good) visit_row(r, spelled_text(row, field).value_or(""));
    });
    TT_TRY(good);
    undecided.subtract(rest);
  }
  for (const std::uint32_t number : attribute_columns(block.directory(), field, any_spelling)) {
    if (undecided.none()) return {};
    TT_TRY(visit(number));
  }
  if (any_spelling) {
    const auto column = fixed_column(fixed_field_spelled(field));
    if (!column || undecided.none()) return {};
    if (const auto number = block.find(*column)) TT_TRY(visit(*number));
    return {};
  }
  const Bitmap open = undecided;
  return for_each_residual(block, open, [&](std::size_t row, const std::vector<Attr>& attributes) {
    for (const Attr& a : attributes) {
      if (a.name != field) continue;
      visit_row(row, to_string(a.value));
      undecided.reset(row);
      return;
    }
  });
}

class CodesOfField {
 public:
  CodesOfField(Block& block, const std::string& field, bool any_spelling, const Bitmap& rows)
      : block_(block), field_(field), not_empty_(any_spelling), undecided_(rows) {
    out_.codes.assign(block.rows(), 0);
    out_.texts.emplace_back();
  }

  Result<FieldCodes> run() {
    TT_TRY(visit_field(
        block_, field_, not_empty_, undecided_, [this](std::uint32_t number) { return take(number); },
        [this](std::size_t row, const std::string& text) { out_.codes[row] = code_of(text); }));
    return std::move(out_);
  }

 private:
  std::uint32_t code_of(const std::string& text) {
    if (text.empty()) return 0;
    const auto [at, is_new] = known_.try_emplace(text, static_cast<std::uint32_t>(out_.texts.size()));
    if (is_new) out_.texts.push_back(text);
    return at->second;
  }

  Result<> take(std::uint32_t number) {
    const ColumnEntry& entry = block_.directory().columns[number];
    if (entry.id < kColumns && is_int_column(static_cast<Column>(entry.id)))
      return take_fixed_ints(static_cast<Column>(entry.id));
    if (entry.is_attribute() && entry.type != AttrType::text) return take_numbers(number, entry.type);
    TT_ASSIGN(const TextView view, block_.text(number));
    if (view.column->codec() == TextCodec::dictionary && !view.rendered) return take_dictionary(view);
    return take_texts(view);
  }

  Result<> take_fixed_ints(Column column) {
    TT_ASSIGN(const auto* values, block_.ints(column));
    std::unordered_map<std::int64_t, std::uint32_t> codes;
    std::int64_t last = 0;
    std::uint32_t code = UINT32_MAX;
    undecided_.for_each([&](std::size_t row) {
      const std::int64_t v = (*values)[row];
      if (code == UINT32_MAX || v != last) {
        const auto [at, is_new] = codes.try_emplace(v, 0);
        if (is_new) at->second = code_of(int_column_text(column, v).value_or(""));
        code = at->second;
        last = v;
      }
      out_.codes[row] = code;
    });
    return {};
  }

  /// Integers close to each other, such as statuses: a table instead of a map.
  bool take_close_integers(const std::vector<std::int64_t>& values, const Bitmap& rows) {
    std::int64_t least = INT64_MAX;
    std::int64_t greatest = INT64_MIN;
    rows.for_each([&](std::size_t row) {
      least = std::min(least, values[row]);
      greatest = std::max(greatest, values[row]);
    });
    std::int64_t spread = 0;
    if (least > greatest || __builtin_sub_overflow(greatest, least, &spread) || spread > kCloseIntegers)
      return false;
    std::vector<std::uint32_t> codes(static_cast<std::size_t>(spread) + 1, UINT32_MAX);
    rows.for_each([&](std::size_t row) {
      std::uint32_t& code = codes[static_cast<std::size_t>(values[row] - least)];
      if (code == UINT32_MAX) code = code_of(std::to_string(values[row]));
      out_.codes[row] = code;
    });
    return true;
  }

  Result<> take_numbers(std::uint32_t number, AttrType type) {
    TT_ASSIGN(const NumberColumn* column, block_.numbers(number));
    std::unordered_map<std::uint64_t, std::uint32_t> codes;
    Bitmap rows = undecided_;
    if (column->presence) rows &= *column->presence;
    if (type == AttrType::integer && take_close_integers(column->values, rows)) {
      undecided_.subtract(rows);
      return {};
    }
    rows.for_each([&](std::size_t row) {
      std::uint64_t bits = 0;
      if (type == AttrType::real) {
        std::memcpy(&bits, &column->reals[row], sizeof bits);
      } else {
        bits = static_cast<std::uint64_t>(column->values[row]);
      }
      const auto [at, is_new] = codes.try_emplace(bits, 0);
      if (is_new) {
        at->second = code_of(type == AttrType::real      ? to_string(AttrValue(column->reals[row]))
                             : type == AttrType::boolean ? to_string(AttrValue(column->values[row] != 0))
                                                         : to_string(AttrValue(column->values[row])));
      }
      out_.codes[row] = at->second;
    });
    undecided_.subtract(rows);
    return {};
  }

  Result<> take_dictionary(const TextView& view) {
    TextColumn& column = *view.column;
    const auto& own = column.codes();
    Bitmap rows = undecided_;
    if (view.presence != nullptr) rows &= *view.presence;
    // Codes of this column → ours, as they appear.
    constexpr std::uint32_t kUnknown = UINT32_MAX;
    std::vector<std::uint32_t> codes(column.code_space(), kUnknown);
    std::string scratch;
    const bool first_column = out_.texts.size() == 1;
    bool any_empty = false;
    rows.for_each([&](std::size_t row) {
      std::uint32_t& code = codes[own[row]];
      if (code == kUnknown) {
        const std::string text(column.entry(own[row], scratch));
        if (first_column && !text.empty()) {
          code = static_cast<std::uint32_t>(out_.texts.size());
          out_.texts.push_back(text);
        } else {
          code = code_of(text);
        }
        any_empty = any_empty || text.empty();
      }
      out_.codes[row] = code;
    });
    if (first_column)
      for (std::uint32_t c = 1; c < out_.texts.size(); ++c) known_.emplace(out_.texts[c], c);
    if (!any_empty) {
      undecided_.subtract(rows);
      return {};
    }
    Bitmap decided(block_.rows());
    rows.for_each([&](std::size_t row) {
      const bool absent = own[row] == 0 && column.first_is_absent();
      if (!absent && (!not_empty_ || out_.codes[row] != 0)) decided.set(row);
    });
    undecided_.subtract(decided);
    return {};
  }

  Result<> take_texts(const TextView& view) {
    Bitmap rows = undecided_;
    if (view.presence != nullptr) rows &= *view.presence;
    std::string scratch;
    Result<> good;
    Bitmap decided(block_.rows());
    std::size_t kept = 0;
    rows.for_each([&](std::size_t row) {
      if (!good) return;
      const auto text = block_.text_at(view, row, scratch);
      if (!text) {
        good = tl::unexpected<Error>(text.error());
        return;
      }
      if (!*text || (not_empty_ && (*text)->empty())) return;
      const std::size_t before = out_.texts.size();
      out_.codes[row] = code_of(std::string(**text));
      decided.set(row);
      if (out_.texts.size() > before) kept += (*text)->size() * 2 + 128;
      if (kept > kChargeStep) {
        good = block_.account(kept);
        kept = 0;
      }
    });
    TT_TRY(good);
    undecided_.subtract(decided);
    return {};
  }

  static constexpr std::size_t kChargeStep = 1 << 20;
  static constexpr std::int64_t kCloseIntegers = 1 << 14;
  Block& block_;
  const std::string& field_;
  const bool not_empty_;
  Bitmap undecided_;
  FieldCodes out_;
  std::unordered_map<std::string, std::uint32_t> known_;
};

class NumbersOfField {
 public:
  NumbersOfField(Block& block, const std::string& field, bool any_spelling, const Bitmap& rows)
      : block_(block), field_(field), not_empty_(any_spelling), undecided_(rows) {
    out_.present = Bitmap(block.rows());
  }

  Result<FieldNumbers> run() {
    TT_TRY(visit_field(
        block_, field_, not_empty_, undecided_, [this](std::uint32_t number) { return take(number); },
        [this](std::size_t row, const std::string& text) {
          if (const auto number = storage::number_of(text)) put(row, *number);
        }));
    out_.values.resize(block_.rows());
    return std::move(out_);
  }

 private:
  void put(std::size_t row, double value) {
    out_.values.resize(block_.rows());
    out_.values[row] = value;
    out_.present.set(row);
  }

  Result<> take(std::uint32_t number) {
    const ColumnEntry& entry = block_.directory().columns[number];
    if (entry.id == static_cast<std::uint8_t>(Column::level)) return {};
    if (entry.id == static_cast<std::uint8_t>(Column::project)) {
      TT_ASSIGN(const auto* values, block_.ints(Column::project));
      out_.values.assign(values->begin(), values->end());
      out_.present = undecided_;
      return {};
    }
    if (entry.is_attribute() && entry.type != AttrType::text) return take_numbers(number, entry.type);
    TT_ASSIGN(const TextView view, block_.text(number));
    return take_texts(view);
  }

  Result<> take_numbers(std::uint32_t number, AttrType type) {
    TT_ASSIGN(const NumberColumn* column, block_.numbers(number));
    Bitmap rows = undecided_;
    if (column->presence) rows &= *column->presence;
    undecided_.subtract(rows);
    if (type == AttrType::boolean) return {};
    const bool is_first = out_.values.empty();
    out_.values.resize(block_.rows());
    if (type == AttrType::integer) {
      if (is_first) {
        out_.values.assign(column->values.begin(), column->values.end());
      } else {
        rows.for_each([&](std::size_t r) { out_.values[r] = static_cast<double>(column->values[r]); });
      }
    } else {
      if (is_first) {
        out_.values = column->reals;
      } else {
        rows.for_each([&](std::size_t r) { out_.values[r] = column->reals[r]; });
      }
      for (std::size_t r = 0; r < column->reals.size(); ++r)
        if (std::isnan(column->reals[r])) rows.reset(r);
    }
    out_.present |= rows;
    return {};
  }

  Result<> take_texts(const TextView& view) {
    Bitmap rows = undecided_;
    if (view.presence != nullptr) rows &= *view.presence;
    TextColumn& column = *view.column;
    std::string scratch;
    if (column.codec() != TextCodec::dictionary || view.rendered) {
      Result<> good;
      rows.for_each([&](std::size_t row) {
        if (!good) return;
        const auto text = block_.text_at(view, row, scratch);
        if (!text) {
          good = tl::unexpected<Error>(text.error());
          return;
        }
        if (!*text || (not_empty_ && (*text)->empty())) return;
        undecided_.reset(row);
        if (const auto number = storage::number_of(**text)) put(row, *number);
      });
      return good;
    }
    std::vector<double> numbers(column.code_space(), std::nan(""));
    std::vector<std::uint8_t> decides(column.code_space(), 1);
    for (std::size_t e = 0; e < column.entries(); ++e) {
      const std::string_view text = column.entry(e, scratch);
      if ((e == 0 && column.first_is_absent()) || (not_empty_ && text.empty())) {
        decides[e] = 0;
      } else if (const auto number = storage::number_of(text)) {
        numbers[e] = *number;
      }
    }
    const auto& codes = column.codes();
    rows.for_each([&](std::size_t row) {
      if (decides[codes[row]] == 0) return;
      undecided_.reset(row);
      if (const double number = numbers[codes[row]]; !std::isnan(number)) put(row, number);
    });
    return {};
  }

  Block& block_;
  const std::string& field_;
  const bool not_empty_;
  Bitmap undecided_;
  FieldNumbers out_;
};

}  // namespace

Result<std::optional<TextView>> only_dictionary(Block& block, const std::string& field, bool any_spelling) {
  if (block.residual_column()) return std::nullopt;
  const BlockDirectory& directory = block.directory();
  const auto fixed = fixed_column(any_spelling ? fixed_field_spelled(field) : std::string_view(field));
  const auto fixed_number = fixed ? block.find(*fixed) : std::nullopt;
  std::vector<std::uint32_t> numbers;
  if (any_spelling || !fixed) numbers = attribute_columns(directory, field, any_spelling);
  const bool by_attribute = !numbers.empty();
  if (!by_attribute && fixed_number) numbers.push_back(*fixed_number);
  if (numbers.size() != 1) return std::nullopt;
  const ColumnEntry& entry = directory.columns[numbers[0]];
  if (entry.is_attribute() ? entry.type != AttrType::text : is_int_column(static_cast<Column>(entry.id)))
    return std::nullopt;
  TT_ASSIGN(const TextView view, block.text(numbers[0]));
  if (view.rendered || view.column->codec() != TextCodec::dictionary) return std::nullopt;
  if (!by_attribute || !fixed_number) return view;
  // Where the attribute is empty, the fixed column is asked.
  std::string scratch;
  if (entry.present != block.rows()) return std::nullopt;
  for (std::size_t e = 0; e < view.column->entries(); ++e)
    if (view.column->entry(e, scratch).empty()) return std::nullopt;
  return view;
}

Result<FieldCodes> field_codes(Block& block, const std::string& field, bool any_spelling,
                               const Bitmap& rows) {
  TT_TRY(block.check());
  return CodesOfField(block, field, any_spelling, rows).run();
}

Result<FieldNumbers> field_numbers(Block& block, const std::string& field, bool any_spelling,
                                   const Bitmap& rows) {
  TT_TRY(block.check());
  return NumbersOfField(block, field, any_spelling, rows).run();
}

}  // namespace telltale::eventdb
