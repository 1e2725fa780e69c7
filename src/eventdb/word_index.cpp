#include "eventdb/word_index.hpp"

#include <algorithm>
#include <optional>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/word_list.hpp"
#include "eventdb/word_sets.hpp"

namespace telltale::eventdb {

namespace {

using Set = WordSet;
using Use = WordIndexContent::Use;

constexpr char kLastMark = 4;

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

std::uint64_t word_group_key(ProjectId project, std::string_view group) {
  return hash64(group, project.value);
}

Result<WordPlace> write_word_index(const WordIndexContent& content, BlockSink& sink) {
  WordPlace out;
  ByteWriter words;
  words.u8(content.name_kinds);
  put_word_list(words, content.names);
  put_word_list(words, content.words);
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
    put_word_set(page, content.sets[s], content.groups.size());
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
  if (!get_word_list(in, kMaxBlockWords, names_text_, names_) ||
      !get_word_list(in, kMaxBlockWords, text_, words_) || !in.empty())
    return damaged("bad words");
  return {};
}

std::vector<std::uint32_t> WordIndex::words_with(const NeedleRun& run) const {
  auto out = eventdb::words_with(text_, run);
  for (std::uint32_t& number : out) number += static_cast<std::uint32_t>(names_);
  return out;
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

Result<Bitmap> WordIndex::lone_groups() {
  TT_TRY(read_uses());
  Bitmap out(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g)
    if (groups_[g].alone) out.set(g);
  return out;
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
    if (!visit_word_set(in, static_cast<std::uint32_t>(groups_.size()), [](auto, auto) {}))
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
  visit_word_set(in, static_cast<std::uint32_t>(groups_.size()),
                 f);  // was looked at when the page was opened
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
  for_each_word(names_text_, [&out](std::string_view name) { out.names.push_back(name); });
  for_each_word(text_, [&out](std::string_view word) { out.words.push_back(word); });
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
