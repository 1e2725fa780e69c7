// The repositories of storage/health_records.hpp, for this folder's .cpp files.
#pragma once

#include "metadb/connection.hpp"
#include "storage/attachment_records.hpp"
#include "storage/health_records.hpp"

namespace telltale::metadb {

class SqlSessionHealth final : public storage::SessionHealthRepository {
 public:
  explicit SqlSessionHealth(Connection& db) : db_(db) {}
  Result<std::vector<storage::SessionHour>> hours(const storage::SessionQuery& query) override;
  Result<std::optional<storage::SessionHour>> hour(const storage::SessionHour& key) override;
  Result<> put(const storage::SessionHour& hour) override;
  Result<> prune_hours(UnixNanos before) override;
  Result<> remember(const storage::KnownSession& session) override;
  Result<std::vector<storage::KnownSession>> known() override;
  Result<> forget(std::uint64_t sid) override;

 private:
  Connection& db_;
};

class SqlReleases final : public storage::ReleaseRepository {
 public:
  explicit SqlReleases(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::Release& release) override;
  Result<bool> saw(ProjectId project, std::string_view version, UnixNanos first, UnixNanos last,
                   UnixNanos now, std::uint64_t most) override;
  Result<> update(const storage::Release& release) override;
  Result<storage::Release> get(ProjectId project, std::string_view version) override;
  Result<std::vector<storage::Release>> list(const storage::ReleaseQuery& query) override;
  Result<std::uint64_t> count(const storage::ReleaseQuery& query) override;
  Result<> remove(std::int64_t id) override;
  Result<> set_commits(std::int64_t id, const std::vector<storage::Commit>& commits) override;
  Result<std::vector<storage::Commit>> commits(std::int64_t id) override;
  Result<std::int64_t> add_deploy(const storage::Deploy& deploy) override;
  Result<std::vector<storage::Deploy>> deploys(std::int64_t id) override;

 private:
  Connection& db_;
};

class SqlMonitors final : public storage::MonitorRepository {
 public:
  explicit SqlMonitors(Connection& db) : db_(db) {}
  Result<std::int64_t> add(const storage::Monitor& monitor) override;
  Result<> update(const storage::Monitor& monitor) override;
  Result<storage::Monitor> get(std::int64_t id) override;
  Result<std::optional<storage::Monitor>> find(ProjectId project, std::string_view slug) override;
  Result<std::vector<storage::Monitor>> list(const std::vector<ProjectId>& projects) override;
  Result<std::uint64_t> count(ProjectId project) override;
  Result<> remove(std::int64_t id) override;
  Result<> put_status(const storage::MonitorStatus& status) override;
  Result<std::vector<storage::MonitorStatus>> statuses(std::int64_t monitor) override;
  Result<std::vector<storage::MonitorStatus>> overdue(UnixNanos now) override;
  Result<std::vector<storage::MonitorStatus>> expected_before(UnixNanos now) override;
  Result<std::int64_t> add_check_in(const storage::KeptCheckIn& check_in) override;
  Result<> update_check_in(const storage::KeptCheckIn& check_in) override;
  Result<std::optional<storage::KeptCheckIn>> find_check_in(std::int64_t monitor,
                                                            std::string_view environment,
                                                            Id128 client_id) override;
  Result<std::optional<storage::KeptCheckIn>> open_check_in(std::int64_t monitor,
                                                            std::string_view environment) override;
  Result<std::vector<storage::KeptCheckIn>> timed_out(UnixNanos now) override;
  Result<std::vector<storage::KeptCheckIn>> check_ins(std::int64_t monitor, std::string_view environment,
                                                      TimeRange range, std::size_t limit) override;
  Result<> prune_check_ins(UnixNanos before) override;
  Result<> add_notice(const storage::MonitorNotice& notice) override;
  Result<std::vector<storage::MonitorNotice>> notices(std::size_t limit) override;
  Result<> remove_notice(std::int64_t id) override;

 private:
  Connection& db_;
};

class SqlAttachments final : public storage::AttachmentRepository {
 public:
  explicit SqlAttachments(Connection& db) : db_(db) {}
  Result<bool> add(const storage::Attachment& attachment) override;
  Result<storage::Attachment> get(std::int64_t id) override;
  Result<std::vector<storage::Attachment>> list(const storage::AttachmentQuery& query) override;
  Result<std::uint64_t> count(const storage::AttachmentQuery& query) override;
  Result<storage::AttachmentTotal> total(ProjectId project, Id128 event_id) override;
  Result<std::vector<storage::Attachment>> oldest(ProjectId project, UnixNanos before,
                                                  std::size_t limit) override;
  Result<std::vector<Id128>> blobs() override;
  Result<> remove(std::int64_t id) override;

 private:
  Connection& db_;
};

class SqlFeedback final : public storage::FeedbackRepository {
 public:
  explicit SqlFeedback(Connection& db) : db_(db) {}
  Result<> put(const storage::Feedback& feedback) override;
  Result<storage::Feedback> get(std::int64_t id) override;
  Result<> set_status(std::int64_t id, storage::FeedbackStatus status) override;
  Result<> set_group(std::int64_t id, std::string_view hash) override;
  Result<std::vector<storage::Feedback>> list(const storage::FeedbackQuery& query) override;
  Result<std::uint64_t> count(const storage::FeedbackQuery& query) override;
  Result<std::vector<storage::Feedback>> unlinked(UnixNanos since, std::size_t limit) override;
  Result<> looked_for(std::int64_t id, UnixNanos time) override;
  Result<> prune(UnixNanos before) override;
  Result<std::vector<Id128>> of_person(ProjectId project, std::string_view user_id,
                                       std::string_view email) override;
  Result<std::uint64_t> forget(ProjectId project, std::string_view user_id, std::string_view email) override;

 private:
  Connection& db_;
};

class SqlOutcomes final : public storage::OutcomeRepository {
 public:
  explicit SqlOutcomes(Connection& db) : db_(db) {}
  Result<> add(const storage::OutcomeHour& outcome) override;
  Result<std::vector<storage::OutcomeHour>> list(const std::vector<ProjectId>& projects,
                                                 TimeRange range) override;
  Result<> prune(UnixNanos before) override;

 private:
  Connection& db_;
};

}  // namespace telltale::metadb
