#include "eventdb/word_search.hpp"

#include <algorithm>
#include <iterator>

namespace telltale::eventdb {

/// What the words of an index are to a needle.
struct WordSearch::Asked {
  /// Of a needle that is a name, or one run: those that have it. Else run by run.
  std::vector<std::vector<std::uint32_t>> words;
  std::vector<std::vector<std::uint32_t>> marks;  // of words that may have it and are not kept
  std::vector<std::vector<std::uint32_t>> ids;    // groups of ids that may be it
  std::vector<std::uint32_t> with_ids;            // the mark of texts with ids
  std::vector<std::uint32_t> names;               // that a needle of several runs stands in
  std::vector<std::uint32_t> unnamed;             // the mark of texts that are no names and would be
};

std::optional<WordSearch> WordSearch::make(const storage::WordQuery& query) {
  WordSearch out;
  out.exact_ = query.exact;
  for (const storage::WordCondition& condition : query.all) {
    Condition& ways = out.all_.emplace_back();
    for (const storage::WordNeedle& asked : condition.any) {
      Needle& needle = ways.emplace_back();
      needle.kinds = asked.kinds;
      needle.whole = asked.whole;
      if (asked.pieces.empty()) return std::nullopt;
      std::size_t said = 0;
      bool is_one_run = false;
      for (std::size_t i = 0; i < asked.pieces.size(); ++i) {
        const std::string& piece = asked.pieces[i];
        needle.pieces.push_back(asked.whole ? piece : folded_text(piece));
        if (piece.empty()) continue;
        ++said;
        auto runs = runs_of_needle(piece, i == 0, i + 1 == asked.pieces.size(), is_one_run);
        std::move(runs.begin(), runs.end(), std::back_inserter(needle.runs));
      }
      if (needle.runs.empty() && !needle.whole) return std::nullopt;
      needle.one_run = !needle.whole && said == 1 && is_one_run;
    }
    if (ways.empty()) return std::nullopt;
  }
  if (out.all_.empty()) return std::nullopt;
  return out;
}

std::vector<WordLookup> WordSearch::lookups(storage::TextKinds name_kinds) const {
  std::vector<WordLookup> out;
  for (const Condition& ways : all_) {
    for (const Needle& needle : ways) {
      if (is_name(name_kinds, needle)) {
        out.push_back({nullptr, &needle.pieces, nullptr});
        continue;
      }
      for (const NeedleRun& run : needle.runs) out.push_back({&run, nullptr, nullptr});
      const bool is_asked = !needle.one_run && !needle.whole && (needle.kinds & name_kinds) != 0;
      if (is_asked) out.push_back({nullptr, nullptr, &needle.pieces});
    }
  }
  return out;
}

std::vector<std::string_view> WordSearch::ids() const {
  std::vector<std::string_view> out;
  for (const Condition& ways : all_)
    for (const Needle& needle : ways)
      for (const NeedleRun& run : needle.runs)
        if (run.is_id && !run.may_be_in_id) out.push_back(run.bytes);
  return out;
}

Result<bool> WordSearch::may_have(WordSource& index, const Needle& needle, Asked& asked) {
  if (is_name(index.name_kinds(), needle)) {
    asked.words.push_back(index.names_like(needle.pieces));
    asked.marks.emplace_back();
    asked.ids.emplace_back();
    if (const auto number = index.mark(kUnnamedMark)) asked.marks.back().push_back(*number);
    return !asked.words.back().empty() || !asked.marks.back().empty();
  }
  const auto id_mark = index.mark(kIdMark);
  if (id_mark) asked.with_ids.push_back(*id_mark);
  for (const NeedleRun& run : needle.runs) {
    auto& words = asked.words.emplace_back(index.words_with(run));
    auto& marks = asked.marks.emplace_back();
    auto& ids = asked.ids.emplace_back();
    const auto add = [&](bool when, std::string_view mark) {
      if (!when) return;
      if (const auto number = index.mark(mark)) marks.push_back(*number);
    };
    const bool is_known = run.is_id && !run.may_be_in_id && id_mark && index.has_ids();
    if (is_known) {
      TT_ASSIGN(ids, index.groups_of_id(run.bytes));
    }
    add(run.may_be_in_id || (run.is_id && !is_known), kIdMark);
    add(run.longer_than_step, kLongMark);
    add(true, kCutMark);
    if (words.empty() && marks.empty() && ids.empty()) return false;
  }
  if (needle.one_run || needle.whole) return true;
  asked.names = index.names_with(needle.pieces);
  if (const auto number = index.mark(kUnnamedMark)) asked.unnamed.push_back(*number);
  return true;
}

/// The groups whose ids may be the run, and that have ids in texts of one of the kinds.
Result<> WordSearch::add_ids(WordSource& index, const Asked& asked, std::size_t run, storage::TextKinds kinds,
                             Bitmap& groups) {
  if (asked.ids[run].empty()) return {};
  Bitmap some(groups.size());
  Bitmap with_ids(groups.size());
  for (const std::uint32_t group : asked.ids[run]) some.set(group);
  TT_TRY(index.add_groups(asked.with_ids, kinds, with_ids));
  some &= with_ids;
  groups |= some;
  return {};
}

/// Of one kind, since all of it stands in one text: where texts are kept as a whole, they tell.
Result<> WordSearch::ask_text(WordSource& index, const Needle& needle, storage::TextKinds kind,
                              const Asked& asked, Groups& into) {
  Bitmap possible(into.possible.size(), true);
  if (!needle.whole && (index.name_kinds() & kind) != 0) {
    Bitmap sure(possible.size());
    TT_TRY(index.add_groups(asked.names, kind, sure));
    into.sure |= sure;
    into.possible |= sure;
    possible = Bitmap(possible.size());
    TT_TRY(index.add_groups(asked.unnamed, kind, possible));
  }
  for (std::size_t r = 0; r < asked.words.size() && !possible.none(); ++r) {
    Bitmap groups(possible.size());
    TT_TRY(index.add_groups(asked.words[r], kind, groups));
    TT_TRY(index.add_groups(asked.marks[r], kind, groups));
    TT_TRY(add_ids(index, asked, r, kind, groups));
    possible &= groups;
  }
  into.possible |= possible;
  return {};
}

Result<> WordSearch::ask_needle(WordSource& index, const Needle& needle, const Asked& asked, Groups& into) {
  if (needle.one_run || is_name(index.name_kinds(), needle)) {
    TT_TRY(index.add_groups(asked.words[0], needle.kinds, into.sure));
    into.possible |= into.sure;
    TT_TRY(index.add_groups(asked.marks[0], needle.kinds, into.possible));
    return add_ids(index, asked, 0, needle.kinds, into.possible);
  }
  for (unsigned k = 0; k < storage::kTextKinds; ++k) {
    const auto kind = static_cast<storage::TextKinds>(1U << k);
    if ((needle.kinds & kind) != 0) TT_TRY(ask_text(index, needle, kind, asked, into));
  }
  return {};
}

Result<std::optional<WordSearch::Groups>> WordSearch::ask(WordSource& index) const {
  // First the words alone: most blocks have none of those that are looked for seldom.
  std::vector<std::vector<std::optional<Asked>>> asked(all_.size());
  for (std::size_t c = 0; c < all_.size(); ++c) {
    bool any = false;
    for (const Needle& needle : all_[c]) {
      Asked& words = asked[c].emplace_back().emplace();
      TT_ASSIGN(const bool may, may_have(index, needle, words));
      if (!may) asked[c].back().reset();
      any = any || may;
    }
    if (!any) return std::optional<Groups>();
  }
  TT_ASSIGN(const Bitmap lone, index.lone_groups());
  Groups out{Bitmap(lone.size(), exact_), Bitmap(lone.size(), true)};
  // Conditions hold of one row, which the groups of each do not tell but where there is only one.
  if (all_.size() > 1) out.sure &= lone;
  for (std::size_t c = 0; c < all_.size(); ++c) {
    Groups some{Bitmap(lone.size()), Bitmap(lone.size())};
    for (std::size_t n = 0; n < all_[c].size(); ++n)
      if (asked[c][n]) TT_TRY(ask_needle(index, all_[c][n], *asked[c][n], some));
    out.possible &= some.possible;
    out.sure &= some.sure;
  }
  if (out.possible.none()) return std::optional<Groups>();
  return std::optional<Groups>(std::move(out));
}

WordSearch::Answer WordSearch::ask(const EventRow& row, storage::EventTexts& texts,
                                   unsigned message_kind) const {
  std::vector<std::vector<bool>> found;
  for (const Condition& ways : all_) found.emplace_back(ways.size());
  std::string scratch;
  const auto look = [&](unsigned kind, std::string_view text) {
    scratch.clear();
    for (std::size_t c = 0; c < all_.size(); ++c) {
      for (std::size_t n = 0; n < all_[c].size(); ++n) {
        const Needle& needle = all_[c][n];
        if (found[c][n] || (needle.kinds >> kind & 1) == 0) continue;
        if (needle.whole) {
          found[c][n] = is_whole(text, needle.pieces);
          continue;
        }
        if (scratch.empty()) scratch = folded_text(text);
        found[c][n] = says_in_order(scratch, needle.pieces);
      }
    }
  };
  look(message_kind, row.message);
  if (!row.payload.empty()) texts.read(row.payload, look);
  for (const std::vector<bool>& ways : found)
    if (std::find(ways.begin(), ways.end(), true) == ways.end()) return Answer::no;
  return exact_ ? Answer::sure : Answer::possible;
}

}  // namespace telltale::eventdb
