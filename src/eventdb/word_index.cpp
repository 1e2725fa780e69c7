#include "eventdb/word_index.hpp"

#include <algorithm>
#include <optional>

#include "base/bytes.hpp"
#include "base/find.hpp"
#include "base/hash.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

namespace {

using Set = std::vector<std::uint32_t>;
using Use = WordIndexContent::Use;

// Forms of a set, in the two lower bits of its first number. Stored: never renumber.
constexpr std::uint64_t kListed = 0;   // the others: how many, then their differences
constexpr std::uint64_t kLeftOut = 1;  // the same of the groups that are not in it
constexpr std::uint64_t kBits = 2;     // a bit a group

constexpr char kWordEnd = '\n';
constexpr char kLastMark = 4;

void put_list(ByteWriter& out, const Set& list) {
  std::uint32_t last = 0;
  for (const std::uint32_t group : list) {
    out.varint(group - last);
    last = group;
  }
}

void put_set(ByteWriter& out, const Set& set, std::size_t groups) {
  Set rest;
  const bool few = set.size() <= groups / 2;
  if (!few) {
    std::size_t at = 0;
    for (std::uint32_t g = 0; g < groups; ++g) {
      if (at < set.size() && set[at] == g) {
        ++at;
      } else {
        rest.push_back(g);
      }
    }
  }
  ByteWriter list;
  put_list(list, few ? set : rest);
  const std::size_t bytes = (groups + 7) / 8;
  if (list.size() <= bytes) {
    out.varint((few ? set.size() : rest.size()) << 2 | (few ? kListed : kLeftOut));
    out.bytes(list.view());
    return;
  }
  std::string bits(bytes, '\0');
  for (const std::uint32_t g : set) bits[g / 8] = static_cast<char>(bits[g / 8] | 1 << (g % 8));
  out.varint(kBits);
  out.bytes(bits);
}

/// Calls f(first, end) for runs of groups of the set. False when the bytes are no set of so many groups.
template <class F>
bool visit_set(ByteReader& in, std::uint32_t groups, F f) {
  const std::uint64_t head = in.varint();
  const std::uint64_t form = head & 3;
  if (!in.ok()) return false;
  if (form == kBits) {
    if (head != kBits) return false;
    const std::string_view bits = in.bytes((std::size_t{groups} + 7) / 8);
    if (!in.ok()) return false;
    for (std::uint32_t g = 0; g < groups; ++g)
      if ((bits[g / 8] >> (g % 8) & 1) != 0) f(g, g + 1);
    return true;
  }
  const std::uint64_t count = head >> 2;
  if (form > kBits || count > groups || count > in.remaining()) return false;
  std::uint64_t last = 0;
  std::uint32_t rest = 0;  // the first group that was not looked at
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.varint();
    if (!in.ok() || step > groups || (i > 0 && step == 0)) return false;
    last += step;
    if (last >= groups) return false;
    const auto group = static_cast<std::uint32_t>(last);
    if (form == kListed) {
      f(group, group + 1);
    } else if (rest < group) {
      f(rest, group);
    }
    rest = group + 1;
  }
  if (form == kLeftOut && rest < groups) f(rest, groups);
  return true;
}

void put_texts(ByteWriter& out, const std::vector<std::string_view>& texts) {
  out.varint(texts.size());
  std::size_t bytes = 1;
  for (const std::string_view text : texts) bytes += text.size() + 1;
  out.varint(bytes);
  out.u8(kWordEnd);
  for (const std::string_view text : texts) {
    out.bytes(text);
    out.u8(kWordEnd);
  }
}

/// False when the bytes are no list of texts.
bool get_texts(ByteReader& in, std::string_view& text, std::size_t& count) {
  const std::uint64_t texts = in.varint();
  const std::string_view bytes = in.string();
  if (!in.ok() || texts > kMaxBlockWords || bytes.empty() || bytes.front() != kWordEnd ||
      bytes.back() != kWordEnd)
    return false;
  const auto ends = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), kWordEnd));
  text = bytes;
  count = texts;
  return ends == texts + 1;
}

const std::string& longest_of(const std::vector<std::string>& pieces) {
  return *std::max_element(pieces.begin(), pieces.end(),
                           [](const auto& a, const auto& b) { return a.size() < b.size(); });
}

/// Groups, what sets each word has, and where the pages of sets are.
std::string encode_uses(const WordIndexContent& content, const std::vector<std::uint32_t>& page_begins,
                        const std::vector<std::string>& pages) {
  ByteWriter out;
  out.varint(content.groups.size());
  for (const IndexedGroup& group : content.groups) out.u64(group.key);
  std::int64_t last = 0;
  for (const IndexedGroup& group : content.groups) {
    out.zigzag(static_cast<std::int64_t>(group.row) - last);
    last = group.row;
  }
  std::string alone((content.groups.size() + 7) / 8, '\0');
  for (std::size_t g = 0; g < content.groups.size(); ++g)
    if (content.groups[g].alone) alone[g / 8] = static_cast<char>(alone[g / 8] | 1 << (g % 8));
  out.bytes(alone);
  for (const auto& uses : content.uses) {
    for (std::size_t i = 0; i < uses.size(); ++i) {
      out.u8(uses[i].kinds);
      out.varint(std::uint64_t{uses[i].set} << 1 | (i + 1 < uses.size() ? 1 : 0));
    }
  }
  out.varint(content.sets.size());
  out.varint(pages.size());
  for (std::size_t p = 0; p < pages.size(); ++p) {
    out.varint(page_begins[p]);
    out.varint(pages[p].size());
  }
  return out.take();
}

}  // namespace

bool is_whole(std::string_view text, const std::vector<std::string>& pieces) {
  if (pieces.size() == 1) return text == pieces.front();
  const std::string& last = pieces.back();
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  if (!text.ends_with(last)) return false;
  text.remove_suffix(last.size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t at = text.find(pieces[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + pieces[i].size());
  }
  return true;
}

std::uint64_t word_group_key(ProjectId project, std::string_view group) {
  return hash64(group, project.value);
}

Result<WordPlace> write_word_index(const WordIndexContent& content, BlockSink& sink) {
  WordPlace out;
  ByteWriter words;
  words.u8(content.name_kinds);
  put_texts(words, content.names);
  put_texts(words, content.words);
  std::size_t entries = 0;
  for (const Set& set : content.sets) entries += set.size();
  if (entries > kMaxWordMarks) {
    out.state = WordPlace::State::impossible;
    return out;
  }
  std::vector<std::string> pages;
  std::vector<std::uint32_t> begins;
  ByteWriter page;
  std::size_t bytes = words.size() + content.groups.size() * 10;
  std::uint32_t begin = 0;
  for (std::uint32_t s = 0; s < content.sets.size(); ++s) {
    put_set(page, content.sets[s], content.groups.size());
    if (page.size() < kWordSetPageBytes && s + 1 < content.sets.size()) continue;
    bytes += page.size();
    pages.push_back(pack_bytes(page.view()));
    begins.push_back(begin);
    begin = s + 1;
    page = ByteWriter(page.take());
  }
  const std::string uses = encode_uses(content, begins, pages);
  if (bytes + uses.size() > kMaxWordIndexBytes) {
    out.state = WordPlace::State::impossible;
    return out;
  }
  ByteWriter sets;
  sets.string(pack_bytes(uses));
  for (const std::string& packed : pages) sets.bytes(packed);
  TT_ASSIGN(out.words, sink.put(pack_bytes(words.view())));
  TT_ASSIGN(out.sets, sink.put(sets.take()));
  out.state = WordPlace::State::made;
  return out;
}

Result<std::unique_ptr<WordIndex>> WordIndex::open(std::shared_ptr<const BlockSource> source,
                                                   const WordPlace& place, std::size_t rows) {
  std::unique_ptr<WordIndex> out(new WordIndex(std::move(source), place, rows));
  TT_TRY(out->read_words());
  return out;
}

tl::unexpected<Error> WordIndex::damaged(std::string_view what) const {
  return tl::unexpected<Error>(
      source_->damage(Error(ErrorKind::corruption, "word index: " + std::string(what))));
}

Result<> WordIndex::read_words() {
  TT_ASSIGN(const Bytes packed, source_->read(place_.words));
  auto raw = unpack_bytes(packed.view);
  if (!raw) return damaged("bad words");
  raw_ = *std::move(raw);
  ByteReader in(raw_);
  name_kinds_ = in.u8();
  if (!get_texts(in, names_text_, names_) || !get_texts(in, text_, words_) || !in.empty())
    return damaged("bad words");
  return {};
}

std::vector<std::uint32_t> WordIndex::words_with(const NeedleRun& run) const {
  std::string needle;
  if (run.begins && !run.longer_than_step) needle += kWordEnd;
  const std::size_t before = needle.size();
  needle += run.bytes;
  if (run.ends && !run.longer_than_step) needle += kWordEnd;
  std::vector<std::uint32_t> out;
  auto number = static_cast<std::uint32_t>(names_);  // of the word that `counted` is in
  const char* const end = text_.data() + text_.size();
  const char* at = text_.data();
  const char* counted = text_.data() + 1;
  while (true) {
    const char* found = find_bytes({at, static_cast<std::size_t>(end - at)}, needle);
    if (found == nullptr) return out;
    const char* const word = found + before;
    number += static_cast<std::uint32_t>(std::count(counted, word, kWordEnd));
    out.push_back(number);
    // On at the end of this word, which the next one may begin with.
    at = std::find(word, end, kWordEnd);
    counted = at;
    if (at == end) return out;
  }
}

template <class F>
std::vector<std::uint32_t> WordIndex::texts_with(std::string_view all, const std::string& piece, F is_it) {
  std::vector<std::uint32_t> out;
  std::size_t begin = 1;  // of the text at hand
  std::uint32_t number = 0;
  while (begin < all.size()) {
    if (!piece.empty()) {
      // On to the next one that may be.
      const char* found = find_bytes(all.substr(begin), piece);
      if (found == nullptr) break;
      const std::size_t start = all.rfind(kWordEnd, static_cast<std::size_t>(found - all.data())) + 1;
      number += static_cast<std::uint32_t>(std::count(all.data() + begin, all.data() + start, kWordEnd));
      begin = start;
    }
    const std::size_t end = all.find(kWordEnd, begin);
    if (is_it(all.substr(begin, end - begin))) out.push_back(number);
    begin = end + 1;
    ++number;
  }
  return out;
}

std::vector<std::uint32_t> WordIndex::names_like(const std::vector<std::string>& pieces) const {
  return texts_with(names_text_, longest_of(pieces),
                    [&pieces](std::string_view text) { return is_whole(text, pieces); });
}

std::vector<std::uint32_t> WordIndex::names_with(const std::vector<std::string>& pieces) const {
  return texts_with(folded_text(names_text_), longest_of(pieces),
                    [&pieces](std::string_view text) { return says_in_order(text, pieces); });
}

std::optional<std::uint32_t> WordIndex::mark(std::string_view mark) const {
  // Before all words, in their order.
  std::size_t begin = 1;
  for (std::uint32_t number = 0; number < words_ && text_[begin] <= kLastMark; ++number) {
    const std::size_t end = text_.find(kWordEnd, begin);
    if (text_.substr(begin, end - begin) == mark) return static_cast<std::uint32_t>(names_ + number);
    begin = end + 1;
  }
  return std::nullopt;
}

Result<> WordIndex::read_uses() {
  if (has_uses_) return {};
  TT_ASSIGN(sets_bytes_, source_->read(place_.sets));
  ByteReader frame(sets_bytes_.view);
  const std::string_view packed = frame.string();
  auto raw = frame.ok() ? unpack_bytes(packed) : Result<std::string>(fail(ErrorKind::corruption, ""));
  if (!raw) return damaged("bad uses");
  ByteReader in(*raw);
  const std::uint64_t groups = in.varint();
  if (!in.ok() || groups > rows_ || groups > in.remaining()) return damaged("bad groups");
  groups_.resize(groups);
  for (IndexedGroup& group : groups_) group.key = in.u64();
  std::int64_t row = 0;
  for (IndexedGroup& group : groups_) {
    const std::int64_t step = in.zigzag();
    if (step < -static_cast<std::int64_t>(rows_) || step > static_cast<std::int64_t>(rows_))
      return damaged("bad groups");
    row += step;
    if (row < 0 || row >= static_cast<std::int64_t>(rows_)) return damaged("bad groups");
    group.row = static_cast<std::uint32_t>(row);
  }
  const std::string_view alone = in.bytes((groups + 7) / 8);
  if (!in.ok()) return damaged("bad groups");
  for (std::size_t g = 0; g < groups; ++g) groups_[g].alone = (alone[g / 8] >> (g % 8) & 1) != 0;
  std::uint64_t largest = 0;
  for (std::size_t w = 0; w < names_ + words_ && in.ok(); ++w) {
    bool more = true;
    for (std::size_t i = 0; more && in.ok(); ++i) {
      if (i == storage::kTextKinds) return damaged("bad uses");
      Use use;
      use.kinds = in.u8();
      const std::uint64_t set = in.varint();
      more = (set & 1) != 0;
      largest = std::max(largest, set >> 1);
      if (set >> 1 > UINT32_MAX) return damaged("bad uses");
      use.set = static_cast<std::uint32_t>(set >> 1);
      uses_.push_back(use);
    }
    use_ends_.push_back(static_cast<std::uint32_t>(uses_.size()));
  }
  const std::uint64_t sets = in.varint();
  const std::uint64_t pages = in.varint();
  if (!in.ok() || sets > UINT32_MAX || (names_ + words_ > 0 && largest >= sets) || pages > in.remaining())
    return damaged("bad uses");
  sets_ = static_cast<std::uint32_t>(sets);
  std::size_t begin = sets_bytes_.view.size() - frame.remaining();
  std::uint64_t last = 0;
  for (std::uint64_t p = 0; p < pages; ++p) {
    const std::uint64_t first = in.varint();
    const std::uint64_t size = in.varint();
    if (!in.ok() || (p == 0 ? first != 0 : first <= last) || first >= sets ||
        size > sets_bytes_.view.size() - begin)
      return damaged("bad pages");
    pages_.push_back({static_cast<std::uint32_t>(first), begin, size, {}, {}});
    begin += size;
    last = first;
  }
  if (!in.empty() || begin != sets_bytes_.view.size() || (sets > 0 && pages == 0))
    return damaged("bad pages");
  has_uses_ = true;
  return {};
}

Result<std::vector<std::uint32_t>> WordIndex::groups_of_id(std::string_view id) {
  TT_ASSIGN(const WordIds ids, WordIds::open(*source_, place_.ids));
  TT_ASSIGN(auto groups, ids.groups_of(id));
  if (groups.empty()) return groups;
  TT_TRY(read_uses());
  if (*std::max_element(groups.begin(), groups.end()) >= groups_.size()) return damaged("bad ids");
  return groups;
}

Result<std::vector<std::uint64_t>> WordIndex::ids(unsigned& bits) {
  TT_ASSIGN(const WordIds ids, WordIds::open(*source_, place_.ids));
  TT_ASSIGN(auto entries, ids.entries());
  TT_TRY(read_uses());
  bits = ids.bits();
  if (std::any_of(entries.begin(), entries.end(), [this](std::uint64_t entry) {
        return static_cast<std::uint32_t>(entry) >= groups_.size();
      }))
    return damaged("bad ids");
  return entries;
}

Result<const std::vector<IndexedGroup>*> WordIndex::groups() {
  TT_TRY(read_uses());
  return &groups_;
}

Result<WordIndex::Page*> WordIndex::page_of(std::uint32_t set) {
  auto at = std::upper_bound(pages_.begin(), pages_.end(), set,
                             [](std::uint32_t s, const Page& page) { return s < page.first_set; });
  Page& page = *--at;
  if (!page.begins.empty()) return &page;
  const std::uint32_t end = at + 1 == pages_.end() ? sets_ : (at + 1)->first_set;
  auto raw = unpack_bytes(sets_bytes_.view.substr(page.begin, page.size));
  if (!raw) return damaged("bad page of sets");
  ByteReader in(*raw);
  std::vector<std::uint32_t> begins;
  for (std::uint32_t s = page.first_set; s < end; ++s) {
    begins.push_back(static_cast<std::uint32_t>(raw->size() - in.remaining()));
    if (!visit_set(in, static_cast<std::uint32_t>(groups_.size()), [](auto, auto) {}))
      return damaged("bad set");
  }
  if (!in.empty()) return damaged("bad page of sets");
  page.begins = std::move(begins);
  page.bytes = *std::move(raw);
  return &page;
}

template <class F>
Result<> WordIndex::visit(std::uint32_t set, F f) {
  TT_ASSIGN(const Page* page, page_of(set));
  ByteReader in(std::string_view(page->bytes).substr(page->begins[set - page->first_set]));
  visit_set(in, static_cast<std::uint32_t>(groups_.size()), f);  // was looked at when the page was opened
  return {};
}

Result<> WordIndex::add_groups(const std::vector<std::uint32_t>& words, storage::TextKinds kinds,
                               Bitmap& groups) {
  TT_TRY(read_uses());
  for (const std::uint32_t word : words) {
    for (std::uint32_t u = word == 0 ? 0 : use_ends_[word - 1]; u < use_ends_[word]; ++u) {
      if ((uses_[u].kinds & kinds) == 0) continue;
      const auto add = [&groups](std::uint32_t g, std::uint32_t end) {
        for (; g < end; ++g) groups.set(g);
      };
      TT_TRY(visit(uses_[u].set, add));
    }
  }
  return {};
}

Result<WordIndexContent> WordIndex::content() {
  TT_TRY(read_uses());
  WordIndexContent out;
  std::size_t entries = 0;
  out.groups = groups_;
  out.name_kinds = name_kinds_;
  const auto list = [](std::string_view text, std::vector<std::string_view>& into) {
    for (std::size_t begin = 1; begin < text.size();) {
      const std::size_t end = text.find(kWordEnd, begin);
      into.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  };
  list(names_text_, out.names);
  list(text_, out.words);
  for (std::size_t w = 0; w < names_ + words_; ++w) {
    const std::uint32_t first = w == 0 ? 0 : use_ends_[w - 1];
    out.uses.emplace_back(uses_.begin() + first, uses_.begin() + use_ends_[w]);
  }
  for (std::uint32_t s = 0; s < sets_; ++s) {
    Set& set = out.sets.emplace_back();
    const auto add = [&set](std::uint32_t g, std::uint32_t end) {
      for (; g < end; ++g) set.push_back(g);
    };
    TT_TRY(visit(s, add));
    entries += set.size();
    if (entries > kMaxWordMarks) return damaged("too much in its sets");
  }
  return out;
}

std::size_t WordIndex::memory_bytes() const {
  return raw_.size() + groups_.size() * sizeof(IndexedGroup) + uses_.size() * sizeof(Use) +
         use_ends_.size() * sizeof(std::uint32_t) + sets_bytes_.view.size();
}

}  // namespace telltale::eventdb
