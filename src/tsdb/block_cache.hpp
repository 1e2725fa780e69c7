// Blocks that were read lately, parsed, for all readers of a store; the one used longest ago goes first.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "tsdb/part_block.hpp"

namespace telltale::tsdb {

/// Thread-safe.
class BlockCache {
 public:
  explicit BlockCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// `part` is the part's file number, which is never given twice.
  std::shared_ptr<const PartBlock> get(std::uint64_t part, std::uint32_t block);
  void put(std::uint64_t part, std::uint32_t block, std::shared_ptr<const PartBlock> value);
  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Key {
    std::uint64_t part;
    std::uint32_t block;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const { return (k.part * 0x9E3779B97F4A7C15ULL) ^ k.block; }
  };
  struct Slot {
    Key key;
    std::shared_ptr<const PartBlock> value;
  };

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Slot> slots_;  // the one used last in front
  std::unordered_map<Key, std::list<Slot>::iterator, KeyHash> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace telltale::tsdb
