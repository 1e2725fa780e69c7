// The word index of one block: its words, and for each the groups of rows whose texts have it, by kind of
// text. A group is a project and the text of one attribute; here it is a number, with a hash that is the same
// in every block and a row that says its name. Sets of groups that are equal stand once: most words come
// together with others. Three steps, each only when the one before found something: the words (one string
// that is searched as a whole), what sets each has, the sets in pages. Bytes: docs/formats/eventdb.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.hpp"
#include "eventdb/block_source.hpp"
#include "eventdb/part_format.hpp"
#include "eventdb/word_ids.hpp"
#include "eventdb/word_list.hpp"
#include "eventdb/word_source.hpp"
#include "storage/event_words.hpp"

namespace telltale::eventdb {

/// The same in every block.
std::uint64_t word_group_key(ProjectId project, std::string_view group);

struct IndexedGroup {
  std::uint64_t key = 0;
  std::uint32_t row = 0;  // one of the block's that is of the group
  bool alone = true;      // no other is
};

/// What a word index is encoded from.
struct WordIndexContent {
  struct Use {
    storage::TextKinds kinds = 0;
    std::uint32_t set = 0;
  };
  storage::TextKinds name_kinds = 0;    // whose texts are names
  std::vector<std::string_view> names;  // whole texts; sorted, distinct
  std::vector<std::string_view> words;  // the same
  std::vector<std::vector<Use>> uses;   // of each name, then of each word; kinds apart from each other
  std::vector<IndexedGroup> groups;
  std::vector<std::vector<std::uint32_t>> sets;  // of numbers of groups, rising
};
/// `impossible` when it would be more than kMaxWordIndexBytes.
Result<WordPlace> write_word_index(const WordIndexContent& content, BlockSink& sink);

/// Open for reading. Not thread-safe. Errors: those of reading; corruption.
class WordIndex final : public WordSource {
 public:
  /// Reads the words only. `rows` of the block.
  static Result<std::unique_ptr<WordIndex>> open(std::shared_ptr<const BlockSource> source,
                                                 const WordPlace& place, std::size_t rows);

  storage::TextKinds name_kinds() const override { return name_kinds_; }
  // Names and words are numbered together.
  std::vector<std::uint32_t> names_like(const std::vector<std::string>& pieces) const override {
    return eventdb::names_like(names_text_, pieces);
  }
  std::vector<std::uint32_t> names_with(const std::vector<std::string>& pieces) const override {
    return eventdb::names_with(names_text_, pieces);
  }
  std::vector<std::uint32_t> words_with(const NeedleRun& run) const override;
  std::optional<std::uint32_t> mark(std::string_view mark) const override;

  bool has_ids() const override { return place_.ids.size > 0; }
  Result<std::vector<std::uint32_t>> groups_of_id(std::string_view id) override;
  /// All of them; has_ids(). Hash above group, of the hashes the upper `bits`.
  Result<std::vector<std::uint64_t>> ids(unsigned& bits);

  Result<const std::vector<IndexedGroup>*> groups();
  Result<Bitmap> lone_groups() override;
  Result<> add_groups(const std::vector<std::uint32_t>& words, storage::TextKinds kinds,
                      Bitmap& groups) override;
  /// The content again; views live as long as this does.
  Result<WordIndexContent> content();
  /// Memory that the opened pieces take.
  std::size_t memory_bytes() const;

 private:
  struct Page {
    std::uint32_t first_set = 0;
    std::size_t begin = 0;  // in sets_bytes_
    std::size_t size = 0;
    std::string bytes;                  // once it is opened
    std::vector<std::uint32_t> begins;  // of its sets, in there
  };
  WordIndex(std::shared_ptr<const BlockSource> source, const WordPlace& place, std::size_t rows)
      : source_(std::move(source)), place_(place), rows_(rows) {}
  Result<> read_words();
  Result<> read_uses();
  Result<Page*> page_of(std::uint32_t set);
  /// Calls f(first, end) for runs of groups of the set.
  template <class F>
  Result<> visit(std::uint32_t set, F f);
  tl::unexpected<Error> damaged(std::string_view what) const;

  const std::shared_ptr<const BlockSource> source_;
  const WordPlace place_;
  const std::size_t rows_;
  storage::TextKinds name_kinds_ = 0;
  std::string raw_;
  std::string_view names_text_;  // in raw_: a line end before, between and behind them
  std::string_view text_;        // of words: the same
  std::size_t names_ = 0;
  std::size_t words_ = 0;
  bool has_uses_ = false;
  std::vector<std::uint32_t> use_ends_;  // of each name and word, in uses_
  std::vector<WordIndexContent::Use> uses_;
  std::vector<IndexedGroup> groups_;
  Bytes sets_bytes_;
  std::uint32_t sets_ = 0;
  std::vector<Page> pages_;
};

}  // namespace telltale::eventdb
