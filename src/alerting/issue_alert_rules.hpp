// Of which issues people want to hear: a project's rules. Each names what is news (a new issue, a regression,
// many events or users within a time), which issues it is about (a query of the search language), whom it
// tells and how often. A project without rules of its own has one: everything that happens to an issue, told
// to every receiver at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "errors/issue_store.hpp"
#include "storage/records.hpp"

namespace telltale::alerting {

inline constexpr std::size_t kMaxIssueAlertRules = 50;  // of a project
inline constexpr std::size_t kMaxIssueAlertNameBytes = 120;
inline constexpr std::size_t kMaxIssueAlertQueryBytes = 2048;
inline constexpr std::uint64_t kMaxIssueAlertCount = 1'000'000'000;
inline constexpr Nanos kLeastIssueAlertWindow = std::chrono::minutes(1);
inline constexpr Nanos kMostIssueAlertWindow = std::chrono::hours(24);
inline constexpr Nanos kMostIssueAlertDigest = std::chrono::hours(24 * 7);

/// More than `count` within the time; 0 and no time: not asked for.
struct IssueFrequency {
  std::uint64_t count = 0;
  Nanos within{0};
  bool asked() const { return within.count() > 0; }
};

struct IssueAlertRule {
  std::string name;  // of the project's own
  bool fresh = false;
  bool regressed = false;
  bool escalating = false;
  bool unarchived = false;
  IssueFrequency events;
  IssueFrequency users;
  std::string query;                   // of issues; empty: all
  std::vector<std::string> receivers;  // empty: every one of the project
  Nanos at_most_every{0};              // of one issue
  Nanos digest{0};                     // 0: each at once; else what was gathered, so often
  bool paused = false;

  bool wants(errors::IssueChange change) const;
};

/// `{"rules": [{"name": …}]}`. invalid_argument names what is wrong: `rules[1].events.within: …`.
Result<std::vector<IssueAlertRule>> parse_issue_alerts(std::string_view json, UnixNanos now);
void write_issue_alerts(JsonWriter& w, const std::vector<IssueAlertRule>& rules);

/// Where the records keep them: this and the project's number.
inline constexpr std::string_view kIssueAlertsSetting = "issue_alerts/";

/// The rules in force, by project. Thread-safe.
class ProjectIssueAlerts {
 public:
  struct Own {
    std::vector<IssueAlertRule> rules;
    bool is_default = true;  // the project has none of its own
  };
  /// Puts what the records keep into force.
  Result<> load(storage::RecordStore& records, UnixNanos now);
  Own of(ProjectId project) const;
  /// Projects that have rules of their own.
  std::vector<ProjectId> projects() const;
  /// Kept first, then in force; one change at a time.
  Result<> change(storage::RecordStore& records, ProjectId project, std::vector<IssueAlertRule> rules);
  /// Back to the one that a project has by itself.
  Result<> reset(storage::RecordStore& records, ProjectId project);

 private:
  Mutex changing_;
  mutable Mutex mutex_;
  std::map<ProjectId, std::vector<IssueAlertRule>> own_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::alerting
