// Searching lines that are kept as skeletons (skeleton.hpp) without writing them anew. A text without quotes
// and backslashes stands inside of one value or of one literal of the skeleton, or reaches over the edge of a
// value without quotes (a number); the last shows in a pair of neighbouring characters. So each attribute
// column is asked on its own, and so is a regular expression that must contain such a text and cannot match a
// quote. Where that does not decide, lines that may match are written and looked at.
#include <algorithm>
#include <map>
#include <span>

#include "base/text.hpp"
#include "eventdb/column_scan.hpp"
#include "eventdb/escaped_needle.hpp"

namespace telltale::eventdb {

using storage::CompiledLeaf;
using storage::EventFilter;
using storage::FilterOp;

namespace {

constexpr std::size_t kShortestNeedle = 2;

/// The longest run that can be an EscapedNeedle.
std::string_view sayable_part(std::string_view needle) {
  std::string_view best;
  for (std::size_t begin = 0; begin < needle.size();) {
    std::size_t end = begin;
    while (end < needle.size() && EscapedNeedle::can_be(needle.substr(end, 1))) ++end;
    if (end - begin > best.size()) best = needle.substr(begin, end - begin);
    begin = end + 1;
  }
  return best;
}

/// True for an expression that matches neither quotes nor backslashes and does not look at what is around:
/// letters, digits, a few signs, lists of them in brackets, and repetitions.
bool stays_in_a_value(std::string_view regex) {
  if (regex.starts_with("(?s)")) regex.remove_prefix(4);
  static constexpr std::string_view kSigns = " _-:/@%=,;<>#&~'!+*?{}";
  static constexpr std::string_view kClasses = "dw.-+*?()[]{}|/";
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  bool in_list = false;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (c == '\\') {
      if (++i == regex.size() || kClasses.find(regex[i]) == std::string_view::npos) return false;
    } else if (in_list) {
      // Ranges go from a letter or digit to another one.
      if (c == ']') in_list = false;
      if (c == '-' && !(is_word(regex[i - 1]) && i + 1 < regex.size() && is_word(regex[i + 1]))) return false;
      if (c != ']' && c != '-' && !is_word(c) && c != '_' && c != ' ' && c != '.') return false;
    } else if (c == '[') {
      in_list = true;
      if (i + 1 < regex.size() && (regex[i + 1] == '^' || regex[i + 1] == ']')) return false;
    } else if (!is_word(c) && kSigns.find(c) == std::string_view::npos) {
      return false;
    }
  }
  // Ranges from upper to lower case have signs between them, the backslash too.
  return !in_list && regex.find("A-z") == std::string_view::npos;
}

bool is_decimals(char mode) { return mode >= '1' && mode <= '9'; }
bool in_quotes(char mode) { return mode == 's' || mode == 'a' || mode == 't'; }

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
    const std::string_view part = sayable_part(needle);
    if (part.size() >= kShortestNeedle) {
      needle_.emplace(std::string(part), leaf_.op() == FilterOp::icontains);
      is_all_ = searches ? part.size() == needle.size() : stays_in_a_value(leaf_.value());
      maybe_ = Bitmap(block_.rows());
      TT_TRY(look_for_needle());
    }
    return decide();
  }

 private:
  struct Reference {
    std::string name;
    char mode = 0;
    std::vector<std::uint8_t> of_skeletons;
  };

  /// Rows that have the needle: decided_ where that, or what it is part of, was seen whole, else maybe_.
  Result<> look_for_needle() {
    TT_ASSIGN(const auto* skeletons, block_.skeletons());
    TT_ASSIGN(const auto* codes, block_.skeleton_codes());
    std::vector<std::uint8_t> in_literal(skeletons->code_space, 0);
    std::vector<std::uint8_t> over_edges(skeletons->code_space, 0);
    std::vector<Reference> references;
    for (std::size_t s = 1; s < skeletons->list.size(); ++s) {
      const Skeleton& skeleton = skeletons->list[s];
      for (const std::string& literal : skeleton.literals)
        if (plainly_has(literal)) in_literal[s] = 1;
      for (std::size_t i = 0; i < skeleton.references.size(); ++i) {
        const Skeleton::Reference& r = skeleton.references[i];
        if (!in_quotes(r.mode) && may_reach_over(skeleton, i)) over_edges[s] = 1;
        auto known = std::find_if(references.begin(), references.end(),
                                  [&r](const Reference& k) { return k.name == r.name && k.mode == r.mode; });
        if (known == references.end())
          known =
              references.insert(known, {r.name, r.mode, std::vector<std::uint8_t>(skeletons->code_space)});
        known->of_skeletons[s] = 1;
      }
    }
    bits_of_codes(*codes, in_literal, decided(false));
    bits_of_codes(*codes, over_edges, maybe_);
    // Most values stand in the same skeletons as others.
    std::map<std::vector<std::uint8_t>, Bitmap> known;
    for (const Reference& r : references) {
      const auto [at, fresh] = known.try_emplace(r.of_skeletons, block_.rows());
      if (fresh) {
        bits_of_codes(*codes, r.of_skeletons, at->second);
        at->second &= rows_;
      }
      if (!at->second.none()) TT_TRY(look_in(r, at->second));
    }
    decided_ &= rows_;
    maybe_ &= rows_;
    return {};
  }

  bool is_regex() const { return leaf_.op() == FilterOp::regex; }
  /// Where rows go that have the needle; of an expression, in a literal or a value without quotes: it may go
  /// on behind that.
  Bitmap& decided(bool quoted) { return is_all_ && (quoted || !is_regex()) ? decided_ : maybe_; }

  bool plainly_has(std::string_view text) const {
    if (!needle_->fold()) return text.find(needle_->text()) != std::string_view::npos;
    return to_lower(text).find(needle_->text()) != std::string::npos;
  }

  /// Whether the needle may begin before or end behind a value without quotes.
  bool may_reach_over(const Skeleton& skeleton, std::size_t i) const {
    const auto lower = [this](char c) {
      return needle_->fold() && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char before = lower(skeleton.literals[i].empty() ? '\0' : skeleton.literals[i].back());
    const char behind = lower(skeleton.literals[i + 1].empty() ? '\0' : skeleton.literals[i + 1].front());
    const bool only_numbers = has_no_texts(skeleton.references[i].name);
    const auto in_value = [only_numbers](char c) {
      static constexpr std::string_view kOfNumbers = "0123456789+-.etrufalsin";  // and true, false, inf, nan
      return !only_numbers || kOfNumbers.find(c) != std::string_view::npos;
    };
    const std::string& text = needle_->text();
    for (std::size_t k = 0; k + 1 < text.size(); ++k)
      if ((text[k] == before && in_value(text[k + 1])) || (in_value(text[k]) && text[k + 1] == behind))
        return true;
    return false;
  }
  bool has_no_texts(const std::string& name) const {
    const auto positions = attribute_positions(name);
    return std::all_of(positions.begin(), positions.end(), [this](std::uint32_t c) {
      return block_.directory().columns[c].type != AttrType::text;
    });
  }

  Result<> look_in(const Reference& r, const Bitmap& rows) {
    const std::string& text = needle_->text();
    if (r.mode == 't') {
      // The time has digits and few letters.
      static constexpr std::string_view kOfTimes = "0123456789-+:TZtz. ";
      if (text.find_first_not_of(kOfTimes) == std::string::npos) maybe_ |= rows;
      return {};
    }
    // A real may have got its point and zeros in the line only: where a needle ends that reaches there.
    if ((r.mode == 'f' || is_decimals(r.mode)) && (text.back() == '0' || text.back() == '.') &&
        text.find_first_not_of("-.0123456789") == std::string::npos)
      maybe_ |= rows;
    for (const std::uint32_t number : attribute_positions(r.name)) {
      if (block_.directory().columns[number].type == AttrType::text) {
        TT_ASSIGN(const TextView view, block_.text(number));
        const TextCodec codec = view.column->codec();
        if (codec == TextCodec::dictionary) {
          look_in_dictionary(view, r.mode, rows);
          continue;
        }
        if (codec == TextCodec::pages) {
          TT_TRY(look_in_pages(view, r.mode, rows));
          continue;
        }
        if (codec == TextCodec::templates) {
          if (auto read = look_in_templates(view, r.mode, rows); !read)
            return tl::unexpected<Error>(block_.source().damage(std::move(read).error()));
          continue;
        }
      }
      // Numbers, ids and times: nothing in them is escaped.
      TT_ASSIGN(const CompiledLeaf in_value,
                CompiledLeaf::compile(EventFilter::leaf(
                    needle_->fold() ? FilterOp::icontains : FilterOp::contains, r.name, text)));
      TT_ASSIGN(Verdict verdict, scan_column(in_value, block_, number, rows, false));
      verdict.match &= rows;
      decided(false) |= verdict.match;
    }
    return {};
  }

  /// Whether the value, as it stands in the line, has what is looked for.
  bool value_matches(std::string_view text, char mode) const {
    if (mode == 's' && !needle_->in(text)) return false;
    std::string escaped;
    const bool in_text = mode == 's' || mode == 'a';
    if (in_text && (mode == 'a' || (is_all_ && is_regex())) && needs_escapes(text, mode == 'a')) {
      append_escaped(text, mode == 'a', escaped);
      text = escaped;
    }
    if (mode != 's' && !plainly_has(text)) return false;
    return !is_regex() || !is_all_ || !in_text || leaf_.matches(text);
  }

  void look_in_dictionary(const TextView& view, char mode, const Bitmap& rows) {
    TextColumn& column = *view.column;
    std::vector<std::uint8_t> flags(column.code_space(), 0);
    std::string scratch;
    bool any = false;
    for (std::size_t e = column.first_is_absent() ? 1 : 0; e < column.entries(); ++e) {
      flags[e] = value_matches(column.entry(e, scratch), mode) ? 1 : 0;
      any = any || flags[e] != 0;
    }
    if (!any) return;
    Bitmap bits(block_.rows());
    bits_of_codes(column.codes(), flags, bits);
    bits &= rows;
    if (view.presence != nullptr) bits &= *view.presence;
    decided(in_quotes(mode)) |= bits;
  }

  Result<> look_in_templates(const TextView& view, char mode, Bitmap rows) {
    TemplateColumn& column = view.column->templates();
    if (view.presence != nullptr) rows &= *view.presence;
    const bool quoted = in_quotes(mode);
    TT_ASSIGN(const Bitmap may, column.may_have({needle_->text(), needle_->fold(), quoted, mode == 'a'}));
    rows &= may;
    std::string text;
    Result<> good;
    rows.for_each([&](std::size_t row) {
      if (!good || !(good = column.text(row, text))) return;
      if (value_matches(text, mode)) decided(quoted).set(row);
    });
    return good;
  }

  Result<> look_in_pages(const TextView& view, char mode, Bitmap rows) {
    TextColumn& column = *view.column;
    if (view.presence != nullptr) rows &= *view.presence;
    for (std::size_t p = 0; p < column.pages(); ++p) {
      TT_TRY(block_.check());
      const auto [first, last] = column.page_rows(p);
      const auto words = std::span(rows.words()).subspan(first / 64, (last - 1) / 64 - first / 64 + 1);
      if (std::all_of(words.begin(), words.end(), [](std::uint64_t w) { return w == 0; })) continue;
      const bool kept = column.has_page(p);
      TT_ASSIGN(const TextPage* page, column.page(p, block_.source()));
      look_in_page(*page, mode, rows);
      if (!kept) column.drop_page(p);
    }
    return {};
  }

  void look_in_page(const TextPage& page, char mode, const Bitmap& rows) {
    Bitmap& hits = decided(in_quotes(mode));
    const auto look_at = [&](std::size_t i) {
      if (rows.test(page.first_row + i) && value_matches(page.at(i), mode)) hits.set(page.first_row + i);
    };
    if (mode != 's' || needle_->needs_whole_texts()) {
      for (std::size_t i = 0; i < page.rows(); ++i) look_at(i);
      return;
    }
    const std::string folded = needle_->fold() ? to_lower(page.text()) : std::string();
    const auto row_of = [&page](std::size_t offset) {
      return static_cast<std::size_t>(std::upper_bound(page.ends.begin(), page.ends.end(), offset) -
                                      page.ends.begin());
    };
    const auto in_one = [&](std::size_t a, std::size_t b) { return b < page.ends[row_of(a)]; };
    needle_->each_in(needle_->fold() ? std::string_view(folded) : page.text(), in_one, [&](std::size_t at) {
      const std::size_t i = row_of(at);
      if (is_regex() && is_all_) {
        look_at(i);
      } else if (rows.test(page.first_row + i)) {
        hits.set(page.first_row + i);
      }
    });
  }

  std::vector<std::uint32_t> attribute_positions(const std::string& name) const {
    std::vector<std::uint32_t> out;
    const auto& columns = block_.directory().columns;
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      if (columns[c].is_attribute() && columns[c].name == name) out.push_back(c);
    return out;
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
  std::optional<EscapedNeedle> needle_;
  bool is_all_ = false;  // a value that has the needle (and matches the expression) makes its row match
  Bitmap decided_;       // rows that match
  Bitmap maybe_;         // rows that may
};

}  // namespace

Result<Bitmap> scan_rendered(const CompiledLeaf& leaf, Block& block, const TextView& view,
                             const Bitmap& rows) {
  if (rows.none()) return Bitmap(block.rows());
  return RenderedScan(leaf, block, view, rows).run();
}

}  // namespace telltale::eventdb
