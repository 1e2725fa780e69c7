// Which events' JSON is kept while far more come than usual. Every event counts and can be found by its
// columns, whatever is decided here; an event's JSON is what takes the room, and a hundred of one kind say no
// more than five. In each minute a project has so many: within that number every body is kept. Beyond it the
// first few of each group are, so that whatever is new can be looked at, and one in kSpikeSampleEvery of the
// rest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace telltale::quota {

enum class BodyMode : std::uint8_t {
  all,        // every body is kept
  automatic,  // while the rate is kSpikeFactor times the usual one, a sample
  fixed,      // so many a minute, then a sample
};
std::string_view to_string(BodyMode mode);

struct BodySettings {
  BodyMode mode = BodyMode::all;
  std::uint64_t per_minute = 0;  // of fixed
  bool operator==(const BodySettings&) const = default;
};

/// `{"mode": "all|automatic|fixed", "per_minute": 100}`; invalid_argument names what is wrong.
Result<BodySettings> parse_body_settings(std::string_view json);
std::string body_settings_json(const BodySettings& settings);

/// Thread-safe.
class BodySampler {
 public:
  void set(ProjectId project, const BodySettings& settings);
  BodySettings settings(ProjectId project) const;
  /// The project's usual number of errors a minute, for automatic.
  void set_usual(ProjectId project, std::uint64_t errors_per_minute);
  /// Bodies a minute within which all are kept; UINT64_MAX: there is no bound.
  std::uint64_t budget(ProjectId project) const;

  /// Counts an event of `group` and says whether its body is kept.
  bool keeps(ProjectId project, std::string_view group, UnixNanos now);

 private:
  struct Minute {
    BodySettings settings;
    std::uint64_t usual = 0;
    std::int64_t number = 0;
    std::uint64_t events = 0;
    std::uint64_t sampled = 0;  // that neither the budget nor their group has kept
    std::unordered_map<std::uint64_t, std::uint64_t> groups;
    std::uint64_t budget() const;
  };
  mutable Mutex mutex_;
  std::map<ProjectId, Minute> projects_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::quota
