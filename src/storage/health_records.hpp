// Records of how an application is doing: how its sessions end, its releases, its scheduled jobs and what
// people say of it. Everything here belongs to one project.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "storage/batch_items.hpp"

namespace telltale::storage {

// ---- sessions

/// How many sessions ended how; those that have not ended are in `started` alone.
struct SessionCounts {
  std::int64_t started = 0;
  std::int64_t exited = 0;
  std::int64_t errored = 0;
  std::int64_t abnormal = 0;
  std::int64_t crashed = 0;
  bool operator==(const SessionCounts&) const = default;
};
SessionCounts& operator+=(SessionCounts& to, const SessionCounts& more);

/// One hour of one release in one environment.
struct SessionHour {
  ProjectId project;
  UnixNanos hour;  // its start
  std::string release;
  std::string environment;
  SessionCounts counts;
  std::string users;          // DistinctSketch::encode(); may be left out of answers
  std::string crashed_users;  // the same
};

/// Empty texts do not filter.
struct SessionQuery {
  std::vector<ProjectId> projects;
  std::string release;
  std::string environment;
  TimeRange hours;
  bool with_users = false;
};

/// A session that may be heard of again.
struct KnownSession {
  std::uint64_t sid = 0;
  SessionState state = SessionState::open;
  bool started = false;  // counted as such
  UnixNanos seen;
  // Where it is counted: what its first update said. Of those from before this was kept, nothing.
  ProjectId project;
  UnixNanos hour;
  std::string release;
  std::string environment;
};

class SessionHealthRepository {
 public:
  virtual ~SessionHealthRepository() = default;
  /// By hour, rising.
  virtual Result<std::vector<SessionHour>> hours(const SessionQuery& query) = 0;
  virtual Result<std::optional<SessionHour>> hour(const SessionHour& key) = 0;
  virtual Result<> put(const SessionHour& hour) = 0;
  virtual Result<> prune_hours(UnixNanos before) = 0;
  virtual Result<> remember(const KnownSession& session) = 0;
  virtual Result<std::vector<KnownSession>> known() = 0;
  virtual Result<> forget(std::uint64_t sid) = 0;
};

// ---- releases

struct Release {
  std::int64_t id = 0;  // 0 when adding
  ProjectId project;
  std::string version;
  UnixNanos created;
  std::optional<UnixNanos> first_seen;  // event or session
  std::optional<UnixNanos> last_seen;
  std::optional<UnixNanos> released;
  std::string ref;
  std::string url;
  // Counted when read.
  std::uint64_t new_issues = 0;
  std::uint64_t regressed_issues = 0;
  std::uint64_t commits = 0;
  std::uint64_t deploys = 0;
};

struct CommitFile {
  std::string path;
  char type = 'M';  // A, M or D
};

struct Commit {
  std::string sha;
  std::string author_name;
  std::string author_email;
  std::string message;
  std::string repository;
  std::optional<UnixNanos> time;
  std::vector<CommitFile> files;
};

struct Deploy {
  std::int64_t id = 0;  // 0 when adding
  std::int64_t release = 0;
  std::string environment;
  std::string name;
  std::string url;
  std::optional<UnixNanos> started;
  UnixNanos finished;
};

struct ReleaseQuery {
  std::vector<ProjectId> projects;
  std::string text;         // in the version, ASCII case ignored
  std::string environment;  // with sessions there; empty: any
  std::size_t limit = 100;
  std::size_t offset = 0;
};

class ReleaseRepository {
 public:
  virtual ~ReleaseRepository() = default;
  /// conflict when the project has that version.
  virtual Result<std::int64_t> add(const Release& release) = 0;
  /// The release was seen from `first` to `last`; it is made when it is new, unless the project has `most`
  /// of them. False then.
  virtual Result<bool> saw(ProjectId project, std::string_view version, UnixNanos first, UnixNanos last,
                           UnixNanos now, std::uint64_t most) = 0;
  /// Writes released, ref and url.
  virtual Result<> update(const Release& release) = 0;
  virtual Result<Release> get(ProjectId project, std::string_view version) = 0;
  /// Newest first, by when they were released, else made.
  virtual Result<std::vector<Release>> list(const ReleaseQuery& query) = 0;
  virtual Result<std::uint64_t> count(const ReleaseQuery& query) = 0;
  /// Commits and deploys go, too; sessions and issues stay.
  virtual Result<> remove(std::int64_t id) = 0;
  /// They become exactly these, in this order.
  virtual Result<> set_commits(std::int64_t id, const std::vector<Commit>& commits) = 0;
  virtual Result<std::vector<Commit>> commits(std::int64_t id) = 0;
  virtual Result<std::int64_t> add_deploy(const Deploy& deploy) = 0;
  /// Newest first.
  virtual Result<std::vector<Deploy>> deploys(std::int64_t id) = 0;
};

// ---- scheduled jobs

struct Monitor {
  std::int64_t id = 0;  // 0 when adding
  ProjectId project;
  std::string slug;
  std::string name;
  std::string config;     // a document (health/schedule.hpp); `{}`: nothing is expected
  bool muted = false;     // watched, but nobody is told
  bool disabled = false;  // not watched
  UnixNanos created;
  UnixNanos updated;
};

/// The numbers are stored: never renumber.
enum class MonitorState : std::uint8_t { active = 0, ok = 1, error = 2, missed = 3, timeout = 4 };

/// A monitor in one environment.
struct MonitorStatus {
  std::int64_t monitor = 0;
  std::string environment;
  MonitorState state = MonitorState::active;
  std::optional<UnixNanos> last_check_in;
  std::optional<UnixNanos> next_expected;
  std::optional<UnixNanos> next_latest;  // then it is missed
  std::uint64_t failures = 0;            // in a row
  std::uint64_t successes = 0;           // the same
  std::optional<UnixNanos> failing_since;
};

struct KeptCheckIn {
  std::int64_t id = 0;  // 0 when adding
  std::int64_t monitor = 0;
  std::string environment;
  Id128 client_id;  // zero: none
  CheckInStatus status = CheckInStatus::ok;
  UnixNanos started;
  std::optional<UnixNanos> finished;
  std::optional<UnixNanos> expected;
  std::optional<UnixNanos> deadline;  // while in progress: then it has timed out
  std::int64_t duration_ms = -1;
  std::string release;
  Id128 trace_id;
};

/// A failure that the project has yet to hear of.
struct MonitorNotice {
  std::int64_t id = 0;  // 0 when adding
  ProjectId project;
  std::string event;       // an error event, ready to be taken in
  bool recovered = false;  // it is over: the issue that such an event belongs to may be resolved
};

class MonitorRepository {
 public:
  virtual ~MonitorRepository() = default;
  /// conflict when the project has that slug.
  virtual Result<std::int64_t> add(const Monitor& monitor) = 0;
  /// Name, config, muted, disabled and updated.
  virtual Result<> update(const Monitor& monitor) = 0;
  virtual Result<Monitor> get(std::int64_t id) = 0;
  virtual Result<std::optional<Monitor>> find(ProjectId project, std::string_view slug) = 0;
  /// By name.
  virtual Result<std::vector<Monitor>> list(const std::vector<ProjectId>& projects) = 0;
  virtual Result<std::uint64_t> count(ProjectId project) = 0;
  /// With all that is known of it.
  virtual Result<> remove(std::int64_t id) = 0;

  virtual Result<> put_status(const MonitorStatus& status) = 0;
  /// By environment.
  virtual Result<std::vector<MonitorStatus>> statuses(std::int64_t monitor) = 0;
  /// Those that should have been heard of by `now`.
  virtual Result<std::vector<MonitorStatus>> overdue(UnixNanos now) = 0;
  /// Those whose next run was expected before `now`, overdue or not.
  virtual Result<std::vector<MonitorStatus>> expected_before(UnixNanos now) = 0;

  virtual Result<std::int64_t> add_check_in(const KeptCheckIn& check_in) = 0;
  virtual Result<> update_check_in(const KeptCheckIn& check_in) = 0;
  virtual Result<std::optional<KeptCheckIn>> find_check_in(std::int64_t monitor, std::string_view environment,
                                                           Id128 client_id) = 0;
  /// The newest that is in progress.
  virtual Result<std::optional<KeptCheckIn>> open_check_in(std::int64_t monitor,
                                                           std::string_view environment) = 0;
  /// In progress for too long.
  virtual Result<std::vector<KeptCheckIn>> timed_out(UnixNanos now) = 0;
  /// Newest first; environment empty: all.
  virtual Result<std::vector<KeptCheckIn>> check_ins(std::int64_t monitor, std::string_view environment,
                                                     TimeRange range, std::size_t limit) = 0;
  virtual Result<> prune_check_ins(UnixNanos before) = 0;

  virtual Result<> add_notice(const MonitorNotice& notice) = 0;
  /// Oldest first.
  virtual Result<std::vector<MonitorNotice>> notices(std::size_t limit) = 0;
  virtual Result<> remove_notice(std::int64_t id) = 0;
};

// ---- feedback

/// The numbers are stored: never renumber.
enum class FeedbackStatus : std::uint8_t { open = 1, resolved = 2, archived = 3 };
std::string_view status_name(FeedbackStatus status);
std::optional<FeedbackStatus> feedback_status_from(std::string_view name);

struct Feedback {
  std::int64_t id = 0;  // 0 when adding
  ProjectId project;
  FeedbackStatus status = FeedbackStatus::open;
  FeedbackItem item;
  UnixNanos received;                 // by our clock; item.time is the client's
  std::string group_hash;             // of the error it is about; empty: not known (yet)
  std::optional<std::int64_t> issue;  // found by it when read
};

struct FeedbackQuery {
  std::vector<ProjectId> projects;
  std::optional<FeedbackStatus> status;
  std::string text;        // in message, name or e-mail, ASCII case ignored
  std::int64_t issue = 0;  // 0: any
  std::size_t limit = 100;
  std::size_t offset = 0;
};

class FeedbackRepository {
 public:
  virtual ~FeedbackRepository() = default;
  /// What has the same id (or, reported without one, is about the same event) is replaced.
  virtual Result<> put(const Feedback& feedback) = 0;
  virtual Result<Feedback> get(std::int64_t id) = 0;
  virtual Result<> set_status(std::int64_t id, FeedbackStatus status) = 0;
  virtual Result<> set_group(std::int64_t id, std::string_view hash) = 0;
  /// What came last first, whatever the clients' clocks say.
  virtual Result<std::vector<Feedback>> list(const FeedbackQuery& query) = 0;
  virtual Result<std::uint64_t> count(const FeedbackQuery& query) = 0;
  /// About an error that has not been found, received from `since` on: `limit` of all, and of each project
  /// first those that have waited longest for another look.
  virtual Result<std::vector<Feedback>> unlinked(UnixNanos since, std::size_t limit) = 0;
  /// It was looked for, and not found.
  virtual Result<> looked_for(std::int64_t id, UnixNanos time) = 0;
  virtual Result<> prune(UnixNanos before) = 0;
  /// The ids of what that person said, or of what names the address.
  virtual Result<std::vector<Id128>> of_person(ProjectId project, std::string_view user_id,
                                               std::string_view email) = 0;
  /// The same goes; how many went.
  virtual Result<std::uint64_t> forget(ProjectId project, std::string_view user_id,
                                       std::string_view email) = 0;
};

// ---- what was not kept

struct OutcomeHour {
  ProjectId project;
  UnixNanos hour;
  OutcomeCount count;
};

class OutcomeRepository {
 public:
  virtual ~OutcomeRepository() = default;
  virtual Result<> add(const OutcomeHour& outcome) = 0;
  /// Summed over the hours (the first of which is told), most first.
  virtual Result<std::vector<OutcomeHour>> list(const std::vector<ProjectId>& projects, TimeRange range) = 0;
  virtual Result<> prune(UnixNanos before) = 0;
};

}  // namespace telltale::storage
