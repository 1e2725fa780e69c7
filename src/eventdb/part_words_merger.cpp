#include "eventdb/part_words_merger.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <queue>
#include <unordered_map>

#include "base/hash.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/word_sets.hpp"

namespace telltale::eventdb {

namespace {

constexpr char kMostMark = 4;  // word_split.hpp
/// Above this share of all groups a union is made bit by bit.
constexpr std::size_t kGroupsAUnionBit = 64;

class BlockWords final : public WordStream {
 public:
  BlockWords(std::unique_ptr<WordIndex> index, WordIndexContent content, std::vector<std::uint32_t> groups)
      : index_(std::move(index)), content_(std::move(content)), groups_(std::move(groups)) {}
  Result<bool> next() override {
    const std::size_t names = content_.names.size();
    if (at_ == content_.uses.size()) return false;
    is_name_ = at_ < names;
    text_ = is_name_ ? content_.names[at_] : content_.words[at_ - names];
    uses_.clear();
    for (const auto& use : content_.uses[at_]) uses_.push_back({use.kinds, use.set});
    ++at_;
    return true;
  }
  std::optional<std::uint32_t> only(std::uint32_t who) const override {
    const auto& set = content_.sets[who];
    if (set.size() != 1) return std::nullopt;
    return groups_[set.front()];
  }
  Result<> add(std::uint32_t who, std::vector<std::uint32_t>& groups) override {
    for (const std::uint32_t g : content_.sets[who]) groups.push_back(groups_[g]);
    return {};
  }

 private:
  const std::unique_ptr<WordIndex> index_;  // the content looks into
  const WordIndexContent content_;
  const std::vector<std::uint32_t> groups_;
  std::size_t at_ = 0;
};

class ListWords final : public WordStream {
 public:
  ListWords(std::shared_ptr<const BlockSource> source, PartWordPages pages, std::uint32_t groups,
            std::vector<std::uint32_t> numbers)
      : source_(std::move(source)),
        pages_(std::move(pages)),
        groups_(groups),
        numbers_(std::move(numbers)),
        sets_(*source_, pages_, groups) {}
  Result<bool> next() override {
    // Names, then marks, then words.
    while (!page_ || begin_ >= page_->list().size()) {
      const bool names_left = next_page_ < pages_.names.size();
      if (!names_left && next_mark_ < pages_.marks.size()) return take_mark();
      if (next_page_ == pages_.names.size() + pages_.words.size()) return false;
      is_name_ = names_left;
      const auto& page =
          names_left ? pages_.names[next_page_] : pages_.words[next_page_ - pages_.names.size()];
      ++next_page_;
      TT_ASSIGN(auto opened, PartWordPage::read(*source_, page));
      page_.emplace(std::move(opened));
      TT_TRY(page_->open_uses(*source_, groups_, pages_.sets));
      begin_ = 1;
      number_ = 0;
    }
    const std::size_t end = page_->list().find(kWordEnd, begin_);
    text_ = page_->list().substr(begin_, end - begin_);
    const auto uses = page_->uses(number_++);
    uses_.assign(uses.begin(), uses.end());
    begin_ = end + 1;
    return true;
  }
  std::optional<std::uint32_t> only(std::uint32_t who) const override {
    if ((who & 1) == 0) return std::nullopt;
    return numbers_.empty() ? who >> 1 : numbers_[who >> 1];
  }
  Result<> add(std::uint32_t who, std::vector<std::uint32_t>& groups) override {
    const std::size_t before = groups.size();
    TT_TRY(sets_.add(who, groups));
    if (!numbers_.empty())
      for (std::size_t i = before; i < groups.size(); ++i) groups[i] = numbers_[groups[i]];
    return {};
  }

 private:
  bool take_mark() {
    const auto& mark = pages_.marks[next_mark_++];
    is_name_ = false;
    text_ = std::string_view(&mark.mark, 1);
    uses_ = mark.uses;
    return true;
  }
  const std::shared_ptr<const BlockSource> source_;
  const PartWordPages pages_;
  const std::uint32_t groups_;
  const std::vector<std::uint32_t> numbers_;
  PartWordSets sets_;
  std::optional<PartWordPage> page_;
  std::size_t next_page_ = 0;  // names, then words
  std::size_t next_mark_ = 0;
  std::size_t begin_ = 0;
  std::uint32_t number_ = 0;
};

struct Key128 {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  bool operator==(const Key128&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key128& key) const { return key.a; }
};
template <class T>
Key128 key_of(const std::vector<T>& values) {
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  const Id128 hash = hash128(bytes);
  return {hash.hi, hash.lo};
}

class StreamMerger {
 public:
  StreamMerger(std::vector<std::unique_ptr<WordStream>> streams, storage::TextKinds name_kinds,
               std::uint32_t groups, BlockSink& sink)
      : streams_(std::move(streams)), groups_(groups), sink_(sink) {
    out_.name_kinds = name_kinds;
  }

  Result<std::optional<PartWordPages>> run() {
    const auto later = [this](std::uint32_t a, std::uint32_t b) {
      const WordStream& x = *streams_[a];
      const WordStream& y = *streams_[b];
      return x.is_name() != y.is_name() ? y.is_name() : x.text() > y.text();
    };
    std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, decltype(later)> heap(later);
    for (std::uint32_t s = 0; s < streams_.size(); ++s) {
      TT_ASSIGN(const bool more, streams_[s]->next());
      if (more) heap.push(s);
    }
    while (!heap.empty() && !is_full_) {
      const std::uint32_t first = heap.top();
      text_ = streams_[first]->text();
      const bool is_name = streams_[first]->is_name();
      said_.clear();
      while (!heap.empty() && streams_[heap.top()]->is_name() == is_name &&
             streams_[heap.top()]->text() == text_) {
        const std::uint32_t s = heap.top();
        heap.pop();
        for (const PartWordUse& use : streams_[s]->uses()) said_.push_back({s, use});
        TT_ASSIGN(const bool more, streams_[s]->next());
        if (more) heap.push(s);
      }
      TT_TRY(work_out_uses());
      TT_TRY(put(is_name));
    }
    TT_TRY(flush());
    TT_TRY(flush_sets());
    if (is_full_) return std::optional<PartWordPages>();
    return std::optional<PartWordPages>(std::move(out_));
  }

 private:
  struct Said {
    std::uint32_t stream = 0;
    PartWordUse use;
  };

  Result<> work_out_uses() {
    uses_.clear();
    unsigned kinds = 0;
    for (const Said& said : said_) kinds |= said.use.kinds;
    std::vector<std::uint64_t>& of_kind = scratch_;
    std::vector<std::uint64_t>& of_last = last_scratch_;
    of_last.clear();
    std::uint32_t who = 0;
    for (; kinds != 0; kinds &= kinds - 1) {
      const unsigned bit = kinds & -kinds;
      of_kind.clear();
      for (const Said& said : said_)
        if ((said.use.kinds & bit) != 0) of_kind.push_back(std::uint64_t{said.stream} << 32 | said.use.who);
      if (of_kind != of_last) {
        TT_ASSIGN(who, who_of(of_kind));
        std::swap(of_kind, of_last);
      }
      const auto same =
          std::find_if(uses_.begin(), uses_.end(), [who](const auto& use) { return use.who == who; });
      if (same != uses_.end()) {
        same->kinds = static_cast<storage::TextKinds>(same->kinds | bit);
      } else {
        uses_.push_back({static_cast<storage::TextKinds>(bit), who});
      }
    }
    return {};
  }

  /// Of the sets of streams.
  Result<std::uint32_t> who_of(const std::vector<std::uint64_t>& sets) {
    auto only = only_of(sets.front());
    for (std::size_t i = 1; i < sets.size() && only; ++i)
      if (only_of(sets[i]) != only) only.reset();
    if (only) return *only << 1 | 1;
    const auto [at, is_new] = known_.try_emplace(key_of(sets), 0);
    if (!is_new) return at->second;
    std::vector<std::uint32_t> all;
    for (const std::uint64_t set : sets)
      TT_TRY(streams_[set >> 32]->add(static_cast<std::uint32_t>(set), all));
    if (all.size() > groups_ / kGroupsAUnionBit) {
      Bitmap bits(groups_);
      for (const std::uint32_t g : all) bits.set(g);
      all.clear();
      bits.for_each([&all](std::size_t g) { all.push_back(static_cast<std::uint32_t>(g)); });
    } else {
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
    }
    TT_ASSIGN(const std::uint32_t who, who_of_set(all));
    known_[key_of(sets)] = who;
    return who;
  }
  std::optional<std::uint32_t> only_of(std::uint64_t set) const {
    return streams_[set >> 32]->only(static_cast<std::uint32_t>(set));
  }

  Result<std::uint32_t> who_of_set(const WordSet& set) {
    if (set.size() == 1) return set.front() << 1 | 1;
    const auto [at, is_new] = numbers_.try_emplace(key_of(set), out_.sets);
    if (!is_new) return at->second << 1;
    const std::uint32_t number = out_.sets;
    if (set_page_.size() == 0) first_of_page_ = number;
    put_word_set(set_page_, set, groups_);
    ++out_.sets;
    if (set_page_.size() >= kPartSetPageBytes) TT_TRY(flush_sets());
    return number << 1;
  }
  Result<> flush_sets() {
    if (set_page_.size() == 0) return {};
    is_full_ = is_full_ || out_.set_pages.size() == kMaxPartSetPages;
    if (is_full_) return {};
    TT_ASSIGN(const auto handle, sink_.put(pack_bytes(set_page_.view())));
    out_.set_pages.push_back({first_of_page_, handle});
    set_page_ = ByteWriter(set_page_.take());
    return {};
  }

  Result<> put(bool is_name) {
    if (!is_name && text_.size() == 1 && text_.front() <= kMostMark && text_.front() > 0) {
      out_.marks.push_back({text_.front(), uses_});
      return {};
    }
    if (is_name != names_at_hand_) TT_TRY(flush());
    names_at_hand_ = is_name;
    list_ += text_;
    list_ += kWordEnd;
    ++count_;
    put_part_uses(packed_uses_, uses_);
    return list_.size() < kPartWordPageBytes ? Result<>() : flush();
  }
  Result<> flush() {
    auto& pages = names_at_hand_ ? out_.names : out_.words;
    is_full_ = is_full_ || pages.size() == kMaxPartWordPages;
    if (count_ == 0 || is_full_) return {};
    ByteWriter raw;
    raw.varint(count_);
    raw.varint(list_.size() + 1);
    raw.u8(kWordEnd);
    raw.bytes(list_);
    ByteWriter page;
    page.string(pack_bytes(raw.view()));
    page.bytes(pack_bytes(packed_uses_.view()));
    TT_ASSIGN(const auto handle, sink_.put(page.take()));
    pages.push_back({count_, handle});
    list_.clear();
    count_ = 0;
    packed_uses_ = ByteWriter(packed_uses_.take());
    return {};
  }

  std::vector<std::unique_ptr<WordStream>> streams_;
  const std::uint32_t groups_;
  BlockSink& sink_;
  PartWordPages out_;
  bool is_full_ = false;

  std::string text_;
  std::vector<Said> said_;
  std::vector<PartWordUse> uses_;
  std::vector<std::uint64_t> scratch_;
  std::vector<std::uint64_t> last_scratch_;
  std::unordered_map<Key128, std::uint32_t, KeyHash> known_;    // sets of streams
  std::unordered_map<Key128, std::uint32_t, KeyHash> numbers_;  // sets

  bool names_at_hand_ = true;
  std::string list_;
  std::uint32_t count_ = 0;
  ByteWriter packed_uses_;
  ByteWriter set_page_;
  std::uint32_t first_of_page_ = 0;
};

}  // namespace

Result<std::unique_ptr<WordStream>> stream_of_block(std::unique_ptr<WordIndex> index,
                                                    std::vector<std::uint32_t> groups) {
  TT_ASSIGN(WordIndexContent content, index->content());
  return std::make_unique<BlockWords>(std::move(index), std::move(content), std::move(groups));
}

std::unique_ptr<WordStream> stream_of_list(std::shared_ptr<const BlockSource> source, PartWordPages pages,
                                           std::uint32_t groups, std::vector<std::uint32_t> numbers) {
  return std::make_unique<ListWords>(std::move(source), std::move(pages), groups, std::move(numbers));
}

Result<std::optional<PartWordPages>> merge_word_streams(std::vector<std::unique_ptr<WordStream>> streams,
                                                        storage::TextKinds name_kinds, std::uint32_t groups,
                                                        BlockSink& sink) {
  return StreamMerger(std::move(streams), name_kinds, groups, sink).run();
}

}  // namespace telltale::eventdb
