#include "eventdb/part_words_builder.hpp"

#include <algorithm>
#include <optional>

namespace telltale::eventdb {

Result<std::vector<std::uint32_t>> PartWordsBuilder::number_groups(
    const std::vector<IndexedGroup>& groups, const std::vector<std::shared_ptr<Block>>& sources,
    const std::vector<MergedRow>& rows) {
  std::vector<std::optional<GroupColumns>> names(sources.size());
  std::vector<std::uint32_t> out;
  for (const IndexedGroup& group : groups) {
    const auto [at, is_new] = numbers_.try_emplace(group.key, static_cast<std::uint32_t>(groups_.size()));
    out.push_back(at->second);
    if (!is_new) continue;
    const MergedRow& row = rows[group.row];
    Block& block = *sources[row.source];
    if (!names[row.source]) {
      TT_ASSIGN(names[row.source], GroupColumns::open(block, words_.group));
    }
    TT_ASSIGN(const std::int64_t project, block.int_at(Column::project, row.row));
    const ProjectId of{static_cast<std::uint32_t>(project)};
    std::optional<std::string_view> text;
    if (names[row.source]) {
      TT_ASSIGN(text, names[row.source]->text_of(row.row));
    }
    if (!text || word_group_key(of, *text) != group.key)
      return tl::unexpected<Error>(
          block.source().damage(Error(ErrorKind::corruption, "word index: a group that its row is not of")));
    groups_.push_back({of, std::string(*text)});
  }
  return out;
}

Result<> PartWordsBuilder::add(std::uint32_t number, std::shared_ptr<const BlockSource> source,
                               const WordPlace& place, const std::vector<std::shared_ptr<Block>>& sources,
                               const std::vector<MergedRow>& rows) {
  ++blocks_;
  if (!place.made() && !taken_over_.empty()) give_up();  // its groups are not known
  if (is_full_ || !place.made()) return {};
  TT_ASSIGN(auto index, WordIndex::open(std::move(source), place, rows.size()));
  // A block that was made when other texts were names is asked itself; but then all of them are.
  if (index->name_kinds() != words_.names) {
    give_up();
    return {};
  }
  TT_ASSIGN(const auto* groups, index->groups());
  TT_ASSIGN(auto numbers, number_groups(*groups, sources, rows));
  if (groups_.size() > kMaxPartGroups || group_blocks_.size() + numbers.size() > kMaxPartGroupBlocks) {
    give_up();
    return {};
  }
  for (std::size_t g = 0; g < numbers.size(); ++g)
    group_blocks_.push_back(std::uint64_t{numbers[g]} << 32 | std::uint64_t{number} << 1 |
                            ((*groups)[g].alone ? 1 : 0));
  if (!taken_over_.empty()) return {};
  TT_ASSIGN(auto stream, stream_of_block(std::move(index), std::move(numbers)));
  pending_.push_back(std::move(stream));
  return pending_.size() < kWordMergeWidth ? Result<>() : merge_blocks();
}

void PartWordsBuilder::give_up() {
  is_full_ = true;
  groups_ = {};
  numbers_ = {};
  group_blocks_ = {};
  pending_.clear();
  levels_.clear();
  taken_over_.clear();
}

Result<> PartWordsBuilder::take_over(const std::vector<std::shared_ptr<const Part>>& parts) {
  bool is_any = false;
  for (const auto& part : parts) {
    auto& taken = taken_over_.emplace_back(part, std::nullopt);
    if (part->words().size == 0) continue;
    TT_ASSIGN(taken.second, PartWords::open(*part, part->words(), part->blocks().size()));
    is_any = true;
    if (taken.second->pages().name_kinds != words_.names) is_any = false;
    if (!is_any) break;
  }
  if (!is_any) taken_over_.clear();
  return {};
}

Result<std::vector<std::uint32_t>> PartWordsBuilder::numbers_of(const std::vector<std::uint64_t>& keys,
                                                                const BlockSource& source) const {
  std::vector<std::uint32_t> out;
  out.reserve(keys.size());
  for (const std::uint64_t key : keys) {
    const auto at = numbers_.find(key);
    if (at == numbers_.end())
      return tl::unexpected<Error>(
          source.damage(Error(ErrorKind::corruption, "words of the part: a group that no row is of")));
    out.push_back(at->second);
  }
  return out;
}

Result<> PartWordsBuilder::add_streams(const std::shared_ptr<const Part>& part, const PartWords& words,
                                       Streams& streams) const {
  std::vector<std::uint64_t> keys;
  for (std::size_t page = 0; keys.size() < words.groups(); ++page) {
    TT_ASSIGN(const auto names, words.names(*part, page));
    for (const PartGroup& group : names) keys.push_back(word_group_key(group.project, group.text));
  }
  TT_ASSIGN(auto numbers, numbers_of(keys, *part));
  streams.push_back(stream_of_list(part, words.pages(), words.groups(), std::move(numbers)));
  return {};
}

Result<> PartWordsBuilder::add_streams_of_blocks(const std::shared_ptr<const Part>& part, Streams& streams) {
  for (const BlockMeta& meta : part->blocks()) {
    TT_ASSIGN(auto index, WordIndex::open(part, meta.words, meta.rows));
    if (index->name_kinds() != words_.names) {
      give_up();
      return {};
    }
    TT_ASSIGN(const auto* groups, index->groups());
    std::vector<std::uint64_t> keys;
    for (const IndexedGroup& group : *groups) keys.push_back(group.key);
    TT_ASSIGN(auto numbers, numbers_of(keys, *part));
    TT_ASSIGN(auto stream, stream_of_block(std::move(index), std::move(numbers)));
    streams.push_back(std::move(stream));
  }
  return {};
}

Result<std::optional<PartWordsBuilder::List>> PartWordsBuilder::merged(Streams streams) {
  auto memory = std::make_shared<MemoryBytes>();
  const auto groups = static_cast<std::uint32_t>(groups_.size());
  TT_ASSIGN(auto pages, merge_word_streams(std::move(streams), words_.names, groups, *memory));
  if (!pages) return std::optional<List>();
  return std::optional<List>(List{std::move(memory), *std::move(pages), groups});
}

Result<> PartWordsBuilder::merge_blocks() {
  TT_ASSIGN(auto list, merged(std::exchange(pending_, {})));
  if (!list) {
    give_up();
    return {};
  }
  if (levels_.empty()) levels_.emplace_back();
  levels_.front().push_back(*std::move(list));
  return merge_lists(0);
}

Result<> PartWordsBuilder::merge_lists(std::size_t level) {
  if (levels_[level].size() < kWordMergeWidth) return {};
  Streams streams;
  for (List& list : std::exchange(levels_[level], {}))
    streams.push_back(stream_of_list(std::move(list.source), std::move(list.pages), list.groups));
  TT_ASSIGN(auto list, merged(std::move(streams)));
  if (!list) {
    give_up();
    return {};
  }
  if (levels_.size() == level + 1) levels_.emplace_back();
  levels_[level + 1].push_back(*std::move(list));
  return merge_lists(level + 1);
}

Result<> PartWordsBuilder::write_groups(PartWords::Content& content, BlockSink& sink) {
  std::sort(group_blocks_.begin(), group_blocks_.end());
  content.groups = static_cast<std::uint32_t>(groups_.size());
  content.lone = Bitmap(groups_.size());
  auto at = group_blocks_.begin();
  for (std::size_t begin = 0; begin < groups_.size(); begin += kPartGroupsAPage) {
    const std::size_t count = std::min(kPartGroupsAPage, groups_.size() - begin);
    std::vector<std::vector<GroupBlock>> blocks(count);
    for (std::size_t g = 0; g < count; ++g) {
      for (; at != group_blocks_.end() && *at >> 32 == begin + g; ++at)
        blocks[g].push_back({static_cast<std::uint32_t>(*at) >> 1, (*at & 1) != 0});
      if (blocks[g].size() == 1 && blocks[g].front().alone) content.lone.set(begin + g);
    }
    PartWords::GroupPage& page = content.group_pages.emplace_back();
    TT_ASSIGN(page.names, sink.put(encode_part_groups(std::span(groups_).subspan(begin, count))));
    TT_ASSIGN(page.blocks, sink.put(encode_group_blocks(blocks)));
  }
  return {};
}

Result<io::BlockHandle> PartWordsBuilder::write(BlockSink& sink) {
  if (is_full_ || blocks_ < kLeastPartWordBlocks || groups_.empty()) return io::BlockHandle{};
  Streams streams = std::exchange(pending_, {});
  for (auto& level : levels_)
    for (List& list : level)
      streams.push_back(stream_of_list(std::move(list.source), std::move(list.pages), list.groups));
  levels_.clear();
  for (const auto& [part, words] : std::exchange(taken_over_, {})) {
    if (words) {
      TT_TRY(add_streams(part, *words, streams));
    } else {
      TT_TRY(add_streams_of_blocks(part, streams));
    }
    if (is_full_) return io::BlockHandle{};
  }
  TT_ASSIGN(auto pages, merge_word_streams(std::move(streams), words_.names,
                                           static_cast<std::uint32_t>(groups_.size()), sink));
  if (!pages) return io::BlockHandle{};
  PartWords::Content content;
  content.pages = *std::move(pages);
  TT_TRY(write_groups(content, sink));
  return sink.put(PartWords::encode(content));
}

}  // namespace telltale::eventdb
