// Makes a block's word index, out of rows' texts or of the indexes of blocks that become part of it. Texts
// come again and again: what a text is made of is remembered by its hash, and that a group has said it.
#pragma once

#include <compare>
#include <memory>
#include <span>
#include <unordered_map>

#include "eventdb/word_index.hpp"

namespace telltale::eventdb {

/// Not thread-safe; one block.
class WordIndexBuilder {
 public:
  /// `names`: storage::WordIndexing's.
  explicit WordIndexBuilder(storage::TextKinds names);

  /// What is added next is of this row.
  void begin_row(ProjectId project, std::string_view group, std::uint32_t row);
  void add(unsigned kind, std::string_view text);
  /// Everything of another block, whose name_kinds() are this one's; `rows` says where each of its rows is in
  /// this one.
  Result<> add_index(WordIndex& index, std::span<const std::uint32_t> rows);
  Result<WordPlace> write(BlockSink& sink);

 private:
  /// A word that a group has in texts of some kinds.
  struct Mark {
    std::uint32_t word = 0;
    std::uint32_t group = 0;  // above 8 bits of kinds
    auto operator<=>(const Mark&) const = default;
  };
  struct KnownText {
    std::uint64_t hash = 0;
    std::uint32_t begin = 0;  // of its words, in text_words_
    std::uint32_t count = 0;
    std::uint32_t ids_begin = 0;  // in text_ids_
    std::uint32_t ids = 0;
  };

  std::uint32_t group_of(std::uint64_t key, std::uint32_t row, bool alone);
  /// False once there are too many.
  bool number_of(std::string_view word, std::uint32_t& number);
  void add_word(std::string_view word);
  void add_name(std::string_view text);
  void grow();
  /// False, and full, when there is none for so many more marks.
  bool has_room(std::size_t marks);
  void mark(std::uint32_t word, std::uint32_t group, storage::TextKinds kinds);
  std::string_view word(std::uint32_t number) const;
  std::vector<Mark> marks_by_word(std::vector<std::size_t>& ends) const;
  WordIndexContent content();
  /// `groups`: their numbers here.
  Result<> add_ids(WordIndex& index, const std::vector<std::uint32_t>& groups);

  const storage::TextKinds names_;
  bool is_full_ = false;  // a limit was passed: there will be no index
  std::uint32_t group_ = 0;
  std::vector<IndexedGroup> groups_;
  std::unordered_map<std::uint64_t, std::uint32_t> group_numbers_;  // by key

  std::string word_bytes_;  // names among them, with kNamePrefix
  std::vector<std::uint32_t> word_ends_;
  std::vector<std::uint32_t> word_hashes_;
  std::vector<std::uint32_t> slots_;  // word + 1
  std::vector<Mark> marks_;

  WordSplitter splitter_;
  std::string name_;
  const std::uint64_t seed_;  // nobody can make up texts whose hashes are the same
  std::vector<std::uint64_t>
      known_pairs_;  // (text, group) and (word, group), by hash; newer ones replace older
  std::vector<KnownText> known_texts_;
  std::vector<std::uint32_t> text_words_;
  std::vector<std::uint32_t> text_ids_;  // hashes
  WordIdsBuilder ids_;
};

}  // namespace telltale::eventdb
