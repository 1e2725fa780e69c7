// What projects take of what is sent to them, in force: limits of DSN keys, filters, and how many bodies are
// kept. A change is written down first and holds for requests that begin after it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "quota/body_sampler.hpp"
#include "quota/filters.hpp"
#include "quota/key_limits.hpp"
#include "storage/records.hpp"

namespace telltale::quota {

/// Where the records keep them: this and the project's number, or the public key.
inline constexpr std::string_view kIntakeSetting = "intake/";
inline constexpr std::string_view kLimitsSetting = "limits/";

struct IntakeSettings {
  FilterSettings filters;
  BodySettings bodies;
  bool operator==(const IntakeSettings&) const = default;
};
/// `{"filters": {…}, "bodies": {…}}`; a member may be missing.
Result<IntakeSettings> parse_intake_settings(std::string_view json);
std::string intake_settings_json(const IntakeSettings& settings);

/// Thread-safe.
class Intake {
 public:
  /// What is kept comes into force.
  Result<> load(storage::RecordStore& records);

  /// Null when the project has none that could strike.
  std::shared_ptr<const Filters> filters(ProjectId project) const;
  IntakeSettings settings(ProjectId project) const;
  Result<> change(storage::RecordStore& records, ProjectId project, const IntakeSettings& settings);
  Result<> change_limits(storage::RecordStore& records, Id128 key, const KeyLimits& limits);

  Limiter& limiter() { return limiter_; }
  BodySampler& bodies() { return bodies_; }

 private:
  Result<> set(ProjectId project, const IntakeSettings& settings);

  Limiter limiter_;
  BodySampler bodies_;
  Mutex changing_;
  mutable Mutex mutex_;
  std::map<ProjectId, std::shared_ptr<const Filters>> filters_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::quota
