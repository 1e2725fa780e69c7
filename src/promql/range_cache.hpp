// Answers of range queries that are asked again and again, as dashboards do: the steps that nothing has
// changed are taken from the last answer, the others are evaluated. A store tells the earliest time at which
// samples came since then, late ones as well, so that a step that could have another value is never reused.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "promql/eval.hpp"

namespace telltale::promql {

/// How far beyond a step's time its value may look, in milliseconds; nullopt: steps of the query cannot be
/// kept, since what they are depends on the query's own start, end or step.
std::optional<std::int64_t> looks_ahead(std::string_view text, const Expr& expr, std::int64_t lookback);

/// Thread-safe; the answer that was not used for longest goes first.
class RangeCache {
 public:
  explicit RangeCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Answer {
    Steps steps;
    std::uint64_t version = 0;  // of the store (storage::Changes)
    std::vector<StepSeries> series;
    std::set<std::string> warnings;
    std::set<std::string> infos;
    std::size_t bytes() const;
  };
  std::shared_ptr<const Answer> get(const std::string& key);
  /// Not kept when it is larger than an eighth of the cache.
  void put(const std::string& key, std::shared_ptr<const Answer> answer);

 private:
  struct Slot {
    std::string key;
    std::shared_ptr<const Answer> answer;
    std::size_t bytes;
  };
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<Slot> slots_;  // the one used last in front
  std::unordered_map<std::string, std::list<Slot>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

/// What of an answer holds for these steps: from its step `first` on, `count` steps, which begin where
/// `steps` do.
struct Reusable {
  std::size_t first = 0;
  std::size_t count = 0;
};
Reusable reusable(const RangeCache::Answer& answer, const Steps& steps, std::int64_t changed_since,
                  std::int64_t ahead);

/// The first steps from `old`, the rest from `fresh`, which is of the rest alone.
std::vector<StepSeries> joined_steps(const RangeCache::Answer& old, const Reusable& use,
                                     std::vector<StepSeries> fresh, std::size_t count);

}  // namespace telltale::promql
