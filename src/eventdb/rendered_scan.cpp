// Searching lines that are kept as skeletons (skeleton.hpp) without writing them anew. Values stand between
// JSON's punctuation, so that a text without punctuation is found inside of one value or one literal of the
// skeleton: each attribute column is asked on its own. What that cannot decide (regular expressions, texts
// with punctuation, long texts with escapes) is looked for by a part of it first; only lines that have the
// part are written and looked at.
#include <algorithm>

#include "base/text.hpp"
#include "eventdb/column_scan.hpp"

namespace telltale::eventdb {

using storage::CompiledLeaf;
using storage::EventFilter;
using storage::FilterOp;

namespace {

constexpr std::size_t kShortestPart = 2;

/// May stand inside of a value, and cannot reach over its edge: not JSON's punctuation, nothing that is
/// escaped, ASCII.
bool is_plain(char c) {
  const auto b = static_cast<unsigned char>(c);
  static constexpr std::string_view kPunctuation = "\"\\{}[]:,";
  return b >= 0x20 && b < 0x7F && kPunctuation.find(c) == std::string_view::npos;
}

/// The longest run of plain characters, without spaces at its ends: those may stand between values.
std::string_view plain_part(std::string_view needle) {
  std::string_view best;
  for (std::size_t begin = 0; begin < needle.size();) {
    std::size_t end = begin;
    while (end < needle.size() && is_plain(needle[end])) ++end;
    std::string_view run = needle.substr(begin, end - begin);
    while (!run.empty() && run.front() == ' ') run.remove_prefix(1);
    while (!run.empty() && run.back() == ' ') run.remove_suffix(1);
    if (run.size() > best.size()) best = run;
    begin = end + 1;
  }
  return best;
}

/// Without what may be the end of an escape (\n, \u00e9): the rest is in the value itself.
std::string_view behind_escapes(std::string_view part) {
  static constexpr std::string_view kEnds = "nrtbfuNRTBFU0123456789abcdefABCDEF";
  while (!part.empty() && kEnds.find(part.front()) != std::string_view::npos) part.remove_prefix(1);
  return part;
}

void or_codes(const std::vector<std::uint16_t>& codes, const std::vector<std::uint8_t>& flags, Bitmap& out) {
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (flags[codes[i]] != 0) out.set(i);
}

class RenderedScan {
 public:
  RenderedScan(const CompiledLeaf& leaf, Block& block, const TextView& view, const Bitmap& rows)
      : leaf_(leaf), block_(block), view_(view), rows_(rows) {}

  /// Of rows that are rendered.
  Result<Bitmap> run() {
    decided_ = Bitmap(block_.rows());
    maybe_ = rows_;
    const bool searches = leaf_.op() == FilterOp::contains || leaf_.op() == FilterOp::icontains;
    const std::string needle = searches                        ? leaf_.value()
                               : leaf_.op() == FilterOp::regex ? required_literal(leaf_.value())
                                                               : std::string();
    const std::string_view part = plain_part(needle);
    if (part.size() >= kShortestPart) {
      ignore_case_ = leaf_.op() == FilterOp::icontains;
      maybe_ = Bitmap(block_.rows());
      TT_TRY(look_for(std::string(part), searches && part.size() == needle.size()));
    }
    return decide();
  }

 private:
  bool has_part(std::string_view text, const std::string& part) {
    if (!ignore_case_) return text.find(part) != std::string_view::npos;
    return to_lower(text).find(part) != std::string_view::npos;
  }

  /// Fills maybe_ with rows that have the part; decided_ with those where that is all that is asked.
  Result<> look_for(const std::string& part, bool is_all) {
    TT_ASSIGN(const auto* skeletons, block_.skeletons());
    TT_ASSIGN(const auto* codes, block_.skeleton_codes());
    Bitmap found(block_.rows());
    std::vector<std::uint8_t> in_literal(skeletons->code_space, 0);
    std::vector<std::pair<std::string, char>> references;
    for (std::size_t s = 1; s < skeletons->list.size(); ++s) {
      const Skeleton& skeleton = skeletons->list[s];
      for (const std::string& literal : skeleton.literals)
        if (has_part(literal, part)) in_literal[s] = 1;
      for (const Skeleton::Reference& r : skeleton.references) {
        std::pair<std::string, char> reference{r.name, r.mode};
        if (std::find(references.begin(), references.end(), reference) == references.end())
          references.push_back(std::move(reference));
      }
    }
    or_codes(*codes, in_literal, found);
    for (const auto& [name, mode] : references) {
      std::vector<std::uint8_t> refers(skeletons->code_space, 0);
      for (std::size_t s = 1; s < skeletons->list.size(); ++s)
        for (const Skeleton::Reference& r : skeletons->list[s].references)
          if (r.name == name && r.mode == mode) refers[s] = 1;
      Bitmap rows(block_.rows());
      or_codes(*codes, refers, rows);
      rows &= rows_;
      if (rows.none()) continue;
      TT_TRY(look_in(name, mode, part, rows, found));
    }
    found &= rows_;
    if (is_all) decided_ = found;
    maybe_ |= found;
    maybe_ &= rows_;
    return {};
  }

  /// `found`: rows whose value has the part. What has to be looked at as a line goes to maybe_.
  Result<> look_in(const std::string& name, char mode, const std::string& part, const Bitmap& rows,
                   Bitmap& found) {
    if (mode == 't' || (mode == 'f' && part.find('.') != std::string::npos)) {
      // The time has digits and few letters; a real may have got its point in the line only.
      static constexpr std::string_view kOfTimes = "0123456789-+TZtz. ";
      if (mode == 'f' || part.find_first_not_of(kOfTimes) == std::string::npos) maybe_ |= rows;
      return {};
    }
    // The value's text is in the line, zeros behind it: a part that ends with one of these may reach there.
    if (mode >= '1' && mode <= '9' && part.find_first_not_of("-.0123456789") == std::string::npos &&
        (part.back() == '0' || part.back() == '.'))
      maybe_ |= rows;
    TT_ASSIGN(const CompiledLeaf in_value, leaf_for(name, part));
    for (const std::uint32_t number : attribute_positions(name)) {
      const ColumnEntry& entry = block_.directory().columns[number];
      if (entry.type == AttrType::text) {
        TT_ASSIGN(const TextView view, block_.text(number));
        if (view.column->codec() == TextCodec::dictionary) {
          look_in_dictionary(view, mode, part, rows, found);
          continue;
        }
        if (view.column->codec() == TextCodec::pages) {
          TT_TRY(look_in_pages(name, number, part, rows));
          continue;
        }
      }
      TT_ASSIGN(Verdict verdict, scan_column(in_value, block_, number, rows, false));
      verdict.match &= rows;
      found |= verdict.match;
    }
    return {};
  }

  Result<CompiledLeaf> leaf_for(const std::string& name, std::string_view part) const {
    return CompiledLeaf::compile(
        EventFilter::leaf(ignore_case_ ? FilterOp::icontains : FilterOp::contains, name, std::string(part)));
  }
  std::vector<std::uint32_t> attribute_positions(const std::string& name) const {
    std::vector<std::uint32_t> out;
    const auto& columns = block_.directory().columns;
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      if (columns[c].is_attribute() && columns[c].name == name) out.push_back(c);
    return out;
  }

  void look_in_dictionary(const TextView& view, char mode, const std::string& part, const Bitmap& rows,
                          Bitmap& found) {
    TextColumn& column = *view.column;
    std::vector<std::uint8_t> flags(column.code_space(), 0);
    const bool escapes = column.form().form == TextForm::text && mode != 'r';
    std::string scratch;
    std::string escaped;
    bool any = false;
    for (std::size_t e = column.first_is_absent() ? 1 : 0; e < column.entries(); ++e) {
      std::string_view text = column.entry(e, scratch);
      if (escapes && needs_escapes(text, mode == 'a')) {
        escaped.clear();
        append_escaped(text, mode == 'a', escaped);
        text = escaped;
      }
      flags[e] = has_part(text, part) ? 1 : 0;
      any = any || flags[e] != 0;
    }
    if (!any) return;
    Bitmap bits(block_.rows());
    or_codes(column.codes(), flags, bits);
    bits &= rows;
    if (view.presence != nullptr) bits &= *view.presence;
    found |= bits;
  }

  Result<> look_in_pages(const std::string& name, std::uint32_t number, std::string_view part,
                         const Bitmap& rows) {
    part = behind_escapes(part);
    if (part.size() < kShortestPart) {
      TT_ASSIGN(Bitmap present, block_.presence(number));
      present &= rows;
      maybe_ |= present;
      return {};
    }
    TT_ASSIGN(const CompiledLeaf in_value, leaf_for(name, part));
    TT_ASSIGN(Verdict verdict, scan_column(in_value, block_, number, rows, false));
    verdict.match &= rows;
    maybe_ |= verdict.match;
    return {};
  }

  Result<Bitmap> decide() {
    Bitmap open = maybe_;
    open.subtract(decided_);
    std::string scratch;
    Result<> good;
    std::size_t n = 0;
    open.for_each([&](std::size_t row) {
      if (!good) return;
      if (++n % 1024 == 0) good = block_.check();
      const auto text = block_.text_at(view_, row, scratch);
      if (!text) {
        good = tl::unexpected<Error>(text.error());
      } else if (*text && leaf_.matches(**text)) {
        decided_.set(row);
      }
    });
    TT_TRY(good);
    return std::move(decided_);
  }

  const CompiledLeaf& leaf_;
  Block& block_;
  const TextView& view_;
  const Bitmap& rows_;
  bool ignore_case_ = false;
  Bitmap decided_;  // rows that match
  Bitmap maybe_;    // rows that may
};

}  // namespace

Result<Bitmap> scan_rendered(const CompiledLeaf& leaf, Block& block, const TextView& view,
                             const Bitmap& rows) {
  if (rows.none()) return Bitmap(block.rows());
  return RenderedScan(leaf, block, view, rows).run();
}

}  // namespace telltale::eventdb
