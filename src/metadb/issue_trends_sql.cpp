// How issues rise, and which are busy: from memory (issue_trends.hpp) once that holds everything, from
// `issue_hours` until then. Both say the same.
#include <array>
#include <span>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.hpp"
#include "base/issue_limits.hpp"
#include "metadb/issue_query_sql.hpp"
#include "metadb/issue_row.hpp"
#include "metadb/repositories.hpp"

namespace telltale::metadb {

using storage::Issue;
using storage::IssueId;

namespace {

constexpr std::size_t kFewCandidates = 200;

/// Issues in the order of a JSON array of their ids, which is bound first; continues with a WHERE.
constexpr std::string_view kListedIssues =
    " FROM (SELECT key AS listed_place, value AS listed_issue FROM json_each(?)) CROSS JOIN issues "
    "ON issues.id = listed_issue ";

std::int64_t hour_number(UnixNanos time) { return hour_of(time) / kHourNs; }

template <class Items, class Id>
std::string json_of(const Items& items, Id id) {
  std::string json = "[";
  for (const auto& item : items)
    fmt::format_to(std::back_inserter(json), "{}{}", json.size() > 1 ? "," : "", id(item));
  return json + "]";
}

void rank_of_issue(sqlite3_context* context, int, sqlite3_value** values) {
  const auto* trends = static_cast<const IssueTrends*>(sqlite3_user_data(context));
  sqlite3_result_int64(context, trends->rank(sqlite3_value_int64(values[0])));
}

/// Of the records: rows of a merged issue's parts are looked up, too.
std::string recorded_rank(UnixNanos at) {
  const std::int64_t end = hour_of(at) + kHourNs;
  // Who was not seen in these two days has no trend.
  return fmt::format(
      "CASE WHEN last_seen < {0} THEN 0 ELSE (SELECT coalesce(sum(CASE WHEN hour >= {1} THEN count ELSE "
      "-count "
      "END), 0) FROM issue_hours WHERE issue IN (SELECT p.id FROM issues p WHERE p.id = issues.id OR "
      "(p.merged_into = issues.id AND p.merged_into <> 0)) AND hour >= {0} AND hour < {2}) END",
      end - 48 * kHourNs, end - 24 * kHourNs, end);
}

}  // namespace

SqlIssues::SqlIssues(Connection& db) : db_(db) {
  const std::lock_guard lock(db_.lock());
  const int code = sqlite3_create_function_v2(db_.handle(), "issue_rank", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                              &trends_, rank_of_issue, nullptr, nullptr, nullptr);
  TT_CHECK(code == SQLITE_OK);
}

std::string SqlIssues::order_of(const storage::IssueQuery& query) const {
  switch (query.sort) {
    case storage::IssueSort::last_seen:
      return "last_seen";
    case storage::IssueSort::first_seen:
      return "first_seen";
    case storage::IssueSort::events:
      return "event_count";
    case storage::IssueSort::users:
      return "user_count";
    case storage::IssueSort::trend:
      return trends_.answers(hour_number(query.trend_at)) ? "issue_rank(issues.id)"
                                                          : recorded_rank(query.trend_at);
  }
  return "last_seen";
}

// ---- Taking over
// ---------------------------------------------------------------------------------------------

/// The part that the next so many rows of issue_hours end with; INT64_MAX: there are no more.
Result<std::int64_t> SqlIssues::end_of_stretch(std::int64_t after) {
  Query q(db_, "SELECT issue FROM issue_hours WHERE issue > ? ORDER BY issue LIMIT 1 OFFSET ?", after,
          static_cast<std::int64_t>(limits::kTrendLoadRows - 1));
  TT_ASSIGN(const bool more, q.next());
  return more ? q.integer(0) : INT64_MAX;
}

Result<bool> SqlIssues::load_trends(UnixNanos now) {
  const std::lock_guard lock(db_.lock());
  if (!trends_.move_to(hour_number(now)) || trends_.complete() || trends_.gave_up()) return true;
  if (!trends_.begun()) {
    std::vector<std::pair<std::int64_t, std::int64_t>> merged;
    Query q(db_, "SELECT id, merged_into FROM issues WHERE merged_into <> 0");
    while (true) {
      TT_ASSIGN(const bool more, q.next());
      if (!more) break;
      merged.emplace_back(q.integer(0), q.integer(1));
    }
    trends_.begin(merged);
  }
  const std::int64_t after = trends_.reached();
  TT_ASSIGN(const std::int64_t last, end_of_stretch(after));
  std::vector<std::array<std::int64_t, 3>> rows;
  Query q(db_, "SELECT issue, hour, count FROM issue_hours WHERE issue > ? AND issue <= ? AND hour > ?",
          after, last, hour_of(now) - 48 * kHourNs);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) break;
    rows.push_back({q.integer(0), q.integer(1) / kHourNs, q.integer(2)});
  }
  // Not before all of them could be read: a stretch is taken over whole, or again.
  for (const auto& [part, hour, count] : rows)
    trends_.take_over(part, hour, static_cast<std::uint64_t>(count));
  trends_.stretch_ends(last, last == INT64_MAX);
  return trends_.complete() || trends_.gave_up();
}

// ---- Answers
// -------------------------------------------------------------------------------------------------

Result<std::optional<std::vector<Issue>>> SqlIssues::search_risen(const storage::IssueQuery& query) {
  const std::int64_t hour = hour_number(query.trend_at);
  if (trends_.complete()) trends_.move_to(hour);
  if (!trends_.answers(hour)) return std::nullopt;
  const std::size_t wanted = query.offset + query.limit;
  if (wanted > limits::kMaxRisingCandidates) return std::nullopt;
  const auto risen = trends_.risen(limits::kMaxRisingCandidates);
  const IssueWhere where = issue_where(query, SeenTest::asked);
  std::vector<Issue> page;
  std::size_t matched = 0;
  // Mostly the first few are those of the page.
  for (std::size_t first = 0, n = std::max(kFewCandidates, 2 * wanted); first < risen.size();
       first += n, n *= 4) {
    const auto candidates = std::span(risen).subspan(first, std::min(n, risen.size() - first));
    Query q(
        db_,
        std::string(kIssueColumns).append(kListedIssues).append(where.sql).append(" ORDER BY listed_place"));
    q.bind(json_of(candidates, [](const auto& r) { return r.issue; }));
    where.bind_to(q);
    while (page.size() < query.limit) {
      TT_ASSIGN(const bool more, q.next());
      if (!more) break;
      if (matched++ >= query.offset) page.push_back(read_issue(q));
    }
    if (page.size() == query.limit) return page;
  }
  return std::nullopt;
}

Result<std::vector<std::pair<Issue, std::uint64_t>>> SqlIssues::busy(UnixNanos hour, std::uint64_t least,
                                                                     std::size_t limit) {
  const std::lock_guard lock(db_.lock());
  // Open: new and ongoing. What regresses or escalates is loud already.
  constexpr std::string_view quiet =
      "((status = 1 AND substatus IN (1, 2)) OR (status = 3 AND archive_until = 1)) ";
  std::vector<std::pair<Issue, std::uint64_t>> out;
  if (trends_.complete() && trends_.holds(hour_number(hour))) {
    const auto busy = trends_.busy(hour_number(hour), least);
    Query q(db_, fmt::format("{}, listed_place{}WHERE {}ORDER BY listed_place LIMIT ?", kIssueColumns,
                             kListedIssues, quiet));
    q.bind(json_of(busy, [](const auto& b) { return b.first; }));
    q.bind(static_cast<std::int64_t>(limit));
    while (true) {
      TT_ASSIGN(const bool more, q.next());
      if (!more) return out;
      out.emplace_back(read_issue(q), busy[static_cast<std::size_t>(q.integer(31))].second);
    }
  }
  Query q(
      db_,
      fmt::format(
          "{}, busy.n FROM (SELECT CASE WHEN p.merged_into = 0 THEN p.id ELSE p.merged_into END AS issue, "
          "sum(h.count) AS n FROM issue_hours h JOIN issues p ON p.id = h.issue WHERE h.hour = ? "
          "GROUP BY 1 HAVING n > ?) busy JOIN issues ON issues.id = busy.issue WHERE {}"
          "ORDER BY busy.n DESC, issues.id LIMIT ?",
          kIssueColumns, quiet),
      hour, least, static_cast<std::int64_t>(limit));
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.emplace_back(read_issue(q), static_cast<std::uint64_t>(q.integer(31)));
  }
}

}  // namespace telltale::metadb
