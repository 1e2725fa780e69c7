#include "eventdb/word_index_builder.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "base/hash.hpp"

namespace telltale::eventdb {

namespace {

using Set = std::vector<std::uint32_t>;

constexpr char kNamePrefix = 5;  // of names among words: no word and no mark begins with it
constexpr unsigned kKindBits = 8;
constexpr std::size_t kFirstSlots = 1'024;

std::uint64_t process_seed() {
  static const std::uint64_t seed = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
  return seed;
}

/// Never 0, which stands for "nothing known".
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t h = (a ^ b) * 0x9E3779B97F4A7C15U;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9U;
  return (h ^ h >> 32) | 1;
}

/// Equal sets once.
class SetNumbers {
 public:
  explicit SetNumbers(std::vector<Set>& sets) : sets_(sets) {}
  std::uint32_t of(const Set& set) {
    const std::uint64_t hash =
        hash64({reinterpret_cast<const char*>(set.data()), set.size() * sizeof(std::uint32_t)});
    const auto [first, last] = numbers_.equal_range(hash);
    for (auto at = first; at != last; ++at)
      if (sets_[at->second] == set) return at->second;
    const auto number = static_cast<std::uint32_t>(sets_.size());
    sets_.push_back(set);
    numbers_.emplace(hash, number);
    return number;
  }

 private:
  std::vector<Set>& sets_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> numbers_;
};

}  // namespace

WordIndexBuilder::WordIndexBuilder(storage::TextKinds names)
    : names_(names),
      slots_(kFirstSlots, 0),
      seed_(process_seed()),
      known_pairs_(kKnownPairs, 0),
      known_texts_(kKnownTexts) {}

std::uint32_t WordIndexBuilder::group_of(std::uint64_t key, std::uint32_t row, bool alone) {
  const auto [at, is_new] = group_numbers_.try_emplace(key, static_cast<std::uint32_t>(groups_.size()));
  if (is_new) {
    groups_.push_back({key, row, alone});
  } else {
    groups_[at->second].alone = false;
  }
  return at->second;
}

void WordIndexBuilder::begin_row(ProjectId project, std::string_view group, std::uint32_t row) {
  group_ = group_of(word_group_key(project, group), row, true);
}

std::string_view WordIndexBuilder::word(std::uint32_t number) const {
  const std::uint32_t begin = number == 0 ? 0 : word_ends_[number - 1];
  return std::string_view(word_bytes_).substr(begin, word_ends_[number] - begin);
}

void WordIndexBuilder::grow() {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t w = 0; w < word_hashes_.size(); ++w) {
    std::size_t at = word_hashes_[w] & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = w + 1;
  }
}

bool WordIndexBuilder::number_of(std::string_view text, std::uint32_t& number) {
  const auto hash = static_cast<std::uint32_t>(hash64(text, seed_));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    number = slots_[at] - 1;
    if (word_hashes_[number] == hash && word(number) == text) return true;
  }
  if (word_ends_.size() == kMaxBlockWords || word_bytes_.size() + text.size() > kMaxBlockWordBytes) {
    is_full_ = true;
    return false;
  }
  number = static_cast<std::uint32_t>(word_ends_.size());
  word_bytes_ += text;
  word_ends_.push_back(static_cast<std::uint32_t>(word_bytes_.size()));
  word_hashes_.push_back(hash);
  slots_[at] = number + 1;
  if (word_ends_.size() * 2 > slots_.size()) grow();
  return true;
}

void WordIndexBuilder::mark(std::uint32_t word, std::uint32_t group, storage::TextKinds kinds) {
  const std::uint32_t who = group << kKindBits | kinds;
  const std::uint64_t pair = mixed(std::uint64_t{word} << 32 | who, 0);
  std::uint64_t& known = known_pairs_[pair >> 1 & (kKnownPairs - 1)];
  if (known == pair) return;
  known = pair;
  if (has_room(1)) marks_.push_back({word, who});
}

bool WordIndexBuilder::has_room(std::size_t marks) {
  if (marks_.size() + marks <= kMaxWordMarks) return true;
  // Some were made more than once.
  std::sort(marks_.begin(), marks_.end());
  marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
  is_full_ = marks_.size() + marks > kMaxWordMarks / 2;
  return !is_full_;
}

void WordIndexBuilder::add_word(std::string_view word) {
  std::uint32_t number = 0;
  if (!is_full_ && number_of(word, number)) text_words_.push_back(number);
}

void WordIndexBuilder::add_name(std::string_view text) {
  if (text.size() > kLongestName || text.find('\n') != std::string_view::npos) return add_word(kUnnamedMark);
  name_ = kNamePrefix;
  name_ += text;
  add_word(name_);
}

void WordIndexBuilder::add(unsigned kind, std::string_view text) {
  if (is_full_ || text.empty()) return;
  const bool is_name = (names_ >> kind & 1) != 0;
  const std::uint64_t hash = hash64(text, is_name ? ~seed_ : seed_);
  const std::uint64_t pair = mixed(hash, std::uint64_t{group_} << kKindBits | kind);
  std::uint64_t& known_pair = known_pairs_[pair >> 1 & (kKnownPairs - 1)];
  if (known_pair == pair) return;
  known_pair = pair;
  const auto kinds = static_cast<storage::TextKinds>(1U << kind);
  KnownText& known = known_texts_[hash & (kKnownTexts - 1)];
  if (known.hash == hash && known.count > 0) {
    for (std::uint32_t i = 0; i < known.count; ++i) mark(text_words_[known.begin + i], group_, kinds);
    for (std::uint32_t i = 0; i < known.ids; ++i) ids_.add(text_ids_[known.ids_begin + i], group_);
    return;
  }
  if (text_words_.size() + text_ids_.size() > kKnownTextWords) {
    text_words_.clear();
    text_ids_.clear();
    known_texts_.assign(kKnownTexts, {});
  }
  const auto begin = static_cast<std::uint32_t>(text_words_.size());
  const auto ids_begin = static_cast<std::uint32_t>(text_ids_.size());
  if (is_name) add_name(text);
  splitter_.split(
      text, [this](std::string_view word) { add_word(word); },
      [this](std::string_view id) { text_ids_.push_back(id_hash(id)); });
  for (std::size_t i = begin; i < text_words_.size(); ++i) mark(text_words_[i], group_, kinds);
  for (std::size_t i = ids_begin; i < text_ids_.size(); ++i) ids_.add(text_ids_[i], group_);
  known = {hash, begin, static_cast<std::uint32_t>(text_words_.size() - begin), ids_begin,
           static_cast<std::uint32_t>(text_ids_.size() - ids_begin)};
}

Result<> WordIndexBuilder::add_index(WordIndex& index, std::span<const std::uint32_t> rows) {
  if (is_full_) return {};
  TT_ASSIGN(const WordIndexContent content, index.content());
  std::vector<std::uint32_t> groups;
  for (const IndexedGroup& group : content.groups)
    groups.push_back(group_of(group.key, rows[group.row], group.alone));
  const std::size_t names = content.names.size();
  for (std::size_t w = 0; w < content.uses.size() && !is_full_; ++w) {
    std::uint32_t number = 0;
    if (w < names) {
      name_ = kNamePrefix;
      name_ += content.names[w];
    }
    if (!number_of(w < names ? std::string_view(name_) : content.words[w - names], number)) break;
    for (const auto& use : content.uses[w]) {
      const Set& set = content.sets[use.set];
      if (!has_room(set.size())) break;
      for (const std::uint32_t g : set) marks_.push_back({number, groups[g] << kKindBits | use.kinds});
    }
  }
  return add_ids(index, groups);
}

Result<> WordIndexBuilder::add_ids(WordIndex& index, const std::vector<std::uint32_t>& groups) {
  if (!index.has_ids()) {
    if (index.mark(kIdMark)) ids_.give_up();
    return {};
  }
  unsigned bits = 0;
  TT_ASSIGN(const auto entries, index.ids(bits));
  ids_.know_bits(bits);
  for (const std::uint64_t entry : entries)
    ids_.add(static_cast<std::uint32_t>(entry >> 32), groups[static_cast<std::uint32_t>(entry)]);
  return {};
}

/// By counting; those of a word in no order.
std::vector<WordIndexBuilder::Mark> WordIndexBuilder::marks_by_word(std::vector<std::size_t>& ends) const {
  ends.assign(word_ends_.size() + 1, 0);
  for (const Mark& m : marks_) ++ends[m.word + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<Mark> out(marks_.size());
  for (const Mark& m : marks_) out[ends[m.word]++] = m;
  return out;
}

WordIndexContent WordIndexBuilder::content() {
  WordIndexContent out;
  out.groups = groups_;
  out.name_kinds = names_;
  const auto is_name = [this](std::uint32_t w) { return word(w).front() == kNamePrefix; };
  std::vector<std::uint32_t> order(word_ends_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return is_name(a) != is_name(b) ? is_name(a) : word(a) < word(b); });
  std::vector<std::size_t> ends;
  const std::vector<Mark> marks = marks_by_word(ends);
  SetNumbers numbers(out.sets);
  std::vector<std::uint32_t> whos;
  std::array<Set, storage::kTextKinds> by_kind;
  for (const std::uint32_t w : order) {
    whos.clear();
    for (std::size_t i = w == 0 ? 0 : ends[w - 1]; i < ends[w]; ++i) whos.push_back(marks[i].group);
    std::sort(whos.begin(), whos.end());
    // Kinds of one group stand next to each other.
    for (Set& set : by_kind) set.clear();
    for (const std::uint32_t who : whos)
      for (unsigned k = 0; k < storage::kTextKinds; ++k)
        if ((who >> k & 1) != 0 && (by_kind[k].empty() || by_kind[k].back() != who >> kKindBits))
          by_kind[k].push_back(who >> kKindBits);
    std::vector<WordIndexContent::Use> uses;
    for (unsigned k = 0; k < storage::kTextKinds; ++k) {
      if (by_kind[k].empty()) continue;
      const std::uint32_t set = numbers.of(by_kind[k]);
      const auto same =
          std::find_if(uses.begin(), uses.end(), [&](const auto& use) { return use.set == set; });
      const auto kinds = static_cast<storage::TextKinds>(1U << k);
      if (same == uses.end()) {
        uses.push_back({kinds, set});
      } else {
        same->kinds = static_cast<storage::TextKinds>(same->kinds | kinds);
      }
    }
    if (is_name(w)) {
      out.names.push_back(word(w).substr(1));
    } else {
      out.words.push_back(word(w));
    }
    out.uses.push_back(std::move(uses));
  }
  return out;
}

Result<WordPlace> WordIndexBuilder::write(BlockSink& sink) {
  WordPlace out;
  out.state = WordPlace::State::impossible;
  if (is_full_) return out;
  TT_ASSIGN(out, write_word_index(content(), sink));
  if (!out.made()) return out;
  TT_ASSIGN(out.ids, ids_.write(sink));
  return out;
}

}  // namespace telltale::eventdb
