// The repositories of storage/records.hpp over one Connection. They hold no state of their own, but for what
// issues counted lately (issue_trends.hpp).
#pragma once

#include "metadb/connection.hpp"
#include "metadb/issue_condition_sql.hpp"
#include "metadb/issue_trends.hpp"
#include "storage/records.hpp"

namespace telltale::metadb {

class SqlProjects final : public storage::ProjectRepository {
 public:
  explicit SqlProjects(Connection& db) : db_(db) {}
  Result<ProjectId> add(const storage::Project& project) override;
  Result<> update(const storage::Project& project) override;
  Result<storage::Project> get(ProjectId id) override;
  Result<storage::Project> find_by_slug(std::string_view slug) override;
  Result<std::vector<storage::Project>> list() override;

 private:
  Connection& db_;
};

class SqlDsnKeys final : public storage::DsnKeyRepository {
 public:
  explicit SqlDsnKeys(Connection& db) : db_(db) {}
  Result<> add(const storage::DsnKey& key) override;
  Result<storage::DsnKey> get(std::string_view public_key) override;
  Result<> set_enabled(std::string_view public_key, bool enabled) override;
  Result<std::vector<storage::DsnKey>> list(ProjectId project) override;

 private:
  Connection& db_;
};

class SqlTokens final : public storage::TokenRepository {
 public:
  explicit SqlTokens(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::ApiToken& token) override;
  Result<storage::ApiToken> find_by_hash(std::string_view hash) override;
  Result<storage::ApiToken> find_by_name(std::string_view name) override;
  Result<> remove(std::int64_t id) override;
  Result<> touch(std::int64_t id, UnixNanos last_used) override;
  Result<std::vector<storage::ApiToken>> list() override;

 private:
  Connection& db_;
};

class SqlUsers final : public storage::UserRepository {
 public:
  explicit SqlUsers(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::User& user) override;
  Result<> update(const storage::User& user) override;
  Result<storage::User> get(std::int64_t id) override;
  Result<storage::User> find_by_email(std::string_view email) override;
  Result<> remove(std::int64_t id) override;
  Result<std::vector<storage::User>> list() override;

 private:
  Connection& db_;
};

class SqlSessions final : public storage::SessionRepository {
 public:
  explicit SqlSessions(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::Session& session) override;
  Result<storage::Session> find_by_hash(std::string_view hash) override;
  Result<> touch(std::int64_t id, UnixNanos last_seen) override;
  Result<> remove(std::int64_t id) override;
  Result<std::size_t> remove_of(std::int64_t user, std::int64_t keep) override;
  Result<std::vector<storage::Session>> list(std::int64_t user) override;
  Result<std::size_t> prune(UnixNanos now, UnixNanos idle_since) override;

 private:
  Connection& db_;
};

class SqlIssues final : public storage::IssueRepository {
 public:
  explicit SqlIssues(Connection& db);
  /// MetaDb::load_trends()
  Result<bool> load_trends(UnixNanos now);
  Result<storage::Issue> add(storage::Issue issue) override;
  Result<> update(const storage::Issue& issue) override;
  Result<storage::Issue> get(storage::IssueId id) override;
  Result<storage::Issue> find_by_short_id(std::string_view short_id) override;
  Result<std::vector<storage::Issue>> search(const storage::IssueQuery& query) override;
  Result<std::uint64_t> count(const storage::IssueQuery& query) override;
  Result<std::optional<storage::IssueId>> find_by_hash(ProjectId project, std::string_view hash) override;
  Result<std::optional<storage::IssuePart>> find_part(ProjectId project, std::string_view hash) override;
  Result<> bind_hash(ProjectId project, std::string_view hash, storage::IssueId part) override;
  Result<> move_hash(ProjectId project, std::string_view hash, storage::IssueId part) override;
  Result<std::vector<std::string>> hashes(storage::IssueId issue) override;
  Result<std::vector<storage::IssueHash>> part_hashes(storage::IssueId issue) override;
  Result<std::vector<storage::Issue>> parts(storage::IssueId issue) override;
  Result<> update_part(storage::IssueId issue, const storage::Issue& part) override;
  Result<> merge(storage::IssueId into, storage::IssueId from) override;
  Result<> unmerge(storage::IssueId part) override;
  Result<> add_left_out(storage::IssueId part, std::uint64_t count) override;
  Result<std::uint64_t> left_out(storage::IssueId issue) override;
  Result<> add_hour_count(storage::IssueId part, UnixNanos time, std::uint64_t count) override;
  Result<std::vector<storage::HourCount>> hour_counts(storage::IssueId issue, TimeRange range) override;
  Result<> add_release(storage::IssueId part, const storage::ReleaseCount& seen) override;
  Result<std::vector<storage::ReleaseCount>> releases(storage::IssueId issue) override;
  Result<> add_environment(storage::IssueId part, const storage::EnvironmentSeen& seen) override;
  Result<std::vector<std::string>> environments(const std::vector<ProjectId>& projects) override;
  Result<bool> knows_environments() override;
  Result<> environments_are_known() override;
  Result<bool> add_user(storage::IssueId part, std::string_view user) override;
  Result<bool> user_elsewhere(storage::IssueId issue, storage::IssueId part, std::string_view user) override;
  Result<std::vector<std::string>> users(storage::IssueId part) override;
  Result<> drop_users(storage::IssueId part) override;
  Result<std::vector<std::pair<int, std::string>>> user_pages(storage::IssueId part) override;
  Result<> put_user_page(storage::IssueId part, int page, std::string_view bytes) override;
  Result<std::size_t> forget_user(ProjectId project, std::string_view user) override;
  Result<> prune_hours(UnixNanos time) override;
  Result<> meet_release(ProjectId project, std::string_view release, UnixNanos time) override;
  Result<> add_regression(const storage::Issue& issue, std::string_view release) override;
  Result<std::optional<UnixNanos>> release_met(ProjectId project, std::string_view release) override;
  Result<std::vector<std::string>> releases_met(ProjectId project, std::size_t limit) override;
  Result<> add_archive_user(storage::IssueId issue, std::string_view user, UnixNanos time) override;
  Result<std::uint64_t> archive_users(storage::IssueId issue, UnixNanos since) override;
  Result<> clear_archive_users(storage::IssueId issue) override;
  Result<std::vector<storage::Issue>> settling(UnixNanos since, std::size_t limit) override;
  Result<std::vector<storage::Issue>> archived_until(UnixNanos now, std::size_t limit) override;
  Result<std::vector<std::pair<storage::Issue, std::uint64_t>>> busy(UnixNanos hour, std::uint64_t least,
                                                                     std::size_t limit) override;

 private:
  Result<std::string> next_short_id(ProjectId project);
  enum class Walk : unsigned char;
  Result<Walk> walk_for(const storage::IssueQuery& query);
  Result<bool> fills_soon(const storage::IssueQuery& query);
  /// How issues of the query's release and environments are told.
  Result<SeenTest> seen_test(const storage::IssueQuery& query, std::uint64_t most);
  Result<bool> is_common(std::string_view table, std::string_view column, std::string_view value,
                         std::uint64_t most);
  /// An expression over a row of `issues`; great is first.
  std::string order_of(const storage::IssueQuery& query) const;
  /// The page of a search by trend, if all of it has risen and memory can tell; nullopt when not.
  Result<std::optional<std::vector<storage::Issue>>> search_risen(const storage::IssueQuery& query);
  Result<std::int64_t> end_of_stretch(std::int64_t after);
  void lead(storage::IssueId part, storage::IssueId from, storage::IssueId to);
  /// The issue that `id` is, or was merged into.
  Result<storage::IssueId> survivor(storage::IssueId id);
  Result<bool> has_own(storage::IssueId issue);
  Result<> restore_own(storage::IssueId issue);
  Result<> sum_up(storage::IssueId issue);
  Connection& db_;
  IssueTrends trends_;  // guarded by the connection's lock
};

class SqlIssueActivity final : public storage::IssueActivityRepository {
 public:
  explicit SqlIssueActivity(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::IssueActivity& activity) override;
  Result<storage::IssueActivity> get(std::int64_t id) override;
  Result<> update(const storage::IssueActivity& activity) override;
  Result<> remove(std::int64_t id) override;
  Result<std::vector<storage::IssueActivity>> list(storage::IssueId issue, std::int64_t before,
                                                   std::size_t limit) override;
  Result<std::uint64_t> count_comments(storage::IssueId issue) override;
  Result<> put_mark(std::int64_t user, const storage::IssueMark& mark) override;
  Result<storage::IssueMark> mark(std::int64_t user, storage::IssueId issue) override;

 private:
  Connection& db_;
};

class SqlRuleStates final : public storage::RuleStateRepository {
 public:
  explicit SqlRuleStates(Connection& db) : db_(db) {}
  Result<std::vector<storage::RuleState>> list() override;
  Result<> put(const storage::RuleState& state) override;
  Result<> remove(ProjectId project, std::string_view rule, std::string_view fingerprint) override;
  Result<> replace(ProjectId project, std::string_view rule,
                   const std::vector<storage::RuleState>& states) override;

 private:
  Connection& db_;
};

class SqlSettings final : public storage::SettingRepository {
 public:
  explicit SqlSettings(Connection& db) : db_(db) {}
  Result<std::optional<std::string>> get(std::string_view key) override;
  Result<> put(std::string_view key, std::string_view value) override;
  Result<> remove(std::string_view key) override;
  Result<std::vector<storage::Setting>> list(std::string_view prefix) override;

 private:
  Connection& db_;
};

class SqlApplied final : public storage::AppliedRepository {
 public:
  explicit SqlApplied(Connection& db) : db_(db) {}
  Result<Sequence> get(std::string_view store) override;
  Result<> put(std::string_view store, Sequence sequence) override;

 private:
  Connection& db_;
};

class SqlLogMetrics final : public storage::LogMetricRepository {
 public:
  explicit SqlLogMetrics(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::LogMetric& metric) override;
  Result<> remove(std::int64_t id) override;
  Result<std::vector<storage::LogMetric>> list() override;
  Result<> put_state(const storage::LogMetricState& state) override;
  Result<> remove_state(std::int64_t metric, std::string_view key) override;
  Result<std::vector<storage::LogMetricState>> states() override;

 private:
  Connection& db_;
};

class SqlKeptRules final : public storage::KeptRuleRepository {
 public:
  explicit SqlKeptRules(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::KeptRule& rule) override;
  Result<> update(const storage::KeptRule& rule) override;
  Result<storage::KeptRule> get(std::int64_t id) override;
  Result<> remove(std::int64_t id) override;
  Result<std::vector<storage::KeptRule>> list() override;

 private:
  Connection& db_;
};

}  // namespace telltale::metadb
