#include "tsdb/block_cache.hpp"

namespace telltale::tsdb {

std::shared_ptr<const PartBlock> BlockCache::get(std::uint64_t part, std::uint32_t block) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find({part, block});
  if (found == by_key_.end()) return nullptr;
  slots_.splice(slots_.begin(), slots_, found->second);
  return found->second->value;
}

void BlockCache::put(std::uint64_t part, std::uint32_t block, std::shared_ptr<const PartBlock> value) {
  const std::lock_guard lock(mutex_);
  if (by_key_.contains({part, block}) || value->memory_bytes() > max_bytes_) return;
  bytes_ += value->memory_bytes();
  slots_.push_front({{part, block}, std::move(value)});
  by_key_.emplace(slots_.front().key, slots_.begin());
  while (bytes_ > max_bytes_) {
    bytes_ -= slots_.back().value->memory_bytes();
    by_key_.erase(slots_.back().key);
    slots_.pop_back();
  }
}

}  // namespace telltale::tsdb
