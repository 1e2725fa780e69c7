// Which groups have rows that say words: blocks' word indexes are asked, by the asking thread and the query
// pool's; rows of the head that are not columns yet are looked at. A group's name is read once, from the
// first block that knows it.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <unordered_map>

#include "eventdb/engine.hpp"
#include "eventdb/word_merger.hpp"
#include "eventdb/word_search.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kRowsBetweenWordChecks = 256;
constexpr std::size_t kBytesPerWordGroup = 160 + 2 * kMaxPossibleRanges * sizeof(TimeRange);
/// Fewer blocks than this are not worth waking threads for.
constexpr std::size_t kIndexesWorthHelp = 8;

TimeRange both(const TimeRange& a, const TimeRange& b) {
  return {std::max(a.from, b.from), std::min(a.to, b.to)};
}
TimeRange times_of(const BlockMeta& meta) { return {meta.min_time, {meta.max_time.ns + 1}}; }

/// Sorted, and those that touch as one; with the least gaps between them closed until there are no more than
/// `most`.
std::vector<TimeRange> joined(std::vector<TimeRange> ranges, std::size_t most = SIZE_MAX) {
  std::sort(ranges.begin(), ranges.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  std::vector<TimeRange> out;
  for (const TimeRange& range : ranges) {
    if (range.to <= range.from) continue;
    if (!out.empty() && range.from <= out.back().to) {
      out.back().to = std::max(out.back().to, range.to);
    } else {
      out.push_back(range);
    }
  }
  if (out.size() <= most) return out;
  const auto gap_before = [&out](std::size_t i) {
    return static_cast<std::uint64_t>(out[i].from.ns) - static_cast<std::uint64_t>(out[i - 1].to.ns);
  };
  std::vector<std::size_t> gaps(out.size() - 1);
  std::iota(gaps.begin(), gaps.end(), 1);
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(most - 1), gaps.end(),
                   [&](std::size_t a, std::size_t b) { return gap_before(a) > gap_before(b); });
  std::vector<std::size_t> begins(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(most - 1));
  begins.push_back(0);
  std::sort(begins.begin(), begins.end());
  std::vector<TimeRange> fewer;
  for (std::size_t i = 0; i < begins.size(); ++i)
    fewer.push_back(
        {out[begins[i]].from, out[i + 1 < begins.size() ? begins[i + 1] - 1 : out.size() - 1].to});
  return fewer;
}

/// What is known of groups so far. Thread-safe.
class GroupsFound {
 public:
  GroupsFound(const storage::WordQuery& query, WorkContext& context) : query_(query), context_(context) {}

  void add_unknown(const TimeRange& times) {
    MutexLock lock(mutex_);
    unknown_.push_back(both(times, query_.range));
  }

  Result<> add(const BlockRef& ref, WordIndex& index, WordSearch::Groups found) {
    const TimeRange times = times_of(ref.meta());
    const bool is_whole =
        query_.range.contains(ref.meta().min_time) && query_.range.contains(ref.meta().max_time);
    TT_ASSIGN(const auto* groups, index.groups());
    MutexLock lock(mutex_);
    std::vector<std::pair<std::uint32_t, std::uint64_t>> unnamed;
    found.possible.for_each([&](std::size_t g) {
      const IndexedGroup& group = (*groups)[g];
      const auto [at, is_new] = groups_.try_emplace(group.key);
      if (is_new) unnamed.emplace_back(group.row, group.key);
      put(at->second, is_whole && found.sure.test(g), times);
    });
    return unnamed.empty() ? Result<>() : read_names(ref, unnamed);
  }

  Result<> add(const EventRow& row, std::string group, bool sure) {
    MutexLock lock(mutex_);
    const auto [at, is_new] = groups_.try_emplace(word_group_key(row.project, group));
    if (is_new) TT_TRY(name(at->second, row.project, std::move(group)));
    put(at->second, sure, {row.time, {row.time.ns + 1}});
    return {};
  }

  storage::WordGroups take() {
    MutexLock lock(mutex_);
    storage::WordGroups out;
    for (auto& [key, group] : groups_) {
      if (!group.is_asked_for) continue;
      if (!group.is_sure)
        for (const TimeRange& times : group.times) out.possible_in.push_back(both(times, query_.range));
      (group.is_sure ? out.sure : out.possible).push_back(std::move(group.name));
    }
    out.possible_in = joined(std::move(out.possible_in), kMaxPossibleRanges);
    std::sort(out.sure.begin(), out.sure.end());
    std::sort(out.possible.begin(), out.possible.end());
    out.unknown = joined(std::move(unknown_));
    return out;
  }

 private:
  struct Group {
    storage::WordGroup name;
    bool is_asked_for = false;  // of one of the projects
    bool is_sure = false;
    std::vector<TimeRange> times;  // of blocks that may have a row
  };

  static void put(Group& group, bool sure, const TimeRange& times) {
    group.is_sure = group.is_sure || sure;
    if (group.is_sure) return group.times.clear();
    group.times.push_back(times);
    if (group.times.size() >= 2 * kMaxPossibleRanges)
      group.times = joined(std::move(group.times), kMaxPossibleRanges);
  }

  Result<> name(Group& group, ProjectId project, std::string text) TT_REQUIRES(mutex_) {
    group.is_asked_for =
        std::find(query_.projects.begin(), query_.projects.end(), project) != query_.projects.end();
    TT_TRY(context_.charge(kBytesPerWordGroup + text.size()));
    if (group.is_asked_for) group.name = {project, std::move(text)};
    return {};
  }

  Result<> read_names(const BlockRef& ref, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& rows)
      TT_REQUIRES(mutex_) {
    TT_ASSIGN(const auto block, ref.open(context_));
    TT_ASSIGN(auto names, GroupColumns::open(*block, query_.group));
    if (!names) return damaged(*block);
    for (const auto& [row, key] : rows) {
      TT_ASSIGN(const std::int64_t project, block->int_at(Column::project, row));
      TT_ASSIGN(const auto text, names->text_of(row));
      const ProjectId of{static_cast<std::uint32_t>(project)};
      if (!text || word_group_key(of, *text) != key) return damaged(*block);
      TT_TRY(name(groups_[key], of, std::string(*text)));
    }
    return {};
  }
  static tl::unexpected<Error> damaged(const Block& block) {
    return tl::unexpected<Error>(
        block.source().damage(Error(ErrorKind::corruption, "word index: a group that its row is not of")));
  }

  const storage::WordQuery& query_;
  WorkContext& context_;
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, Group> groups_ TT_GUARDED_BY(mutex_);
  std::vector<TimeRange> unknown_ TT_GUARDED_BY(mutex_);
};

/// What the threads of one question share.
struct WordWork {
  const WordSearch& search;
  const std::vector<BlockRef>& blocks;
  GroupsFound& found;
  WorkContext& context;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};

  Result<> run() {
    while (!failed.load(std::memory_order_relaxed)) {
      const std::size_t i = next.fetch_add(1);
      if (i >= blocks.size()) break;
      if (auto done = ask(blocks[i]); !done) {
        failed.store(true);
        return done;
      }
    }
    return {};
  }

 private:
  Result<> ask(const BlockRef& ref) const {
    TT_TRY(context.check());
    const BlockMeta& meta = ref.meta();
    if (!meta.words.made()) {
      found.add_unknown(times_of(meta));
      return {};
    }
    std::shared_ptr<const BlockSource> source = ref.part;
    if (!source) source = ref.head->bytes;
    TT_ASSIGN(const auto index, WordIndex::open(std::move(source), meta.words, meta.rows));
    TT_ASSIGN(auto groups, search.ask(*index));
    return groups ? found.add(ref, *index, std::move(*groups)) : Result<>();
  }
};

/// A thread that takes part unless it is all over before it begins.
class WordHelper {
 public:
  void run(WordWork& work) {
    {
      MutexLock lock(mutex_);
      if (state_ != State::waiting) return;
      state_ = State::running;
    }
    Result<> result = work.run();
    MutexLock lock(mutex_);
    result_ = std::move(result);
    state_ = State::done;
    changed_.notify_all();
  }
  Result<> end() {
    MutexLock lock(mutex_);
    if (state_ == State::waiting) state_ = State::done;
    while (state_ != State::done) changed_.wait(mutex_);
    return std::move(result_);
  }

 private:
  enum class State : unsigned char { waiting, running, done };
  Mutex mutex_;
  CondVar changed_;
  State state_ TT_GUARDED_BY(mutex_) = State::waiting;
  Result<> result_ TT_GUARDED_BY(mutex_);
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
  std::vector<BlockRef> blocks;
  const auto in_question = [&](const BlockMeta& meta) {
    return query.range.overlaps(meta.min_time, meta.max_time) && has_project(meta, query.projects);
  };
  for (const HeadSlice& slice : from.head) {
    if (!query.range.overlaps(slice.min_time, slice.max_time)) continue;
    if (slice.chunk) {
      TT_TRY(ask_rows(slice, query, *search, *words, found, context));
    } else if (in_question(slice.block->written.meta)) {
      blocks.push_back({nullptr, slice.block, 0});
    }
  }
  for (const auto& part : from.parts)
    for (std::uint32_t b = 0; b < part->blocks().size(); ++b)
      if (in_question(part->blocks()[b])) blocks.push_back({part, nullptr, b});

  WordWork work{*search, blocks, found, context};
  std::vector<std::shared_ptr<WordHelper>> helpers;
  const std::size_t wanted =
      blocks.size() < kIndexesWorthHelp ? 0 : std::min(query_helpers_, blocks.size() / 2);
  for (std::size_t i = 0; i < wanted; ++i) {
    auto helper = std::make_shared<WordHelper>();
    // `work` is only touched when the helper was not called off.
    if (!query_pool_.submit([helper, &work] { helper->run(work); })) break;
    helpers.push_back(std::move(helper));
  }
  Result<> result = work.run();
  for (const auto& helper : helpers)
    if (auto done = helper->end(); result && !done) result = std::move(done);
  TT_TRY(std::move(result));
  return std::optional<storage::WordGroups>(found.take());
}

}  // namespace telltale::eventdb
