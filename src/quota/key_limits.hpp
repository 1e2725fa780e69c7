// How much a DSN key may send: so many events of a category in each window of time. Windows are cut from 1970
// on, so that all servers and all people agree when one ends. A limit is used up exactly: of a hundred log
// lines that come at once while ten are left, ten are granted.
//
// What was used is known in memory: a restart begins the window anew.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::quota {

struct KeyLimit {
  std::string category;  // or kAllCategories
  std::uint64_t events = 0;
  std::int64_t window_seconds = 60;
  bool operator==(const KeyLimit&) const = default;
};
using KeyLimits = std::vector<KeyLimit>;

/// `{"limits": [{"category": "error", "events": 1000, "window_seconds": 60}]}`; invalid_argument names what
/// is wrong.
Result<KeyLimits> parse_key_limits(std::string_view json);
/// The list alone, as JSON.
std::string key_limits_json(const KeyLimits& limits);

struct Grant {
  std::uint64_t granted = 0;
  /// When less than what was asked for: when the limit that was in the way ends, and which one it is.
  std::int64_t retry_after_s = 0;
  std::string reason;  // `100 in 60s`
  bool all_categories = false;
};

/// Thread-safe.
class Limiter {
 public:
  /// Empty: the key has none any more. A limit that stays as it was goes on counting.
  void set(Id128 key, KeyLimits limits);
  KeyLimits limits(Id128 key) const;
  /// Uses up as much as there is of `quantity`.
  Grant take(Id128 key, std::string_view category, std::uint64_t quantity, UnixNanos now);
  /// Gives back what was granted and then not used.
  void give_back(Id128 key, std::string_view category, std::uint64_t quantity, UnixNanos now);

 private:
  struct Window {
    KeyLimit limit;
    std::int64_t number = 0;  // of the window
    std::uint64_t used = 0;
    bool covers(std::string_view category) const;
    void move_to(UnixNanos now);
    std::uint64_t left() const { return used < limit.events ? limit.events - used : 0; }
  };
  mutable Mutex mutex_;
  std::map<Id128, std::vector<Window>> keys_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::quota
