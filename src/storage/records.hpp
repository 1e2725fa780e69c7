// The contract of the book of records: things with a life (projects, keys, tokens, users, issues, rule
// state), as against events, which only happen. Typed repositories, no SQL; the embedded implementation is
// metadb/.
//
// A call on a repository is its own transaction unless it runs inside RecordStore::transaction(). Look-ups by
// key answer not_found, naming what was looked for. Thread-safe: one transaction runs at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "model/event_row.hpp"
#include "storage/issue_condition.hpp"
#include "storage/issue_life.hpp"

namespace telltale::storage {

struct Project {
  ProjectId id;  // 0 when adding: the next free one
  std::string slug;
  std::string name;
  UnixNanos created;
};

class ProjectRepository {
 public:
  virtual ~ProjectRepository() = default;
  /// conflict when the id or the slug is taken.
  virtual Result<ProjectId> add(const Project& project) = 0;
  /// By id.
  virtual Result<> update(const Project& project) = 0;
  virtual Result<Project> get(ProjectId id) = 0;
  virtual Result<Project> find_by_slug(std::string_view slug) = 0;
  /// By id, rising.
  virtual Result<std::vector<Project>> list() = 0;
};

/// What a Sentry SDK identifies itself with; public, so it is stored as it is.
struct DsnKey {
  std::string public_key;  // 32 lower-case hex digits
  ProjectId project;
  bool enabled = true;
  UnixNanos created;
};

class DsnKeyRepository {
 public:
  virtual ~DsnKeyRepository() = default;
  /// conflict when the key exists; not_found when the project does not.
  virtual Result<> add(const DsnKey& key) = 0;
  virtual Result<DsnKey> get(std::string_view public_key) = 0;
  virtual Result<> set_enabled(std::string_view public_key, bool enabled) = 0;
  /// In the order of creation; project 0: of all.
  virtual Result<std::vector<DsnKey>> list(ProjectId project) = 0;
};

/// The numbers are stored: never renumber.
enum class Role : std::uint8_t { ingest = 1, viewer = 2, editor = 3, admin = 4 };
std::string_view to_string(Role role);
/// `member` is read as editor.
std::optional<Role> role_from(std::string_view name);

struct ApiToken {
  std::int64_t id = 0;  // 0 when adding
  std::string name;
  Role role = Role::viewer;
  ProjectId project;  // 0: every project
  std::string hash;   // SHA-256 of the secret, 32 raw bytes; the secret itself is never stored
  UnixNanos created;
  std::optional<UnixNanos> expires;
  std::optional<UnixNanos> last_used;
};

class TokenRepository {
 public:
  virtual ~TokenRepository() = default;
  /// conflict when the name or the hash is taken.
  virtual Result<std::int64_t> add(const ApiToken& token) = 0;
  virtual Result<ApiToken> find_by_hash(std::string_view hash) = 0;
  virtual Result<ApiToken> find_by_name(std::string_view name) = 0;
  virtual Result<> remove(std::int64_t id) = 0;
  virtual Result<> touch(std::int64_t id, UnixNanos last_used) = 0;
  /// By id, rising.
  virtual Result<std::vector<ApiToken>> list() = 0;
};

/// A person who signs in. The e-mail address is stored in lower case and is unique.
struct User {
  std::int64_t id = 0;  // 0 when adding; never given twice
  std::string email;
  std::string name;
  Role role = Role::viewer;
  bool disabled = false;
  std::string password;  // argon2id in PHC form; the password itself is never stored
  UnixNanos created;
  std::optional<UnixNanos> last_login;
};

class UserRepository {
 public:
  virtual ~UserRepository() = default;
  /// conflict when the address is taken.
  virtual Result<std::int64_t> add(const User& user) = 0;
  /// Writes every field but id and created. conflict as for add().
  virtual Result<> update(const User& user) = 0;
  virtual Result<User> get(std::int64_t id) = 0;
  virtual Result<User> find_by_email(std::string_view email) = 0;
  /// The user's sessions go, too.
  virtual Result<> remove(std::int64_t id) = 0;
  /// By id, rising.
  virtual Result<std::vector<User>> list() = 0;
};

/// A browser that is signed in.
struct Session {
  std::int64_t id = 0;  // 0 when adding; never given twice
  std::string hash;     // SHA-256 of the token in the cookie, 32 raw bytes
  std::int64_t user = 0;
  UnixNanos created;
  UnixNanos last_seen;
  UnixNanos expires;    // at the latest
  std::string address;  // of the client when it signed in
  std::string user_agent;
};

class SessionRepository {
 public:
  virtual ~SessionRepository() = default;
  /// conflict when the hash is taken; not_found when the user does not exist.
  virtual Result<std::int64_t> add(const Session& session) = 0;
  virtual Result<Session> find_by_hash(std::string_view hash) = 0;
  virtual Result<> touch(std::int64_t id, UnixNanos last_seen) = 0;
  virtual Result<> remove(std::int64_t id) = 0;
  /// All of the user's but `keep` (0: all); how many went.
  virtual Result<std::size_t> remove_of(std::int64_t user, std::int64_t keep) = 0;
  /// Of one user, newest first.
  virtual Result<std::vector<Session>> list(std::int64_t user) = 0;
  /// Those that had expired by `now` or were last seen before `idle_since`; how many went.
  virtual Result<std::size_t> prune(UnixNanos now, UnixNanos idle_since) = 0;
};

/// The numbers of these two are stored: never renumber.
enum class IssueStatus : std::uint8_t { unresolved = 1, resolved = 2, ignored = 3 };
enum class IssueSubstatus : std::uint8_t {
  none = 0,
  fresh = 1,
  ongoing = 2,
  regressed = 3,
  escalating = 4,
  until_escalating = 5,  // these three of ignored issues
  until_condition = 6,
  forever = 7
};
std::string_view to_string(IssueStatus status);
/// `new`, `ongoing`, `regressed`, `escalating`, `archived_until_escalating`, …; empty for none.
std::string_view to_string(IssueSubstatus substatus);
std::optional<IssueSubstatus> issue_substatus_from(std::string_view name);
std::optional<IssueStatus> issue_status_from(std::string_view name);

/// What was one issue before it was merged into another is a *part* of that one: it keeps its id, its hashes
/// and its own counts, hours, releases and users, and an issue is read as the sum of its parts. An issue that
/// nothing was merged into is its only part.
struct Issue {
  IssueId id;  // 0 when adding
  ProjectId project;
  std::string short_id;  // `STOCKAPP-1F`: the project's slug and a number of its own; made when adding
  std::string title;
  std::string culprit;
  std::string type;  // exception class, empty for messages
  Level level = Level::unknown;
  std::string platform;
  IssueStatus status = IssueStatus::unresolved;
  IssueSubstatus substatus = IssueSubstatus::fresh;
  UnixNanos first_seen;
  UnixNanos last_seen;
  std::string first_release;
  std::string last_release;
  std::uint64_t event_count = 0;
  std::uint64_t user_count = 0;  // exact up to limits::kMaxUsersPerIssue, then within 1 %
  UnixNanos status_changed;      // time of the last change of status
  std::string resolved_in;       // release the fix is in; empty: any event reopens
  std::string assignee;
  Id128 last_event;
  bool resolved_next = false;  // the fix is in the release after resolved_in
  UnixNanos substatus_since;
  IssuePriority priority = IssuePriority::medium;
  bool priority_by_hand = false;
  IssueArchive archive;          // of an ignored one
  bool users_estimated = false;  // more users than are counted exactly
  std::uint32_t parts = 1;
};

enum class IssueSort : std::uint8_t { last_seen, first_seen, events, users, trend };
/// By its name here.
std::optional<IssueSort> issue_sort_from(std::string_view name);

/// Empty fields do not filter.
struct IssueQuery {
  std::vector<ProjectId> projects;  // empty: no issue at all
  std::vector<IssueStatus> statuses;
  std::vector<Level> levels;
  std::vector<IssueSubstatus> substatuses;
  std::vector<IssuePriority> priorities;
  std::int64_t bookmarked_by = 0;  // by this user
  std::string text;                // in title, culprit, type or short id, ASCII case ignored
  std::string release;             // seen in this release
  std::string assignee;
  IssueCondition where;
  TimeRange seen;                         // last_seen ≥ from and first_seen < to
  IssueSort sort = IssueSort::last_seen;  // greatest first, then by id falling
  UnixNanos
      trend_at;  // for trend: events of the 24 hours that end with its hour, minus those of the 24 before
  std::size_t limit = 100;
  std::size_t offset = 0;
};

struct HourCount {
  UnixNanos hour;  // its start
  std::uint64_t count = 0;
};

struct ReleaseCount {
  std::string release;
  UnixNanos first_seen;
  UnixNanos last_seen;
  std::uint64_t count = 0;
};

struct EnvironmentSeen {
  std::string environment;
  UnixNanos first_seen;
  UnixNanos last_seen;
};

/// Where a hash leads: the issue, and the part of it that counts.
struct IssuePart {
  IssueId issue;
  IssueId part;
};

struct IssueHash {
  std::string hash;
  IssueId part;
};

/// Methods that take an issue answer over all of its parts; of one that is merged, for the issue it is merged
/// into.
class IssueRepository {
 public:
  virtual ~IssueRepository() = default;
  /// Gives id and short_id.
  virtual Result<Issue> add(Issue issue) = 0;
  /// Writes every field but id, project and short_id.
  virtual Result<> update(const Issue& issue) = 0;
  virtual Result<Issue> get(IssueId id) = 0;
  virtual Result<Issue> find_by_short_id(std::string_view short_id) = 0;
  virtual Result<std::vector<Issue>> search(const IssueQuery& query) = 0;
  /// Ignores limit and offset.
  virtual Result<std::uint64_t> count(const IssueQuery& query) = 0;

  virtual Result<std::optional<IssueId>> find_by_hash(ProjectId project, std::string_view hash) = 0;
  virtual Result<std::optional<IssuePart>> find_part(ProjectId project, std::string_view hash) = 0;
  /// A hash that is bound already stays where it is.
  virtual Result<> bind_hash(ProjectId project, std::string_view hash, IssueId part) = 0;
  /// The hash leads to another part from now on.
  virtual Result<> move_hash(ProjectId project, std::string_view hash, IssueId part) = 0;
  /// Sorted.
  virtual Result<std::vector<std::string>> hashes(IssueId issue) = 0;
  /// By part, then hash.
  virtual Result<std::vector<IssueHash>> part_hashes(IssueId issue) = 0;

  /// Each with its own counts; the issue's own comes first, then by id.
  virtual Result<std::vector<Issue>> parts(IssueId issue) = 0;
  /// Counts of one part of an issue that has several; never those of the issue itself.
  virtual Result<> update_part(IssueId issue, const Issue& part) = 0;
  /// `from` and its parts become parts of `into`. Nothing is moved: events are found by hash, counts stay
  /// with their part.
  virtual Result<> merge(IssueId into, IssueId from) = 0;
  /// The part is an issue again, its counts what it has counted. invalid_argument when it is the issue's own.
  virtual Result<> unmerge(IssueId part) = 0;

  // Those from here to `add_user` count in one part.
  /// Events that were counted without their JSON being kept.
  virtual Result<> add_left_out(IssueId part, std::uint64_t count) = 0;
  virtual Result<std::uint64_t> left_out(IssueId issue) = 0;
  virtual Result<> add_hour_count(IssueId part, UnixNanos time, std::uint64_t count) = 0;
  /// Hours that overlap the range, rising; hours without events are left out.
  virtual Result<std::vector<HourCount>> hour_counts(IssueId issue, TimeRange range) = 0;
  virtual Result<> add_release(IssueId part, const ReleaseCount& seen) = 0;
  /// By first_seen, rising.
  virtual Result<std::vector<ReleaseCount>> releases(IssueId issue) = 0;
  virtual Result<> add_environment(IssueId part, const EnvironmentSeen& seen) = 0;
  /// In which issues of the projects were seen; sorted, at most limits::kMaxEnvironments.
  virtual Result<std::vector<std::string>> environments(const std::vector<ProjectId>& projects) = 0;
  /// True when the part had not met this user.
  virtual Result<bool> add_user(IssueId part, std::string_view user) = 0;
  /// Another part of the issue has met this user.
  virtual Result<bool> user_elsewhere(IssueId issue, IssueId part, std::string_view user) = 0;
  /// As add_user() was told them.
  virtual Result<std::vector<std::string>> users(IssueId part) = 0;
  virtual Result<> drop_users(IssueId part) = 0;
  /// A sketch of a part's users in pages (errors/user_sketch.hpp); those that were never written are missing.
  virtual Result<std::vector<std::pair<int, std::string>>> user_pages(IssueId part) = 0;
  virtual Result<> put_user_page(IssueId part, int page, std::string_view bytes) = 0;
  /// In every issue of the project; how many had met this user. Their counts of users go down by one.
  virtual Result<std::size_t> forget_user(ProjectId project, std::string_view user) = 0;

  /// False: records were made before environments were noted, and nobody has read them from the events since.
  virtual Result<bool> knows_environments() = 0;
  virtual Result<> environments_are_known() = 0;

  /// Drops hourly counts from before `time`.
  virtual Result<> prune_hours(UnixNanos time) = 0;

  /// When an error of the release first came to the project; an earlier time than the known is no news.
  virtual Result<> meet_release(ProjectId project, std::string_view release, UnixNanos time) = 0;
  virtual Result<std::optional<UnixNanos>> release_met(ProjectId project, std::string_view release) = 0;
  /// Newest first.
  virtual Result<std::vector<std::string>> releases_met(ProjectId project, std::size_t limit) = 0;

  /// The issue came back in this release.
  virtual Result<> add_regression(const Issue& issue, std::string_view release) = 0;

  /// Of an archived issue that waits for users within a window: who came when, and how many since.
  virtual Result<> add_archive_user(IssueId issue, std::string_view user, UnixNanos time) = 0;
  virtual Result<std::uint64_t> archive_users(IssueId issue, UnixNanos since) = 0;
  virtual Result<> clear_archive_users(IssueId issue) = 0;

  // For what happens with time.
  /// Unresolved ones whose substatus is new, regressed or escalating from before `since`, oldest first.
  virtual Result<std::vector<Issue>> settling(UnixNanos since, std::size_t limit) = 0;
  /// Archived until a time that is not after `now`.
  virtual Result<std::vector<Issue>> archived_until(UnixNanos now, std::size_t limit) = 0;
  /// Open issues, and those archived until they escalate, with more than `least` events in the hour; the
  /// busiest first.
  virtual Result<std::vector<std::pair<Issue, std::uint64_t>>> busy(UnixNanos hour, std::uint64_t least,
                                                                    std::size_t limit) = 0;
};

/// What one alert (rule and label set) must remember across a restart.
struct RuleState {
  ProjectId project;
  std::string rule;         // stable key of the rule
  std::string fingerprint;  // of the alert's labels
  std::string labels;       // JSON, opaque here
  UnixNanos active_at;
  std::optional<UnixNanos> fired_at;
  std::optional<UnixNanos> resolved_at;
  double value = 0;
};

class RuleStateRepository {
 public:
  virtual ~RuleStateRepository() = default;
  /// By project, rule, fingerprint.
  virtual Result<std::vector<RuleState>> list() = 0;
  virtual Result<> put(const RuleState& state) = 0;
  virtual Result<> remove(ProjectId project, std::string_view rule, std::string_view fingerprint) = 0;
  /// The rule's states become exactly these.
  virtual Result<> replace(ProjectId project, std::string_view rule,
                           const std::vector<RuleState>& states) = 0;
};

struct Setting {
  std::string key;
  std::string value;
};

/// Small documents under a key (`silence/…`, `dashboard/…`): for what has no table of its own.
class SettingRepository {
 public:
  virtual ~SettingRepository() = default;
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual Result<> put(std::string_view key, std::string_view value) = 0;
  virtual Result<> remove(std::string_view key) = 0;
  /// Sorted by key.
  virtual Result<std::vector<Setting>> list(std::string_view prefix) = 0;
};

/// How far each derived store that keeps its effect in these records has come.
class AppliedRepository {
 public:
  virtual ~AppliedRepository() = default;
  /// 0 when the store is new.
  virtual Result<Sequence> get(std::string_view store) = 0;
  virtual Result<> put(std::string_view store, Sequence sequence) = 0;
};

/// A metric that is counted out of log lines.
struct LogMetric {
  std::int64_t id = 0;  // 0 when adding; never given twice
  ProjectId project;
  std::string name;        // of the project's own
  std::string definition;  // a document, opaque here
  Sequence since;          // rows accepted behind it count
  UnixNanos created;
};

/// A piece of what has been counted, under a key that its metric chooses; both opaque here.
struct LogMetricState {
  std::int64_t metric = 0;
  std::string key;
  std::string value;
};

class LogMetricRepository {
 public:
  virtual ~LogMetricRepository() = default;
  /// conflict when the project has one of that name.
  virtual Result<std::int64_t> add(const LogMetric& metric) = 0;
  /// Its states go, too.
  virtual Result<> remove(std::int64_t id) = 0;
  /// By id, rising.
  virtual Result<std::vector<LogMetric>> list() = 0;
  virtual Result<> put_state(const LogMetricState& state) = 0;
  virtual Result<> remove_state(std::int64_t metric, std::string_view key) = 0;
  /// By metric, then key.
  virtual Result<std::vector<LogMetricState>> states() = 0;
};

/// An alerting rule that was made through the API.
struct KeptRule {
  std::int64_t id = 0;  // 0 when adding; never given twice
  ProjectId project;
  std::string name;        // of the project's own
  std::string definition;  // a document, opaque here
  UnixNanos created;
  UnixNanos updated;
  std::string created_by;
};

class KeptRuleRepository {
 public:
  virtual ~KeptRuleRepository() = default;
  /// conflict when the project has one of that name.
  virtual Result<std::int64_t> add(const KeptRule& rule) = 0;
  /// Name, definition and updated. conflict as for add().
  virtual Result<> update(const KeptRule& rule) = 0;
  virtual Result<KeptRule> get(std::int64_t id) = 0;
  virtual Result<> remove(std::int64_t id) = 0;
  /// By id, rising.
  virtual Result<std::vector<KeptRule>> list() = 0;
};

enum class Durability : std::uint8_t {
  full,      // survives a crash once the call has returned
  deferred,  // atomic and in order, but a crash may take it back until the next full commit; for what is
             // replayed from the journal
};

class UsageRepository;          // usage_records.hpp
class SessionHealthRepository;  // these five: health_records.hpp
class ReleaseRepository;
class MonitorRepository;
class FeedbackRepository;
class OutcomeRepository;
class AttachmentRepository;  // attachment_records.hpp

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  /// Runs `body` with the store to itself; commits when it returns a value, else takes everything back and
  /// hands the error on. Inside another transaction it is a part of that one, taken back alone on error.
  /// `body` must not wait for other threads that use the store.
  virtual Result<> transaction(const std::function<Result<>()>& body,
                               Durability durability = Durability::full) = 0;

  virtual ProjectRepository& projects() = 0;
  virtual DsnKeyRepository& dsn_keys() = 0;
  virtual TokenRepository& tokens() = 0;
  virtual UserRepository& users() = 0;
  virtual SessionRepository& sessions() = 0;
  virtual IssueRepository& issues() = 0;
  virtual IssueActivityRepository& issue_activity() = 0;
  virtual RuleStateRepository& rule_states() = 0;
  virtual SettingRepository& settings() = 0;
  virtual AppliedRepository& applied() = 0;
  virtual LogMetricRepository& log_metrics() = 0;
  virtual KeptRuleRepository& kept_rules() = 0;
  virtual SessionHealthRepository& session_health() = 0;
  virtual ReleaseRepository& releases() = 0;
  virtual MonitorRepository& monitors() = 0;
  virtual FeedbackRepository& feedback() = 0;
  virtual OutcomeRepository& outcomes() = 0;
  virtual AttachmentRepository& attachments() = 0;
  virtual UsageRepository& usage() = 0;
};

}  // namespace telltale::storage
