// What became of all that was sent, and the events of issues that were counted without their JSON.
#include "metadb/usage_sql.hpp"

#include "metadb/issue_row.hpp"
#include "metadb/repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {

Result<> SqlUsage::add(const storage::UsageBucket& u) {
  Query q(
      db_,
      "INSERT INTO usage (project, time, kind, category, reason, key, quantity) VALUES (?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (project, time, kind, category, reason, key) "
      "DO UPDATE SET quantity = quantity + excluded.quantity",
      u.project, u.time, u.count.kind, u.count.category, u.count.reason,
      u.count.key.present() ? u.count.key.hex() : std::string(), u.count.quantity);
  return q.run();
}

Result<std::vector<storage::UsageBucket>> SqlUsage::list(const storage::UsageQuery& query) {
  Where where;
  where.projects("project", {query.project});
  where.between("time", query.range);
  const std::string step = std::to_string(query.step.count());
  const std::string time = query.step.count() > 0 ? "time / " + step + " * " + step : "min(time)";
  const std::string by = std::string(query.step.count() > 0 ? "1, " : "") + "kind, category" +
                         (query.by_reason ? ", reason, key" : "");
  Query q(db_, "SELECT " + time + ", kind, category, " + (query.by_reason ? "reason, key" : "'', ''") +
                   ", sum(quantity) FROM usage" + where.sql() + " GROUP BY " + by +
                   " ORDER BY 1, sum(quantity) DESC");
  where.bind_to(q);
  std::vector<storage::UsageBucket> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    storage::UsageCount count;
    count.kind = static_cast<storage::UsageKind>(q.integer(1));
    count.category = q.text(2);
    count.reason = q.text(3);
    count.key = Id128::parse(q.text(4)).value_or(Id128{});
    count.quantity = static_cast<std::uint64_t>(q.integer(5));
    out.push_back({query.project, q.time(0), std::move(count)});
  }
}

Result<> SqlUsage::prune(UnixNanos before) {
  Query q(db_, "DELETE FROM usage WHERE time < ?", before);
  return q.run();
}

Result<> SqlIssues::add_left_out(storage::IssueId part, std::uint64_t count) {
  Query q(db_,
          "INSERT INTO issue_left_out (issue, count) VALUES (?, ?) "
          "ON CONFLICT (issue) DO UPDATE SET count = count + excluded.count",
          part, count);
  return q.run();
}

Result<std::uint64_t> SqlIssues::left_out(storage::IssueId issue) {
  Query q(db_,
          "SELECT coalesce(sum(count), 0) FROM issue_left_out WHERE issue = ? "
          "OR issue IN (SELECT id FROM issues WHERE merged_into = ?)",
          issue, issue);
  TT_ASSIGN(const bool found, q.next());
  return found ? static_cast<std::uint64_t>(q.integer(0)) : 0;
}

}  // namespace telltale::metadb
