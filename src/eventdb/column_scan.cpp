#include "eventdb/column_scan.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/find.hpp"

namespace telltale::eventdb {

using storage::CompiledLeaf;
using storage::FilterOp;

namespace {

constexpr std::size_t kWrittenOut = 4096;
constexpr std::size_t kFewOfPage = 4;     // rows in question: one of so many, or fewer
constexpr std::size_t kShortLiteral = 3;  // searching for less does not rule much out

bool compares_numbers(FilterOp op) {
  return op == FilterOp::gt || op == FilterOp::ge || op == FilterOp::lt || op == FilterOp::le;
}

/// Calls f(row, begin of the occurrence's row) once for each text of the page that contains `needle`.
template <class F>
void for_each_text_with(const TextPage& page, std::string_view text, std::string_view needle, F f) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin;
  while (at < end) {
    const char* const found = find_bytes({at, static_cast<std::size_t>(end - at)}, needle);
    if (found == nullptr) return;
    const auto offset = static_cast<std::uint32_t>(found - begin);
    const auto row = std::upper_bound(page.ends.begin(), page.ends.end(), offset) - page.ends.begin();
    const std::uint32_t row_end = page.ends[static_cast<std::size_t>(row)];
    if (offset + needle.size() <= row_end) {
      f(static_cast<std::size_t>(row));
      at = begin + row_end;
    } else {
      at = begin + offset + 1;  // across the edge of two texts
    }
  }
}

__attribute__((optimize("O3"))) void lower_into(std::string_view text, std::string& out) {
  out.resize(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    out[i] = static_cast<char>(c | ((static_cast<unsigned char>(c - 'A') < 26) << 5));
  }
}

class TextScan {
 public:
  TextScan(const CompiledLeaf& leaf, Block& block, const TextView& view, const Bitmap& among, bool not_empty)
      : leaf_(leaf), block_(block), view_(view), among_(among), not_empty_(not_empty) {
    out_.match = Bitmap(block.rows());
    out_.present = Bitmap(block.rows());
  }

  Result<Verdict> run() {
    switch (view_.column->codec()) {
      case TextCodec::dictionary:
        by_entries();
        break;
      case TextCodec::pages:
        set_presence();
        TT_TRY(by_pages());
        break;
      case TextCodec::binary:
        set_presence();
        TT_TRY(by_binary());
        break;
      case TextCodec::templates:
        set_presence();
        TT_TRY(by_templates());
        break;
      default:
        set_presence();
        TT_TRY(by_rows(out_.present));
    }
    return std::move(out_);
  }

 private:
  void set_presence() {
    out_.present = view_.presence != nullptr ? *view_.presence : Bitmap(block_.rows(), true);
  }

  /// The needle of an equality in the column's binary form; nullopt: not of that form, so equal to nothing.
  std::optional<std::string> binary_needle() const {
    const FormSpec form = view_.column->form();
    std::string binary(form.width, '\0');
    if (!to_binary(form, leaf_.value(), binary.data())) return std::nullopt;
    return binary;
  }

  /// A text that is looked for and has characters that no value of the column's form can have.
  bool cannot_be_in_form() const {
    if (leaf_.op() != FilterOp::contains && leaf_.op() != FilterOp::icontains) return false;
    const bool is_time = view_.column->codec() == TextCodec::time;
    if (!is_time && view_.column->form().form == TextForm::text) return false;
    static constexpr std::string_view kOfForms = "0123456789abcdef-.";
    static constexpr std::string_view kOfTimes = "0123456789-+:.TZtz ";
    return leaf_.value().find_first_not_of(is_time ? kOfTimes : kOfForms) != std::string_view::npos;
  }

  void by_entries() {
    TextColumn& column = *view_.column;
    std::vector<std::uint8_t> matches(column.code_space(), 0);
    std::vector<std::uint8_t> present(column.code_space(), 1);
    const bool binary = column.form().form != TextForm::text;
    std::optional<std::string> needle;
    const bool compares_binary = binary && leaf_.op() == FilterOp::eq && !leaf_.value().empty();
    if (compares_binary) needle = binary_needle();
    const bool hopeless = cannot_be_in_form();
    std::string scratch;
    bool any = false;
    bool all = true;
    bool all_present = true;
    for (std::size_t e = 0; e < column.entries(); ++e) {
      if (e == 0 && column.first_is_absent()) {
        present[e] = 0;
        all_present = false;
        continue;
      }
      if (hopeless) continue;
      if (compares_binary) {
        matches[e] = needle && column.raw_entry(e) == *needle ? 1 : 0;
      } else {
        const std::string_view text = column.entry(e, scratch);
        if (not_empty_ && text.empty()) {
          present[e] = 0;
          all_present = false;
          continue;
        }
        matches[e] = leaf_.matches(text) ? 1 : 0;
      }
      any = any || matches[e] != 0;
      all = all && matches[e] != 0;
    }
    const bool restricted = view_.presence != nullptr;
    if (all_present) {
      out_.present = Bitmap(block_.rows(), true);
    } else {
      bits_of_codes(column.codes(), present, out_.present);
    }
    if (any && all && all_present && !hopeless) {
      out_.match = Bitmap(block_.rows(), true);
    } else if (any) {
      bits_of_codes(column.codes(), matches, out_.match);
    }
    if (restricted) {
      out_.present &= *view_.presence;
      out_.match &= *view_.presence;
    }
  }

  Result<> by_binary() {
    const TextColumn& column = *view_.column;
    if (leaf_.value().empty()) return by_rows(out_.present);
    if (leaf_.op() == FilterOp::contains || leaf_.op() == FilterOp::icontains) {
      if (!cannot_be_in_form()) search_binary();
      return {};
    }
    if (leaf_.op() != FilterOp::eq) return by_rows(out_.present);
    const auto needle = binary_needle();
    if (!needle) return {};
    for (std::size_t i = 0; i < block_.rows(); ++i)
      if (std::memcmp(column.raw_value(i).data(), needle->data(), needle->size()) == 0) out_.match.set(i);
    out_.match &= out_.present;
    return {};
  }

  /// Thousands of values at a time, written out one behind the other.
  void search_binary() {
    const TextColumn& column = *view_.column;
    TextPage page;
    std::string text;
    for (std::size_t begin = 0; begin < block_.rows(); begin += kWrittenOut) {
      const std::size_t end = std::min(begin + kWrittenOut, block_.rows());
      page.bytes.clear();
      page.ends.clear();
      for (std::size_t i = begin; i < end; ++i) {
        to_text(column.form(), column.raw_value(i).data(), text);
        page.bytes += text;
        page.ends.push_back(static_cast<std::uint32_t>(page.bytes.size()));
      }
      for_each_text_with(page, page.bytes, leaf_.value(), [&](std::size_t i) { out_.match.set(begin + i); });
    }
    out_.match &= out_.present;
  }

  Result<> by_templates() {
    if (not_empty_) {
      std::string text;
      Bitmap rows = among_;
      rows &= out_.present;
      Result<> good;
      rows.for_each([&](std::size_t row) {
        if (!good || !(good = view_.column->templates().text(row, text))) return;
        if (text.empty()) out_.present.reset(row);
      });
      if (!good) return tl::unexpected<Error>(block_.source().damage(std::move(good).error()));
    }
    Bitmap rows = out_.present;
    const FilterOp op = leaf_.op();
    TemplateNeedle needle;
    needle.fold = op == FilterOp::icontains;
    if (op == FilterOp::contains || op == FilterOp::icontains || op == FilterOp::eq)
      needle.text = leaf_.value();
    if (op == FilterOp::regex) needle.text = required_literal(leaf_.value());
    if (!needle.text.empty()) {
      auto may = view_.column->templates().may_have(needle);
      if (!may) return tl::unexpected<Error>(block_.source().damage(std::move(may).error()));
      rows &= *may;
    }
    return by_rows(std::move(rows));
  }

  Result<> by_rows(Bitmap rows) {
    if (cannot_be_in_form()) return {};
    std::string scratch;
    Result<> good;
    rows &= among_;
    rows.for_each([&](std::size_t row) {
      if (!good) return;
      const auto text = block_.text_at(view_, row, scratch);
      if (!text) {
        good = tl::unexpected<Error>(text.error());
      } else if (*text && leaf_.matches(**text)) {
        out_.match.set(row);
      }
    });
    return good;
  }

  Result<> by_pages() {
    TextColumn& column = *view_.column;
    const bool searches = leaf_.op() == FilterOp::contains || leaf_.op() == FilterOp::icontains;
    const std::string literal = leaf_.op() == FilterOp::regex ? required_literal(leaf_.value()) : "";
    std::string lowered;
    for (std::size_t p = 0; p < column.pages(); ++p) {
      TT_TRY(block_.check());
      const bool kept = column.has_page(p);
      const std::size_t wanted = rows_in_question(column, p);
      if (wanted == 0) continue;
      TT_ASSIGN(const TextPage* page, column.page(p, block_.source()));
      bool hit = false;
      const auto mark = [&](std::size_t i) {
        out_.match.set(page->first_row + i);
        hit = true;
      };
      if (not_empty_) drop_empty(*page);
      const bool few = wanted * kFewOfPage <= page->rows();
      if (searches && !leaf_.value().empty() && !few) {
        std::string_view text = page->text();
        if (leaf_.op() == FilterOp::icontains) {
          lower_into(text, lowered);
          text = lowered;
        }
        for_each_text_with(*page, text, leaf_.value(), mark);
      } else if (literal.size() >= kShortLiteral && !few) {
        for_each_text_with(*page, page->text(), literal, [&](std::size_t i) {
          if (leaf_.matches(page->at(i))) mark(i);
        });
      } else {
        for (std::size_t i = 0; i < page->rows(); ++i) {
          const std::size_t row = page->first_row + i;
          if (among_.test(row) && out_.present.test(row) && leaf_.matches(page->at(i))) mark(i);
        }
      }
      if (hit && !kept) TT_TRY(block_.account(page->memory_bytes()));
      if (!hit && !kept) column.drop_page(p);
    }
    out_.match &= out_.present;
    return {};
  }

  std::size_t rows_in_question(const TextColumn& column, std::size_t p) const {
    const auto [first, last] = column.page_rows(p);
    std::size_t out = 0;
    for (std::size_t w = first / 64; w <= (last - 1) / 64; ++w) {
      std::uint64_t bits = among_.words()[w];
      if (w == first / 64) bits &= ~std::uint64_t{0} << first % 64;
      if (w == last / 64) bits &= (std::uint64_t{1} << last % 64) - 1;
      out += static_cast<std::size_t>(std::popcount(bits));
    }
    return out;
  }

  void drop_empty(const TextPage& page) {
    for (std::size_t i = 0; i < page.rows(); ++i)
      if (page.at(i).empty()) out_.present.reset(page.first_row + i);
  }

  const CompiledLeaf& leaf_;
  Block& block_;
  const TextView& view_;
  const Bitmap& among_;
  const bool not_empty_;
  Verdict out_;
};

template <class Number, class Test>
void scan_numbers(const std::vector<Number>& values, const Bitmap& rows, Bitmap& out, Test test) {
  auto& words = out.words();
  for (std::size_t w = 0; w < words.size(); ++w) {
    if (rows.words()[w] == 0) continue;
    const std::size_t end = std::min<std::size_t>(64, values.size() - w * 64);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < end; ++i)
      word |= static_cast<std::uint64_t>(test(values[w * 64 + i]) ? 1 : 0) << i;
    words[w] = word & rows.words()[w];
  }
}

template <class Number>
void compare_numbers(const CompiledLeaf& leaf, const std::vector<Number>& values, const Bitmap& rows,
                     Bitmap& out) {
  const double n = leaf.number();
  const auto scan = [&](auto test) { scan_numbers(values, rows, out, test); };
  // NaN compares false with everything, as it is no number to number_of().
  if (leaf.op() == FilterOp::gt) scan([n](Number v) { return static_cast<double>(v) > n; });
  if (leaf.op() == FilterOp::ge) scan([n](Number v) { return static_cast<double>(v) >= n; });
  if (leaf.op() == FilterOp::lt) scan([n](Number v) { return static_cast<double>(v) < n; });
  if (leaf.op() == FilterOp::le) scan([n](Number v) { return static_cast<double>(v) <= n; });
}

/// Whether the text of some number can have what is looked for: digits, signs, points and the e of powers, or
/// a part of what stands for those that are no digits.
bool can_be_in_number(const CompiledLeaf& leaf) {
  const bool searches = leaf.op() == FilterOp::contains || leaf.op() == FilterOp::icontains;
  if (!searches && leaf.op() != FilterOp::regex) return true;
  const std::string needle = searches ? leaf.value() : required_literal(leaf.value());
  if (needle.find_first_not_of("0123456789+-.e") == std::string::npos) return true;
  static constexpr std::string_view kNoDigits[] = {"-inf", "-nan", "true", "false"};
  return std::any_of(std::begin(kNoDigits), std::end(kNoDigits),
                     [&](std::string_view text) { return text.find(needle) != std::string_view::npos; });
}

/// By the text of each value, which is remembered while no other value takes its place.
template <class Number, class ToText>
void match_texts(const CompiledLeaf& leaf, const std::vector<Number>& values, const Bitmap& rows, Bitmap& out,
                 ToText to_text_of) {
  struct Known {
    std::uint64_t value = 0;
    bool is_set = false;
    bool matches = false;
  };
  constexpr std::size_t kPlaces = 1024;
  std::vector<Known> known(kPlaces);
  rows.for_each([&](std::size_t row) {
    std::uint64_t value;
    static_assert(sizeof(Number) == sizeof value);
    std::memcpy(&value, &values[row], sizeof value);
    Known& place = known[value * 0x9E3779B97F4A7C15ULL >> 54];
    if (!place.is_set || place.value != value)
      place = {value, true, leaf.matches(std::string_view(to_text_of(values[row])))};
    if (place.matches) out.set(row);
  });
}

void match_ints(const CompiledLeaf& leaf, const std::vector<std::int64_t>& values, const Bitmap& rows,
                Bitmap& out) {
  if (leaf.op() == FilterOp::eq) {
    std::int64_t wanted = 0;
    const std::string& text = leaf.value();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wanted);
    if (error != std::errc() || end != text.data() + text.size() || std::to_string(wanted) != text) return;
    scan_numbers(values, rows, out, [wanted](std::int64_t v) { return v == wanted; });
    return;
  }
  match_texts(leaf, values, rows, out, [](std::int64_t v) { return std::to_string(v); });
}

}  // namespace

void bits_of_codes(const std::vector<std::uint16_t>& codes, const std::vector<std::uint8_t>& flags,
                   Bitmap& out) {
  if (std::all_of(flags.begin(), flags.end(), [](std::uint8_t f) { return f == 0; })) return;
  auto& words = out.words();
  const std::size_t whole = codes.size() / 64;
  for (std::size_t w = 0; w < whole; ++w) {
    const std::uint16_t* c = codes.data() + w * 64;
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 64; ++i) word |= static_cast<std::uint64_t>(flags[c[i]]) << i;
    words[w] |= word;
  }
  for (std::size_t i = whole * 64; i < codes.size(); ++i)
    if (flags[codes[i]] != 0) out.set(i);
}

std::string required_literal(std::string_view regex) {
  if (regex.starts_with("(?s)")) regex.remove_prefix(4);  // what a dot matches is no matter here
  // Alternatives at the outermost level leave nothing that is required; flags change what a character means.
  if (regex.find('|') != std::string_view::npos || regex.find("(?") != std::string_view::npos) return {};
  if (regex.find('\\') != std::string_view::npos && regex.find("\\Q") != std::string_view::npos) return {};
  std::string best;
  std::string run;
  const auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (std::size_t i = 0; i < regex.size(); ++i) {
    char c = regex[i];
    if (c == '(' || c == ')' || c == '[') {
      // A group may be repeated or optional as a whole: what is inside is not looked at.
      end_run();
      if (c == '(') {
        int depth = 1;
        while (depth > 0 && ++i < regex.size()) {
          if (regex[i] == '\\') {
            ++i;
          } else if (regex[i] == '[') {
            // Brackets of a class are no groups; too rare to be worth following.
            return {};
          } else {
            depth += regex[i] == '(' ? 1 : regex[i] == ')' ? -1 : 0;
          }
        }
      } else if (c == '[') {
        if (++i < regex.size() && regex[i] == '^') ++i;
        if (i < regex.size() && regex[i] == ']') ++i;
        while (i < regex.size() && regex[i] != ']') {
          if (regex[i] == '[') return {};
          i += regex[i] == '\\' ? 2 : 1;
        }
      }
      continue;
    }
    if (c == '.' || c == '^' || c == '$') {
      end_run();
      continue;
    }
    if (c == '*' || c == '?' || c == '{') {
      if (!run.empty()) run.pop_back();
      // A character of more than one byte goes as a whole.
      while (!run.empty() && (static_cast<unsigned char>(run.back()) & 0xC0) == 0x80) run.pop_back();
      if (!run.empty() && static_cast<unsigned char>(run.back()) >= 0x80) run.pop_back();
      end_run();
      if (c == '{') {
        while (i < regex.size() && regex[i] != '}') ++i;
      }
      continue;
    }
    if (c == '+') {
      end_run();
      continue;
    }
    if (c == '\\') {
      if (++i == regex.size()) return {};
      c = regex[i];
      const bool is_class = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (is_class) {
        // \d, \w, \b, …: of one letter. Those that take more text (\x, \p, octal) end the search.
        if (c == 'x' || c == 'p' || c == 'P' || c == 'C' || (c >= '0' && c <= '9')) return {};
        end_run();
        continue;
      }
    }
    run += c;
  }
  end_run();
  return best;
}

Result<Verdict> scan_column(const CompiledLeaf& leaf, Block& block, std::uint32_t number, const Bitmap& among,
                            bool not_empty) {
  const ColumnEntry& entry = block.directory().columns[number];
  if (!entry.is_attribute() || entry.type == AttrType::text) {
    TT_ASSIGN(const TextView view, block.text(number));
    if (!view.rendered) return TextScan(leaf, block, view, among, not_empty).run();
    TT_ASSIGN(const TextView raw, block.raw_text(number));
    TT_ASSIGN(Verdict out, TextScan(leaf, block, raw, among, not_empty).run());
    TT_ASSIGN(const auto* codes, block.skeleton_codes());
    Bitmap rendered(block.rows());
    for (std::size_t i = 0; i < codes->size(); ++i)
      if ((*codes)[i] != 0) rendered.set(i);
    out.present |= rendered;
    out.match.subtract(rendered);
    rendered &= among;
    TT_ASSIGN(const Bitmap matches, scan_rendered(leaf, block, view, rendered));
    out.match |= matches;
    return out;
  }
  TT_ASSIGN(const NumberColumn* column, block.numbers(number));
  Verdict out;
  out.match = Bitmap(block.rows());
  out.present = column->presence ? *column->presence : Bitmap(block.rows(), true);
  Bitmap rows = out.present;
  rows &= among;
  if (leaf.op() == FilterOp::exists) {  // the text of a number is not empty
    out.match = std::move(rows);
    return out;
  }
  if (!can_be_in_number(leaf)) return out;
  if (entry.type == AttrType::integer) {
    if (compares_numbers(leaf.op())) {
      compare_numbers(leaf, column->values, rows, out.match);
    } else {
      match_ints(leaf, column->values, rows, out.match);
    }
  } else if (entry.type == AttrType::real) {
    if (compares_numbers(leaf.op())) {
      compare_numbers(leaf, column->reals, rows, out.match);
    } else {
      match_texts(leaf, column->reals, rows, out.match, [](double v) { return to_string(AttrValue(v)); });
    }
  } else {
    match_texts(leaf, column->values, rows, out.match,
                [](std::int64_t v) { return to_string(AttrValue(v != 0)); });
  }
  return out;
}

Result<Verdict> scan_int_column(const CompiledLeaf& leaf, Block& block, Column column) {
  TT_ASSIGN(const auto* values, block.ints(column));
  Verdict out;
  out.match = Bitmap(block.rows());
  out.present = Bitmap(block.rows(), true);
  if (column == Column::level)
    scan_numbers(*values, Bitmap(block.rows(), true), out.present, [](std::int64_t v) { return v != 0; });
  const std::int64_t first = values->empty() ? 0 : values->front();
  std::int64_t last = first;
  const auto verdict = [&leaf, column](std::int64_t v) {
    const auto text = int_column_text(column, v);
    return text && leaf.matches(std::string_view(*text));
  };
  std::unordered_map<std::int64_t, bool> known{{first, verdict(first)}};
  bool matches = known[first];
  scan_numbers(*values, out.present, out.match, [&](std::int64_t v) {
    if (v != last) {
      const auto [at, is_new] = known.try_emplace(v, false);
      if (is_new) at->second = verdict(v);
      matches = at->second;
      last = v;
    }
    return matches;
  });
  return out;
}

}  // namespace telltale::eventdb
