#include "eventdb/part_word_cache.hpp"

namespace telltale::eventdb {

std::optional<PartWordPage> PartWordCache::find(const Part& part, std::size_t page, Nanos now) {
  MutexLock lock(mutex_);
  const auto at = entries_.find({&part, page});
  if (at == entries_.end() || at->second.part.lock().get() != &part) return std::nullopt;
  at->second.used = now;
  return at->second.page;
}

void PartWordCache::add(const std::shared_ptr<const Part>& part, std::size_t page, const PartWordPage& opened,
                        Nanos now) {
  const std::size_t size = opened.memory_bytes();
  MutexLock lock(mutex_);
  const auto old = entries_.find({part.get(), page});
  if (old != entries_.end()) {
    bytes_ -= old->second.page.memory_bytes();
    entries_.erase(old);
  }
  if (bytes_ + size > max_bytes_) return;
  entries_.emplace(Key{part.get(), page}, Entry{part, opened, now});
  bytes_ += size;
}

void PartWordCache::forget(Nanos since) {
  MutexLock lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) TT_REQUIRES(mutex_) {
    const bool goes = entry.second.used < since || entry.second.part.expired();
    if (goes) bytes_ -= entry.second.page.memory_bytes();
    return goes;
  });
}

std::size_t PartWordCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace telltale::eventdb
