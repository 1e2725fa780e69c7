// A question about words (storage::WordQuery) made ready to be asked of the word index of a block, and of a
// row.
#pragma once

#include <optional>
#include <vector>

#include "eventdb/word_index.hpp"

namespace telltale::eventdb {

/// What a search looks for in lists of words and names: one of these.
struct WordLookup {
  const NeedleRun* run = nullptr;                  // words_with()
  const std::vector<std::string>* like = nullptr;  // names_like()
  const std::vector<std::string>* with = nullptr;  // names_with()
};

/// Immutable; thread-safe.
class WordSearch {
 public:
  /// nullopt: an index cannot answer, since a needle is without letters and digits.
  static std::optional<WordSearch> make(const storage::WordQuery& query);

  /// Groups of the block, by their numbers.
  struct Groups {
    Bitmap sure;      // have a row that satisfies the query
    Bitmap possible;  // may have one; those that are sure, too
  };
  /// All that ask() will look for in a source with these names; valid as long as this stays where it is.
  std::vector<WordLookup> lookups(storage::TextKinds name_kinds) const;
  /// The ids among that, folded: those that has_ids() is about.
  std::vector<std::string_view> ids() const;
  /// Whether some groups may be sure.
  bool is_exact() const { return exact_; }
  /// Whether several conditions must hold of one row.
  bool has_several_conditions() const { return all_.size() > 1; }
  /// nullopt: none.
  Result<std::optional<Groups>> ask(WordSource& index) const;

  enum class Answer : unsigned char { no, possible, sure };
  /// Of a row with the payload that `texts` reads.
  Answer ask(const EventRow& row, storage::EventTexts& texts, unsigned message_kind) const;

 private:
  struct Needle {
    storage::TextKinds kinds = 0;
    bool whole = false;
    bool one_run = false;  // and nothing but stars: where it is in a word, the needle is in the text
    std::vector<std::string> pieces;  // folded, but of a whole text
    std::vector<NeedleRun> runs;
  };
  using Condition = std::vector<Needle>;  // one of them
  struct Asked;

  static bool is_name(storage::TextKinds name_kinds, const Needle& needle) {
    return needle.whole && (needle.kinds & ~name_kinds) == 0;
  }
  static Result<bool> may_have(WordSource& index, const Needle& needle, Asked& asked);
  static Result<> add_ids(WordSource& index, const Asked& asked, std::size_t run, storage::TextKinds kinds,
                          Bitmap& groups);
  static Result<> ask_text(WordSource& index, const Needle& needle, storage::TextKinds kind,
                           const Asked& asked, Groups& into);
  static Result<> ask_needle(WordSource& index, const Needle& needle, const Asked& asked, Groups& into);

  std::vector<Condition> all_;
  bool exact_ = true;
};

}  // namespace telltale::eventdb
