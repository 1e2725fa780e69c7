// What a search asks of an index of words, be it of a block or of a part: which words and names have a
// needle, and which groups say those.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eventdb/bitmap.hpp"
#include "eventdb/word_split.hpp"
#include "storage/event_words.hpp"

namespace telltale::eventdb {

/// Not thread-safe. Errors: those of reading; corruption.
class WordSource {
 public:
  virtual ~WordSource() = default;
  virtual storage::TextKinds name_kinds() const = 0;

  // Numbers stand for names, words and marks; they are for add_groups() of the same source.
  /// The names that are the pieces with anything between them.
  virtual std::vector<std::uint32_t> names_like(const std::vector<std::string>& pieces) const = 0;
  /// The names that say the folded pieces, in this order, whatever the case.
  virtual std::vector<std::uint32_t> names_with(const std::vector<std::string>& pieces) const = 0;
  /// The words that have the run in them. Marks are no words.
  virtual std::vector<std::uint32_t> words_with(const NeedleRun& run) const = 0;
  /// A mark (word_split.hpp) as a word.
  virtual std::optional<std::uint32_t> mark(std::string_view mark) const = 0;

  /// Whether groups_of_id() tells which groups say an id; else they are those that the mark has.
  virtual bool has_ids() const = 0;
  /// Groups that may say the folded id.
  virtual Result<std::vector<std::uint32_t>> groups_of_id(std::string_view id) = 0;

  /// A bit a group: of one row only.
  virtual Result<Bitmap> lone_groups() = 0;
  /// Sets the groups that have one of the words in a text of one of the kinds.
  virtual Result<> add_groups(const std::vector<std::uint32_t>& words, storage::TextKinds kinds,
                              Bitmap& groups) = 0;
};

}  // namespace telltale::eventdb
