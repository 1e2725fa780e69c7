#include "tsdb/symbols.hpp"

#include <cstring>

#include "base/check.hpp"
#include "base/hash.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::size_t kTextBytes = 64 << 10;
constexpr std::size_t kFirstSlots = 1024;  // a power of two

}  // namespace

Symbols::Symbols()
    : pages_(std::make_unique<std::atomic<std::string_view*>[]>(kPages)), slots_(kFirstSlots) {}

Symbols::~Symbols() {
  for (std::size_t p = 0; p < kPages && pages_[p] != nullptr; ++p) delete[] pages_[p].load();
}

std::size_t Symbols::place(std::string_view text, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].symbol != UINT32_MAX &&
         (slots_[at].hash != hash || this->text(slots_[at].symbol) != text))
    at = (at + 1) & mask;
  return at;
}

std::optional<std::uint32_t> Symbols::find(std::string_view text) const {
  const Slot& slot = slots_[place(text, static_cast<std::uint32_t>(hash64(text)))];
  if (slot.symbol == UINT32_MAX) return std::nullopt;
  return slot.symbol;
}

std::string_view Symbols::keep(std::string_view text) {
  if (text.size() > text_room_) {
    const std::size_t size = std::max(kTextBytes, text.size());
    texts_.push_back(std::make_unique_for_overwrite<char[]>(size));
    text_at_ = texts_.back().get();
    text_room_ = size;
    bytes_ += size;
  }
  if (!text.empty()) std::memcpy(text_at_, text.data(), text.size());
  const std::string_view kept(text_at_, text.size());
  text_at_ += text.size();
  text_room_ -= text.size();
  return kept;
}

void Symbols::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.symbol == UINT32_MAX) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].symbol != UINT32_MAX) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::uint32_t Symbols::intern(std::string_view text) {
  const auto hash = static_cast<std::uint32_t>(hash64(text));
  std::size_t at = place(text, hash);
  if (slots_[at].symbol != UINT32_MAX) return slots_[at].symbol;
  if (size_ >= slots_.size() / 4 * 3) {
    grow();
    at = place(text, hash);
  }
  const std::size_t page = size_ / kPage;
  TT_CHECK(page < kPages);
  if (pages_[page].load(std::memory_order_relaxed) == nullptr) {
    pages_[page].store(new std::string_view[kPage], std::memory_order_release);
    bytes_ += kPage * sizeof(std::string_view);
  }
  pages_[page].load(std::memory_order_relaxed)[size_ % kPage] = keep(text);
  slots_[at] = {hash, size_};
  return size_++;
}

}  // namespace telltale::tsdb
