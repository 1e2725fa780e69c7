// Records of what became of all that was sent, by project, DSN key, category and reason, in buckets of
// kUsageBucket.
#pragma once

#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "storage/batch_items.hpp"

namespace telltale::storage {

inline constexpr Nanos kUsageBucket{std::chrono::minutes(10)};

struct UsageBucket {
  ProjectId project;
  UnixNanos time;  // its start
  UsageCount count;
};

struct UsageQuery {
  ProjectId project;
  TimeRange range;
  /// Buckets are joined to ones as long as this, counted from 1970; zero: to one.
  Nanos step{0};
  bool by_reason = true;  // else reason and key are left empty, and summed over
};

class UsageRepository {
 public:
  virtual ~UsageRepository() = default;
  /// Adds to the bucket's count.
  virtual Result<> add(const UsageBucket& usage) = 0;
  /// By time, rising; of one time, most first.
  virtual Result<std::vector<UsageBucket>> list(const UsageQuery& query) = 0;
  virtual Result<> prune(UnixNanos before) = 0;
};

}  // namespace telltale::storage
