// Which groups have rows that say words. The words of a part are asked first, where it has some: they tell
// the groups of all its blocks. Blocks' own indexes are asked where there are none, for ids (of which parts
// know nothing), and where a part's cannot tell: a time range cuts the part, a phrase, conditions that hold
// of one row; then only of blocks that have such a group, and first of a few of them. All by the asking
// thread and the query pool's. Rows of the head that are not columns yet are looked at.
#include <algorithm>
#include <set>

#include "base/parallel.hpp"
#include "eventdb/engine.hpp"
#include "eventdb/groups_found.hpp"
#include "eventdb/part_question.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kRowsBetweenWordChecks = 256;
/// Less work than this many pages or blocks is not worth waking threads for.
constexpr std::size_t kIndexesWorthHelp = 8;
/// Of groups that a part's words do not settle, so often one block each is asked before all are.
constexpr int kRoundsOfOneBlock = 3;

/// One question, from its blocks and parts to what was found.
class WordQuestion {
 public:
  WordQuestion(const storage::WordQuery& query, const WordSearch& search, GroupsFound& found,
               WorkContext& context, Helpers helpers, PartWordCache& cache, Nanos now)
      : query_(query),
        search_(search),
        found_(found),
        context_(context),
        helpers_(helpers),
        cache_(cache),
        now_(now) {}

  void add(BlockRef block) { blocks_.push_back(std::move(block)); }
  /// `in_question`: blocks of the part.
  void add(const std::shared_ptr<const Part>& part, const std::vector<std::uint32_t>& in_question) {
    const bool few = in_question.size() < kLeastPartWordBlocks;
    if (part->words().size == 0 || few) {
      for (const std::uint32_t b : in_question) blocks_.push_back({part, nullptr, b});
      return;
    }
    AskedPart& asked = parts_.emplace_back();
    asked.part = part;
    asked.is_covered =
        std::all_of(part->blocks().begin(), part->blocks().end(), [this](const BlockMeta& meta) {
          return query_.range.contains(meta.min_time) && query_.range.contains(meta.max_time);
        });
    asked.is_open.resize(part->blocks().size());
    for (const std::uint32_t b : in_question) {
      // Those without an index are not in the part's words either.
      if (part->blocks()[b].words.made()) {
        asked.is_open[b] = true;
      } else {
        blocks_.push_back({part, nullptr, b});
      }
    }
  }

  Result<> run() {
    TT_TRY(in_parallel(parts_.size(), [this](std::size_t p) -> Result<> {
      TT_ASSIGN(parts_[p].question, PartQuestion::open(parts_[p].part, search_));
      return {};
    }));
    struct Page {
      AskedPart* part = nullptr;
      std::size_t page = 0;
    };
    std::vector<Page> pages;
    for (AskedPart& asked : parts_)
      for (std::size_t page = 0; page < asked.question->pages(); ++page) pages.push_back({&asked, page});
    TT_TRY(in_parallel(pages.size(), [&](std::size_t i) {
      return pages[i].part->question->scan(pages[i].page, cache_, now_);
    }));
    TT_TRY(in_parallel(parts_.size(), [this](std::size_t p) { return ask_part(parts_[p]); }));
    TT_TRY(add_blocks_with_ids());
    TT_TRY(ask_blocks(blocks_));
    return settle();
  }

 private:
  /// What its words leave open of a group.
  struct Unsettled {
    std::uint64_t key = 0;
    std::vector<GroupBlock> blocks;
  };
  struct AskedPart {
    std::shared_ptr<const Part> part;
    bool is_covered = false;    // all of it is in the range
    std::vector<bool> is_open;  // blocks in question that were not asked
    std::unique_ptr<PartQuestion> question;
    std::vector<Unsettled> unsettled;
  };

  Result<> in_parallel(std::size_t count, const std::function<Result<>(std::size_t)>& f) {
    const auto checked = [&](std::size_t i) -> Result<> {
      TT_TRY(context_.check());
      return f(i);
    };
    return for_each_parallel(count < kIndexesWorthHelp ? Helpers{} : helpers_, count, checked);
  }

  Result<> ask_block(const BlockRef& ref) const {
    const BlockMeta& meta = ref.meta();
    if (!meta.words.made()) {
      found_.add_unknown(times_of(meta));
      return {};
    }
    std::shared_ptr<const BlockSource> source = ref.part;
    if (!source) source = ref.head->bytes;
    TT_ASSIGN(const auto index, WordIndex::open(std::move(source), meta.words, meta.rows));
    TT_ASSIGN(const auto groups, search_.ask(*index));
    return groups ? found_.add(ref, *index, *groups) : Result<>();
  }
  Result<> ask_blocks(const std::vector<BlockRef>& blocks) {
    return in_parallel(blocks.size(), [&](std::size_t i) { return ask_block(blocks[i]); });
  }

  Result<> ask_part(AskedPart& asked) const {
    TT_ASSIGN(const auto groups, asked.question->ask());
    if (!groups) return {};
    TT_ASSIGN(auto named, asked.question->names(groups->possible));
    std::vector<std::uint32_t> numbers;
    for (PartQuestion::Group& group : named) {
      const bool is_sure = asked.is_covered && groups->sure.test(group.number);
      TT_TRY(found_.add(group.key, group.name.project, std::move(group.name.text), is_sure));
      if (is_sure || found_.is_settled(group.key)) continue;
      numbers.push_back(group.number);
      asked.unsettled.push_back({group.key, {}});
    }
    TT_ASSIGN(auto blocks, asked.question->blocks(numbers));
    for (std::size_t i = 0; i < blocks.size(); ++i) asked.unsettled[i].blocks = std::move(blocks[i]);
    return {};
  }

  /// Rows that satisfy the query by an id are in a block that has it, whatever the part's words say.
  Result<> add_blocks_with_ids() {
    const auto ids = search_.ids();
    if (ids.empty()) return {};
    std::vector<BlockRef> candidates;
    for (const AskedPart& asked : parts_)
      for (std::uint32_t b = 0; b < asked.is_open.size(); ++b)
        if (asked.is_open[b]) candidates.push_back({asked.part, nullptr, b});
    std::vector<unsigned char> has(candidates.size());
    TT_TRY(in_parallel(candidates.size(), [&](std::size_t i) -> Result<> {
      const BlockRef& ref = candidates[i];
      // None: there are no ids, or the block is older than those; its words tell.
      if (ref.meta().words.ids.size == 0) {
        has[i] = 1;
        return {};
      }
      TT_ASSIGN(const auto of_block, WordIds::open(*ref.part, ref.meta().words.ids));
      for (const std::string_view id : ids) {
        TT_ASSIGN(const auto groups, of_block.groups_of(id));
        if (!groups.empty()) has[i] = 1;
      }
      return {};
    }));
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (has[i] != 0) blocks_.push_back(candidates[i]);
    std::size_t i = 0;
    for (AskedPart& asked : parts_)
      for (std::size_t b = 0; b < asked.is_open.size(); ++b)
        if (asked.is_open[b] && has[i++] != 0) asked.is_open[b] = false;
    return {};
  }

  Result<> settle() {
    for (int round = 0; round <= kRoundsOfOneBlock; ++round) {
      std::vector<BlockRef> next;
      for (AskedPart& asked : parts_) {
        std::erase_if(asked.unsettled,
                      [this](const Unsettled& group) { return found_.is_settled(group.key); });
        const std::vector<bool> before = asked.is_open;
        const bool is_last = round == kRoundsOfOneBlock || !may_become_sure(asked);
        for (const Unsettled& group : asked.unsettled) {
          if (!is_last) {
            take_one(group, before, asked.is_open);
          } else {
            for (const GroupBlock& block : group.blocks) asked.is_open[block.number] = false;
          }
        }
        for (std::uint32_t b = 0; b < before.size(); ++b)
          if (before[b] && !asked.is_open[b]) next.push_back({asked.part, nullptr, b});
      }
      TT_TRY(ask_blocks(next));
    }
    return {};
  }
  /// Whether a block may make sure what the part's words did not: where several conditions hold of its one
  /// row, or of rows in the range.
  bool may_become_sure(const AskedPart& asked) const {
    return search_.is_exact() && (search_.has_several_conditions() || !asked.is_covered);
  }

  /// One block of the group that was not asked `before`, if possible one that is taken already, or where one
  /// row is all the group has: what holds of all conditions there holds of that.
  static void take_one(const Unsettled& group, const std::vector<bool>& before, std::vector<bool>& is_open) {
    const GroupBlock* best = nullptr;
    int best_worth = 0;
    for (const GroupBlock& block : group.blocks) {
      if (!before[block.number]) continue;
      const int worth = 1 + (block.alone ? 2 : 0) + (is_open[block.number] ? 0 : 1);
      if (worth < best_worth) continue;
      best = &block;
      best_worth = worth;
    }
    if (best != nullptr) is_open[best->number] = false;
  }

  const storage::WordQuery& query_;
  const WordSearch& search_;
  GroupsFound& found_;
  WorkContext& context_;
  const Helpers helpers_;
  PartWordCache& cache_;
  const Nanos now_;
  std::vector<BlockRef> blocks_;  // to be asked whatever parts say
  std::vector<AskedPart> parts_;
};

bool has_project(const BlockMeta& meta, const storage::Projects& projects) {
  return !meta.counted || std::any_of(meta.counts.begin(), meta.counts.end(), [&](const BlockCount& count) {
    return std::find(projects.begin(), projects.end(), count.project) != projects.end();
  });
}

Result<> ask_rows(const HeadSlice& slice, const storage::WordQuery& query, const WordSearch& search,
                  const storage::WordIndexing& words, GroupsFound& found, WorkContext& context) {
  const auto texts = words.texts();
  for (std::size_t i = 0; i < slice.rows; ++i) {
    if (i % kRowsBetweenWordChecks == 0) TT_TRY(context.check());
    const EventRow& row = *slice.chunk->rows[i];
    if (!query.range.contains(row.time)) continue;
    if (std::find(query.projects.begin(), query.projects.end(), row.project) == query.projects.end())
      continue;
    const AttrValue* group = row.find(words.group);
    if (group == nullptr) continue;
    const auto answer = search.ask(row, *texts, words.message);
    if (answer == WordSearch::Answer::no) continue;
    TT_TRY(found.add(row, to_string(*group), answer == WordSearch::Answer::sure));
  }
  return {};
}

}  // namespace

Result<std::optional<storage::WordGroups>> Engine::word_groups(const storage::WordQuery& query,
                                                               WorkContext& context) {
  TT_TRY(context.check());
  const storage::WordIndexing* words = words_of(query.table);
  if (words == nullptr || words->group != query.group) return std::optional<storage::WordGroups>();
  const auto search = WordSearch::make(query);
  if (!search) return std::optional<storage::WordGroups>();
  const Snapshot from = snapshot(query.table, query.range);
  GroupsFound found(query, context);
  WordQuestion question(query, *search, found, context, {&query_pool_, query_helpers_}, word_cache_,
                        clock_.steady());
  const auto in_question = [&](const BlockMeta& meta) {
    return query.range.overlaps(meta.min_time, meta.max_time) && has_project(meta, query.projects);
  };
  for (const HeadSlice& slice : from.head) {
    if (!query.range.overlaps(slice.min_time, slice.max_time)) continue;
    if (slice.chunk) {
      TT_TRY(ask_rows(slice, query, *search, *words, found, context));
    } else if (in_question(slice.block->written.meta)) {
      question.add({nullptr, slice.block, 0});
    }
  }
  for (const auto& part : from.parts) {
    found.asks(*part);
    std::vector<std::uint32_t> blocks;
    for (std::uint32_t b = 0; b < part->blocks().size(); ++b)
      if (in_question(part->blocks()[b])) blocks.push_back(b);
    question.add(part, blocks);
  }
  TT_TRY(question.run());
  return std::optional<storage::WordGroups>(found.take());
}

}  // namespace telltale::eventdb
