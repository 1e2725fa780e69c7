// Pages of parts' words, unpacked, for the next question: people type, and every letter asks again. A page is
// taken in while there is room, and let go when it was not asked for in a while or its part is gone; so many
// parts do not push each other out with every question.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "base/mutex.hpp"
#include "base/time.hpp"
#include "eventdb/part.hpp"
#include "eventdb/part_words.hpp"

namespace telltale::eventdb {

/// Thread-safe.
class PartWordCache {
 public:
  explicit PartWordCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  /// `now`: monotonic.
  std::optional<PartWordPage> find(const Part& part, std::size_t page, Nanos now);
  void add(const std::shared_ptr<const Part>& part, std::size_t page, const PartWordPage& opened, Nanos now);
  /// Lets go of pages whose part is gone or that nobody asked for since.
  void forget(Nanos since);
  std::size_t bytes() const;

 private:
  struct Key {
    const Part* part = nullptr;
    std::size_t page = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.part) * 31 + key.page;
    }
  };
  struct Entry {
    std::weak_ptr<const Part> part;  // another may come to stand where it was
    PartWordPage page;
    Nanos used{0};
  };

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  std::unordered_map<Key, Entry, KeyHash> entries_ TT_GUARDED_BY(mutex_);
  std::size_t bytes_ TT_GUARDED_BY(mutex_) = 0;
};

}  // namespace telltale::eventdb
