#include "eventdb/word_ids.hpp"

#include <algorithm>
#include <bit>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "eventdb/index_page.hpp"
#include "eventdb/part_format.hpp"

namespace telltale::eventdb {

namespace {

constexpr unsigned kIdGroupBits = 32;  // of an entry, below the key; a page keeps 24 of them
constexpr std::uint64_t kIdGroupMask = kIndexBlockMask;

}  // namespace

std::uint32_t id_hash(std::string_view id) { return static_cast<std::uint32_t>(hash64(id) >> 32); }

bool WordIdsBuilder::has_room() {
  if (is_full_) return false;
  if (entries_.size() < 2 * kMaxBlockIds) return true;
  // Some came more than once.
  std::sort(entries_.begin(), entries_.end());
  entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  is_full_ = entries_.size() > kMaxBlockIds;
  return !is_full_;
}

Result<io::BlockHandle> WordIdsBuilder::write(BlockSink& sink) {
  std::sort(entries_.begin(), entries_.end());
  entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  if (is_full_ || entries_.empty() || entries_.size() > kMaxBlockIds) return io::BlockHandle{};
  const auto wanted = static_cast<unsigned>(std::bit_width(entries_.size())) + kIdBitsBeyond;
  const unsigned bits = std::min(bits_, std::clamp(wanted, kLeastIdBits, kMostIdBits));
  for (std::uint64_t& entry : entries_)
    entry = entry >> kIdGroupBits >> (kMostIdBits - bits) << kIdGroupBits | (entry & kIdGroupMask);
  std::sort(entries_.begin(), entries_.end());  // groups of hashes that are equal now
  entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  std::vector<WordIds::Page> pages;
  for (std::size_t at = 0; at < entries_.size(); at += kIdPageEntries) {
    const std::size_t size = std::min(kIdPageEntries, entries_.size() - at);
    TT_ASSIGN(const auto handle,
              sink.put(encode_index_page(std::span<const std::uint64_t>(entries_).subspan(at, size))));
    pages.push_back({entries_[at] >> kIdGroupBits, handle});
  }
  return sink.put(WordIds::encode(bits, pages));
}

std::string WordIds::encode(unsigned bits, std::span<const Page> pages) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(bits));
  out.varint(pages.size());
  std::uint64_t last = 0;
  for (const Page& page : pages) {
    out.varint(page.first - last);
    put_handle(out, page.handle);
    last = page.first;
  }
  return out.take();
}

tl::unexpected<Error> WordIds::damaged() const {
  return tl::unexpected<Error>(source_->damage(Error(ErrorKind::corruption, "word index: bad ids")));
}

Result<WordIds> WordIds::open(const BlockSource& source, io::BlockHandle directory) {
  WordIds out(source);
  TT_ASSIGN(const Bytes bytes, source.read(directory));
  ByteReader in(bytes.view);
  out.bits_ = in.u8();
  const std::uint64_t pages = in.varint();
  if (!in.ok() || out.bits_ < kLeastIdBits || out.bits_ > kMostIdBits || pages == 0 ||
      pages > kMaxBlockIds / kIdPageEntries)
    return out.damaged();
  std::uint64_t first = 0;
  for (std::uint64_t p = 0; p < pages && in.ok(); ++p) {
    first += in.varint();
    const io::BlockHandle handle = get_handle(in);
    if (first >> out.bits_ != 0) return out.damaged();
    out.pages_.push_back({first, handle});
  }
  if (!in.ok() || !in.empty()) return out.damaged();
  return out;
}

Result<std::vector<std::uint32_t>> WordIds::groups_of(std::string_view id) const {
  const std::uint64_t key = id_hash(id) >> (kMostIdBits - bits_);
  // Those of one id may stand on several pages, from the end of one on.
  auto page = std::lower_bound(pages_.begin(), pages_.end(), key,
                               [](const Page& p, std::uint64_t wanted) { return p.first < wanted; });
  if (page != pages_.begin()) --page;
  std::vector<std::uint32_t> out;
  for (; page != pages_.end() && page->first <= key; ++page) {
    TT_ASSIGN(const Bytes bytes, source_->read(page->handle));
    if (!find_in_index_page(bytes.view, key << kIdGroupBits, out)) return damaged();
  }
  return out;
}

Result<std::vector<std::uint64_t>> WordIds::entries() const {
  std::vector<std::uint64_t> out;
  for (const Page& page : pages_) {
    TT_ASSIGN(const Bytes bytes, source_->read(page.handle));
    if (!read_index_page(bytes.view, out) || out.size() > kMaxBlockIds) return damaged();
  }
  for (std::uint64_t& entry : out) {
    if (entry >> kIdGroupBits >> bits_ != 0) return damaged();
    entry = entry >> kIdGroupBits << (kMostIdBits - bits_) << kIdGroupBits | (entry & kIdGroupMask);
  }
  return out;
}

}  // namespace telltale::eventdb
