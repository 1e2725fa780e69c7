#include "eventdb/part_words.hpp"

#include <algorithm>

#include "eventdb/part_format.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/word_sets.hpp"

namespace telltale::eventdb {

namespace {

tl::unexpected<Error> bad_part_words(const BlockSource& source, const char* what) {
  return tl::unexpected<Error>(
      source.damage(Error(ErrorKind::corruption, std::string("words of the part: ") + what)));
}

/// Appends. False when the bytes are no uses.
bool get_part_uses(ByteReader& in, std::uint32_t groups, std::uint32_t sets, std::vector<PartWordUse>& into) {
  bool more = true;
  for (std::size_t i = 0; more; ++i) {
    if (i == storage::kTextKinds) return false;
    PartWordUse use;
    use.kinds = in.u8();
    const std::uint64_t who = in.varint();
    more = (who & 1) != 0;
    if (!in.ok() || who >> 2 >= ((who & 2) != 0 ? groups : sets)) return false;
    use.who = static_cast<std::uint32_t>(who >> 1);
    into.push_back(use);
  }
  return true;
}

void put_text_pages(ByteWriter& out, const std::vector<PartWordPages::TextPage>& pages) {
  out.varint(pages.size());
  for (const auto& page : pages) {
    out.varint(page.count);
    put_handle(out, page.handle);
  }
}

bool get_text_pages(ByteReader& in, std::vector<PartWordPages::TextPage>& pages) {
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > kMaxPartWordPages) return false;
  pages.resize(count);
  for (auto& page : pages) {
    const std::uint64_t texts = in.varint();
    if (texts == 0 || texts > kPartWordPageBytes) return false;
    page.count = static_cast<std::uint32_t>(texts);
    page.handle = get_handle(in);
  }
  return in.ok();
}

bool get_set_pages(ByteReader& in, PartWordPages& pages) {
  const std::uint64_t sets = in.varint();
  const std::uint64_t count = in.varint();
  if (!in.ok() || sets > UINT32_MAX / 4 || count > kMaxPartSetPages || (sets > 0) != (count > 0))
    return false;
  pages.sets = static_cast<std::uint32_t>(sets);
  std::uint64_t first = 0;
  for (std::uint64_t p = 0; p < count; ++p) {
    const std::uint64_t step = in.varint();
    if (!in.ok() || (p == 0) != (step == 0) || step >= sets - first) return false;
    first += step;
    pages.set_pages.push_back({static_cast<std::uint32_t>(first), get_handle(in)});
  }
  return in.ok();
}

bool get_content(ByteReader& in, PartWords::Content& out) {
  out.pages.name_kinds = in.u8();
  const std::uint64_t groups = in.varint();
  if (!in.ok() || groups > kMaxPartGroups) return false;
  out.groups = static_cast<std::uint32_t>(groups);
  const std::string_view lone = in.bytes((groups + 7) / 8);
  if (!in.ok()) return false;
  out.lone = Bitmap(groups);
  for (std::size_t g = 0; g < groups; ++g)
    if ((lone[g / 8] >> (g % 8) & 1) != 0) out.lone.set(g);
  out.group_pages.resize((groups + kPartGroupsAPage - 1) / kPartGroupsAPage);
  for (PartWords::GroupPage& page : out.group_pages) {
    page.names = get_handle(in);
    page.blocks = get_handle(in);
  }
  if (!get_text_pages(in, out.pages.names) || !get_text_pages(in, out.pages.words) ||
      !get_set_pages(in, out.pages))
    return false;
  const std::uint64_t marks = in.varint();
  if (!in.ok() || marks > in.remaining()) return false;
  out.pages.marks.resize(marks);
  for (auto& mark : out.pages.marks) {
    mark.mark = static_cast<char>(in.u8());
    if (!get_part_uses(in, out.groups, out.pages.sets, mark.uses)) return false;
  }
  return in.ok() && in.empty();
}

Result<std::string> unpacked(const BlockSource& source, io::BlockHandle handle, const char* what) {
  TT_ASSIGN(const Bytes packed, source.read(handle));
  auto raw = unpack_bytes(packed.view);
  if (!raw) return bad_part_words(source, what);
  return raw;
}

}  // namespace

void put_part_uses(ByteWriter& out, std::span<const PartWordUse> uses) {
  for (std::size_t i = 0; i < uses.size(); ++i) {
    out.u8(uses[i].kinds);
    out.varint(std::uint64_t{uses[i].who} << 1 | (i + 1 < uses.size() ? 1 : 0));
  }
}

std::string encode_part_groups(std::span<const PartGroup> groups) {
  ByteWriter out;
  for (const PartGroup& group : groups) {
    out.varint(group.project.value);
    out.string(group.text);
  }
  return pack_bytes(out.view());
}

std::string encode_group_blocks(std::span<const std::vector<GroupBlock>> blocks) {
  ByteWriter out;
  for (const auto& list : blocks) {
    out.varint(list.size());
    std::uint64_t last = 0;
    for (const GroupBlock& block : list) {
      const std::uint64_t value = std::uint64_t{block.number} << 1 | (block.alone ? 1 : 0);
      out.varint(value - last);
      last = value;
    }
  }
  return pack_bytes(out.view());
}

Result<PartWordPage> PartWordPage::read(const BlockSource& source, const PartWordPages::TextPage& page) {
  const auto out = std::make_shared<Raw>();
  TT_ASSIGN(out->packed, source.read(page.handle));
  ByteReader frame(out->packed.view);
  const std::string_view texts = frame.string();
  auto raw = frame.ok() ? unpack_bytes(texts) : Result<std::string>(fail(ErrorKind::corruption, ""));
  if (!raw) return bad_part_words(source, "bad page");
  out->packed_uses = out->packed.view.substr(out->packed.view.size() - frame.remaining());
  out->bytes = *std::move(raw);
  ByteReader in(out->bytes);
  if (!get_word_list(in, kPartWordPageBytes, out->list, out->count) || !in.empty() ||
      out->count != page.count)
    return bad_part_words(source, "bad page");
  PartWordPage read;
  read.raw_ = out;
  return read;
}

Result<> PartWordPage::open_uses(const BlockSource& source, std::uint32_t groups, std::uint32_t sets) {
  if (ends_.size() == raw_->count) return {};
  auto raw = unpack_bytes(raw_->packed_uses);
  if (!raw) return bad_part_words(source, "bad uses");
  ByteReader in(*raw);
  ends_.reserve(raw_->count);
  uses_.reserve(raw_->count);
  for (std::size_t i = 0; i < raw_->count; ++i) {
    if (!get_part_uses(in, groups, sets, uses_)) return bad_part_words(source, "bad uses");
    ends_.push_back(static_cast<std::uint32_t>(uses_.size()));
  }
  if (!in.empty()) return bad_part_words(source, "bad uses");
  return {};
}

Result<const PartWordSets::Opened*> PartWordSets::open(std::size_t number) {
  Opened& page = opened_[number];
  if (!page.begins.empty()) return &page;
  TT_ASSIGN(std::string raw, unpacked(source_, pages_.set_pages[number].handle, "bad page of sets"));
  const std::uint32_t end =
      number + 1 < pages_.set_pages.size() ? pages_.set_pages[number + 1].first : pages_.sets;
  ByteReader in(raw);
  std::vector<std::uint32_t> begins;
  for (std::uint32_t s = pages_.set_pages[number].first; s < end; ++s) {
    begins.push_back(static_cast<std::uint32_t>(raw.size() - in.remaining()));
    if (!visit_word_set(in, groups_, [](auto, auto) {})) return bad_part_words(source_, "bad set");
  }
  if (!in.empty()) return bad_part_words(source_, "bad page of sets");
  page.bytes = std::move(raw);
  page.begins = std::move(begins);
  return &page;
}

template <class F>
Result<> PartWordSets::visit(std::uint32_t who, F f) {
  const std::uint32_t number = who >> 1;
  if ((who & 1) != 0) {
    f(number, number + 1);
    return {};
  }
  const auto at =
      std::upper_bound(pages_.set_pages.begin(), pages_.set_pages.end(), number,
                       [](std::uint32_t n, const PartWordPages::SetPage& page) { return n < page.first; });
  const auto page_number = static_cast<std::size_t>(at - pages_.set_pages.begin()) - 1;
  TT_ASSIGN(const Opened* page, open(page_number));
  ByteReader in(
      std::string_view(page->bytes).substr(page->begins[number - pages_.set_pages[page_number].first]));
  visit_word_set(in, groups_, f);  // was looked at when the page was opened
  return {};
}

Result<> PartWordSets::add(std::uint32_t who, Bitmap& groups) {
  return visit(who, [&groups](std::uint32_t g, std::uint32_t end) {
    for (; g < end; ++g) groups.set(g);
  });
}

Result<> PartWordSets::add(std::uint32_t who, std::vector<std::uint32_t>& groups) {
  return visit(who, [&groups](std::uint32_t g, std::uint32_t end) {
    for (; g < end; ++g) groups.push_back(g);
  });
}

std::string PartWords::encode(const Content& content) {
  ByteWriter out;
  out.u8(content.pages.name_kinds);
  out.varint(content.groups);
  std::string lone((content.groups + 7) / 8, '\0');
  content.lone.for_each(
      [&lone](std::size_t g) { lone[g / 8] = static_cast<char>(lone[g / 8] | 1 << (g % 8)); });
  out.bytes(lone);
  for (const GroupPage& page : content.group_pages) {
    put_handle(out, page.names);
    put_handle(out, page.blocks);
  }
  put_text_pages(out, content.pages.names);
  put_text_pages(out, content.pages.words);
  out.varint(content.pages.sets);
  out.varint(content.pages.set_pages.size());
  std::uint32_t last = 0;
  for (const auto& page : content.pages.set_pages) {
    out.varint(page.first - last);
    put_handle(out, page.handle);
    last = page.first;
  }
  out.varint(content.pages.marks.size());
  for (const auto& mark : content.pages.marks) {
    out.u8(static_cast<std::uint8_t>(mark.mark));
    put_part_uses(out, mark.uses);
  }
  return pack_bytes(out.view());
}

Result<PartWords> PartWords::open(const BlockSource& source, io::BlockHandle directory, std::size_t blocks) {
  TT_ASSIGN(const std::string raw, unpacked(source, directory, "bad directory"));
  PartWords out;
  out.blocks_ = blocks;
  ByteReader in(raw);
  if (!get_content(in, out.content_)) return bad_part_words(source, "bad directory");
  return out;
}

std::size_t PartWords::groups_of_page(std::size_t page) const {
  return std::min(kPartGroupsAPage, content_.groups - page * kPartGroupsAPage);
}

Result<std::vector<PartGroup>> PartWords::names(const BlockSource& source, std::size_t page) const {
  TT_ASSIGN(const std::string raw, unpacked(source, content_.group_pages[page].names, "bad groups"));
  ByteReader in(raw);
  std::vector<PartGroup> out(groups_of_page(page));
  for (PartGroup& group : out) {
    group.project.value = static_cast<std::uint32_t>(in.varint());
    group.text = std::string(in.string());
  }
  if (!in.ok() || !in.empty()) return bad_part_words(source, "bad groups");
  return out;
}

Result<std::vector<std::vector<GroupBlock>>> PartWords::blocks(const BlockSource& source,
                                                               std::size_t page) const {
  TT_ASSIGN(const std::string raw,
            unpacked(source, content_.group_pages[page].blocks, "bad blocks of groups"));
  ByteReader in(raw);
  std::vector<std::vector<GroupBlock>> out(groups_of_page(page));
  for (auto& list : out) {
    const std::uint64_t count = in.varint();
    if (!in.ok() || count > blocks_) return bad_part_words(source, "bad blocks of groups");
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      value += in.varint();
      if (!in.ok() || value >> 1 >= blocks_ || (i > 0 && value >> 1 <= list.back().number))
        return bad_part_words(source, "bad blocks of groups");
      list.push_back({static_cast<std::uint32_t>(value >> 1), (value & 1) != 0});
    }
  }
  if (!in.empty()) return bad_part_words(source, "bad blocks of groups");
  return out;
}

}  // namespace telltale::eventdb
