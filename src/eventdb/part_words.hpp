// The words of a whole part, out of the word indexes of its blocks: what a hundred blocks say alike stands
// once. It answers which groups of the part say a word, what these are called, and which blocks have rows of
// them. Names and words are sorted and cut into pages, each with the sets of groups of its texts, so that
// several threads can look through them; sets stand in pages of their own, but those of one group. Ids are
// left out: of these, blocks are asked (word_ids.hpp). Bytes: docs/formats/eventdb.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "eventdb/bitmap.hpp"
#include "eventdb/block_source.hpp"
#include "eventdb/word_limits.hpp"
#include "eventdb/word_list.hpp"
#include "storage/event_words.hpp"

namespace telltale::eventdb {

/// A text is said in texts of these kinds by these groups.
struct PartWordUse {
  storage::TextKinds kinds = 0;
  std::uint32_t who = 0;  // 2 · number of a set, or 2 · number of a group + 1: only that one
};

/// Where words and sets stand; groups are numbers.
struct PartWordPages {
  struct Mark {
    char mark = 0;
    std::vector<PartWordUse> uses;
  };
  struct TextPage {
    std::uint32_t count = 0;
    io::BlockHandle handle;
  };
  struct SetPage {
    std::uint32_t first = 0;
    io::BlockHandle handle;
  };
  storage::TextKinds name_kinds = 0;  // whose texts are names
  std::vector<Mark> marks;
  std::vector<TextPage> names;
  std::vector<TextPage> words;
  std::uint32_t sets = 0;
  std::vector<SetPage> set_pages;
};

/// Names or words, and who says them. Copies share what was unpacked.
class PartWordPage {
 public:
  /// Errors: those of reading; corruption.
  static Result<PartWordPage> read(const BlockSource& source, const PartWordPages::TextPage& page);
  std::string_view list() const { return raw_->list; }
  /// Of what copies share.
  std::size_t memory_bytes() const { return raw_->bytes.size() + raw_->packed.view.size(); }
  /// `groups` and `sets`: how many there are.
  Result<> open_uses(const BlockSource& source, std::uint32_t groups, std::uint32_t sets);
  /// Of a text, by its number in the page; open_uses() first.
  std::span<const PartWordUse> uses(std::uint32_t number) const {
    const std::uint32_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::span(uses_).subspan(begin, ends_[number] - begin);
  }

 private:
  struct Raw {
    std::string bytes;
    std::string_view list;
    std::size_t count = 0;
    Bytes packed;
    std::string_view packed_uses;
  };
  std::shared_ptr<const Raw> raw_;
  std::vector<std::uint32_t> ends_;
  std::vector<PartWordUse> uses_;
};

/// Not thread-safe; `pages` and the source outlive it. Pages stay once they are read.
class PartWordSets {
 public:
  PartWordSets(const BlockSource& source, const PartWordPages& pages, std::uint32_t groups)
      : source_(source), pages_(pages), groups_(groups), opened_(pages.set_pages.size()) {}
  Result<> add(std::uint32_t who, Bitmap& groups);
  Result<> add(std::uint32_t who, std::vector<std::uint32_t>& groups);

 private:
  struct Opened {
    std::string bytes;
    std::vector<std::uint32_t> begins;
  };
  template <class F>
  Result<> visit(std::uint32_t who, F f);
  Result<const Opened*> open(std::size_t number);
  const BlockSource& source_;
  const PartWordPages& pages_;
  const std::uint32_t groups_;
  std::vector<Opened> opened_;
};

struct PartGroup {
  ProjectId project;
  std::string text;
};
/// A block that has rows of a group.
struct GroupBlock {
  std::uint32_t number = 0;
  bool alone = false;  // one row
};

/// What leads to all of it. Immutable; thread-safe.
class PartWords {
 public:
  struct GroupPage {
    io::BlockHandle names;
    io::BlockHandle blocks;
  };
  struct Content {
    PartWordPages pages;
    std::uint32_t groups = 0;
    Bitmap lone;  // groups that have one row
    std::vector<GroupPage> group_pages;
  };
  static std::string encode(const Content& content);
  /// `blocks` of the part. Errors: those of reading; corruption.
  static Result<PartWords> open(const BlockSource& source, io::BlockHandle directory, std::size_t blocks);

  const PartWordPages& pages() const { return content_.pages; }
  std::uint32_t groups() const { return content_.groups; }
  const Bitmap& lone() const { return content_.lone; }
  const std::vector<GroupPage>& group_pages() const { return content_.group_pages; }
  /// Of groups page · kPartGroupsAPage and on.
  Result<std::vector<PartGroup>> names(const BlockSource& source, std::size_t page) const;
  /// The same groups' blocks, rising.
  Result<std::vector<std::vector<GroupBlock>>> blocks(const BlockSource& source, std::size_t page) const;

 private:
  std::size_t groups_of_page(std::size_t page) const;
  Content content_;
  std::size_t blocks_ = 0;
};

void put_part_uses(ByteWriter& out, std::span<const PartWordUse> uses);
std::string encode_part_groups(std::span<const PartGroup> groups);
std::string encode_group_blocks(std::span<const std::vector<GroupBlock>> blocks);

}  // namespace telltale::eventdb
