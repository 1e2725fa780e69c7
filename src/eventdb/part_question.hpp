// A question about words as it is asked of the words of a part: first each page of words, by whichever thread
// has time, then the sets of what was found.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "eventdb/part.hpp"
#include "eventdb/part_word_cache.hpp"
#include "eventdb/part_words.hpp"
#include "eventdb/word_search.hpp"

namespace telltale::eventdb {

/// scan() of different pages may run at a time; all else is not thread-safe. Errors: those of reading;
/// corruption.
class PartQuestion final : public WordSource {
 public:
  /// The part has words. The search stays where it is.
  static Result<std::unique_ptr<PartQuestion>> open(std::shared_ptr<const Part> part,
                                                    const WordSearch& search);

  std::size_t pages() const { return hits_.size(); }
  /// Once each. `now`: the cache's.
  Result<> scan(std::size_t page, PartWordCache& cache, Nanos now);
  /// When all pages were. nullopt: no group. What ids say is left out.
  Result<std::optional<WordSearch::Groups>> ask();

  struct Group {
    std::uint32_t number = 0;
    std::uint64_t key = 0;
    PartGroup name;
  };
  Result<std::vector<Group>> names(const Bitmap& groups) const;
  /// Of each, the blocks that have rows of it. `groups` rise.
  Result<std::vector<std::vector<GroupBlock>>> blocks(const std::vector<std::uint32_t>& groups) const;

  storage::TextKinds name_kinds() const override { return words_.pages().name_kinds; }
  std::vector<std::uint32_t> names_like(const std::vector<std::string>& pieces) const override;
  std::vector<std::uint32_t> names_with(const std::vector<std::string>& pieces) const override;
  std::vector<std::uint32_t> words_with(const NeedleRun& run) const override;
  std::optional<std::uint32_t> mark(std::string_view mark) const override;
  /// Blocks are asked for ids: here, no group says one.
  bool has_ids() const override { return true; }
  Result<std::vector<std::uint32_t>> groups_of_id(std::string_view) override {
    return std::vector<std::uint32_t>();
  }
  Result<Bitmap> lone_groups() override { return words_.lone(); }
  Result<> add_groups(const std::vector<std::uint32_t>& words, storage::TextKinds kinds,
                      Bitmap& groups) override;

 private:
  PartQuestion(std::shared_ptr<const Part> part, PartWords words, const WordSearch& search)
      : part_(std::move(part)),
        words_(std::move(words)),
        search_(search),
        lookups_(search.lookups(words_.pages().name_kinds)),
        sets_(*part_, words_.pages(), words_.groups()),
        hits_(words_.pages().names.size() + words_.pages().words.size()) {}
  using Uses = std::vector<PartWordUse>;
  /// Numbers of what was found for it, in found_.
  template <class Is>
  std::vector<std::uint32_t> found(Is is) const;

  const std::shared_ptr<const Part> part_;
  const PartWords words_;
  const WordSearch& search_;
  const std::vector<WordLookup> lookups_;
  PartWordSets sets_;
  std::vector<std::vector<Uses>> hits_;  // of each page, each lookup
  Uses found_;                           // of each lookup; numbers of marks stand behind
  std::vector<std::uint32_t> ends_;      // of lookups, in there
};

}  // namespace telltale::eventdb
