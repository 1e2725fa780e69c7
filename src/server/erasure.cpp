// First the journal is emptied, so that everything accepted stands in parts only; then the parts are written
// again without the rows. A crash in between leaves rows that are found by the same request.
#include "server/erasure.hpp"

#include <set>

#include "base/hash.hpp"
#include "storage/health_records.hpp"

namespace telltale::server {
namespace {

constexpr std::chrono::seconds kCatchUp{60};

WorkLimits erasure_limits() {
  WorkLimits limits;
  limits.timeout = std::chrono::hours(1);
  return limits;
}

}  // namespace

/// Files of the events that are going, before these: a crash in between leaves rows that are found again.
Result<> Erasure::forget_files(const storage::EraseRequest& request) {
  if (request.table == Table::logs) return {};  // nobody sends files with a line
  std::uint64_t gone = 0;
  for (const ProjectId project : request.projects) {
    WorkContext context(clock_, erasure_limits());
    storage::EventQuery query;
    query.table = request.table;
    query.projects = {project};
    query.range = request.range;
    query.filter = request.filter;
    if (!request.rest) query.fields = {std::string(attr::kEventId)};
    TT_ASSIGN(const auto cursor, stores_.events().select(query, context));
    std::vector<EventRow> rows;
    while (true) {
      TT_TRY(cursor->next(rows));
      if (rows.empty()) break;
      std::set<Id128> events;  // all spans of a transaction name it
      for (const EventRow& row : rows) {
        const AttrValue* id = row.find(attr::kEventId);
        if (id == nullptr || (request.rest && !request.rest(row))) continue;
        if (const auto parsed = Id128::parse(to_string(*id))) events.insert(*parsed);
      }
      TT_ASSIGN(const auto forgotten, stores_.attachments().forget(project, {events.begin(), events.end()}));
      gone += forgotten;
    }
  }
  if (gone > 0) log_.info("attachments erased", {{"files", gone}});
  return {};
}

Result<std::uint64_t> Erasure::erase_rows(const storage::EraseRequest& request) {
  TT_TRY(forget_files(request));
  TT_ASSIGN(const auto rows, stores_.events().erase(request));
  if (rows > 0) log_.info("rows erased", {{"table", to_string(request.table)}, {"rows", rows}});
  return rows;
}

Result<std::uint64_t> Erasure::erase(const storage::EraseRequest& request) {
  MutexLock lock(mutex_);
  TT_TRY(stores_.pipeline().empty_journal(kCatchUp));
  return erase_rows(request);
}

Result<storage::PersonReport> Erasure::count_person(const storage::PersonRequest& request) {
  storage::PersonReport report;
  WorkContext context(clock_, erasure_limits());
  for (const auto& [table, rows] : {std::pair{Table::logs, &report.logs},
                                    {Table::spans, &report.spans},
                                    {Table::errors, &report.errors}}) {
    storage::EventCountQuery query;
    query.table = table;
    query.projects = request.projects;
    query.filter = storage::filter_of_person(request);
    TT_ASSIGN(const auto counts, stores_.events().count(query, context));
    for (const auto& count : counts) *rows += count.count;
  }
  return report;
}

Result<std::uint64_t> Erasure::forget_in_issues(const storage::PersonRequest& request) {
  std::set<std::string> users;
  if (!request.user_id.empty()) users.insert(request.user_id);
  if (!request.email.empty()) {
    users.insert(request.email);
    users.insert(request.hashed.begin(), request.hashed.end());
    std::vector<std::string> addresses = request.hashed;
    addresses.push_back(request.email);
    // Those whose error events name this address as the user's own.
    WorkContext context(clock_, erasure_limits());
    storage::EventQuery query;
    query.table = Table::errors;
    query.projects = request.projects;
    query.fields = {"user_id"};
    query.filter = storage::EventFilter::one_of("user.email", std::move(addresses));
    TT_ASSIGN(const auto rows, storage::collect(stores_.events(), query, context));
    for (const EventRow& row : rows)
      if (!row.ids.user_id.empty()) users.insert(row.ids.user_id);
  }
  std::uint64_t issues = 0;
  for (const std::string& user : users) {
    for (const ProjectId project : request.projects) {
      TT_ASSIGN(const auto forgotten, stores_.records().issues().forget_user(project, hash128(user).hex()));
      issues += forgotten;
    }
  }
  TT_TRY(stores_.records().compact_log());
  return issues;
}

Result<std::uint64_t> Erasure::forget_feedback(const storage::PersonRequest& request) {
  std::vector<std::string> addresses = request.hashed;
  addresses.push_back(request.email);
  std::uint64_t gone = 0;
  for (const ProjectId project : request.projects) {
    for (const auto& address : addresses) {
      // Screenshots first: what is left after a crash is found again.
      TT_ASSIGN(const auto said, stores_.records().feedback().of_person(project, request.user_id, address));
      TT_TRY(stores_.attachments().forget(project, said));
      TT_ASSIGN(const auto forgotten, stores_.records().feedback().forget(project, request.user_id, address));
      gone += forgotten;
    }
  }
  return gone;
}

storage::PersonRequest Erasure::with_hashes(const storage::PersonRequest& request) const {
  storage::PersonRequest out = request;
  if (redactors_ != nullptr && !request.email.empty()) out.hashed = redactors_->hashed_address(request.email);
  return out;
}

Result<storage::PersonReport> Erasure::erase_person(const storage::PersonRequest& asked) {
  if (asked.user_id.empty() == asked.email.empty())
    return fail(ErrorKind::invalid_argument, "wants either user_id or email");
  const storage::PersonRequest request = with_hashes(asked);
  if (request.dry_run) return count_person(request);
  MutexLock lock(mutex_);
  TT_TRY(stores_.pipeline().empty_journal(kCatchUp));
  storage::PersonReport report;
  TT_ASSIGN(report.feedback, forget_feedback(request));
  TT_ASSIGN(report.issues, forget_in_issues(request));
  for (const auto& [table, rows] : {std::pair{Table::logs, &report.logs},
                                    {Table::spans, &report.spans},
                                    {Table::errors, &report.errors}}) {
    TT_ASSIGN(*rows, erase_rows({table, request.projects, {}, storage::filter_of_person(request)}));
  }
  return report;
}

}  // namespace telltale::server
