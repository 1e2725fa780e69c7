// Metrics counted out of log lines, and alerting rules made through the API.
#include "metadb/repositories.hpp"

namespace telltale::metadb {

namespace {

storage::KeptRule kept_rule_of(const Query& q) {
  storage::KeptRule rule;
  rule.id = q.integer(0);
  rule.project = {static_cast<std::uint32_t>(q.integer(1))};
  rule.name = q.text(2);
  rule.definition = q.text(3);
  rule.created = q.time(4);
  rule.updated = q.time(5);
  rule.created_by = q.text(6);
  return rule;
}

}  // namespace

Result<std::int64_t> SqlLogMetrics::add(const storage::LogMetric& metric) {
  Query q(db_, "INSERT INTO log_metrics (project, name, definition, since, created) VALUES (?, ?, ?, ?, ?)",
          metric.project, metric.name, metric.definition, metric.since, metric.created);
  auto done = q.run();
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "name: there is a log metric " + metric.name + " already");
  TT_TRY(std::move(done));
  return db_.last_insert_id();
}

Result<> SqlLogMetrics::remove(std::int64_t id) {
  return db_.transaction(
      [&]() -> Result<> {
        Query states(db_, "DELETE FROM log_metric_states WHERE metric = ?", id);
        TT_TRY(states.run());
        Query metric(db_, "DELETE FROM log_metrics WHERE id = ?", id);
        return metric.run();
      },
      storage::Durability::full);
}

Result<std::vector<storage::LogMetric>> SqlLogMetrics::list() {
  std::vector<storage::LogMetric> out;
  Query q(db_, "SELECT id, project, name, definition, since, created FROM log_metrics ORDER BY id");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    storage::LogMetric metric;
    metric.id = q.integer(0);
    metric.project = {static_cast<std::uint32_t>(q.integer(1))};
    metric.name = q.text(2);
    metric.definition = q.text(3);
    metric.since = {static_cast<std::uint64_t>(q.integer(4))};
    metric.created = q.time(5);
    out.push_back(std::move(metric));
  }
}

Result<> SqlLogMetrics::put_state(const storage::LogMetricState& state) {
  Query q(db_, "INSERT OR REPLACE INTO log_metric_states (metric, key, value) VALUES (?, ?, ?)", state.metric,
          state.key, state.value);
  return q.run();
}

Result<> SqlLogMetrics::remove_state(std::int64_t metric, std::string_view key) {
  Query q(db_, "DELETE FROM log_metric_states WHERE metric = ? AND key = ?", metric, key);
  return q.run();
}

Result<std::vector<storage::LogMetricState>> SqlLogMetrics::states() {
  std::vector<storage::LogMetricState> out;
  Query q(db_, "SELECT metric, key, value FROM log_metric_states ORDER BY metric, key");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.integer(0), q.text(1), q.text(2)});
  }
}

Result<std::int64_t> SqlKeptRules::add(const storage::KeptRule& rule) {
  Query q(db_,
          "INSERT INTO kept_rules (project, name, definition, created, updated, created_by) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          rule.project, rule.name, rule.definition, rule.created, rule.updated, rule.created_by);
  auto done = q.run();
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "name: there is a rule " + rule.name + " already");
  TT_TRY(std::move(done));
  return db_.last_insert_id();
}

Result<> SqlKeptRules::update(const storage::KeptRule& rule) {
  Query q(db_, "UPDATE kept_rules SET name = ?, definition = ?, updated = ? WHERE id = ?", rule.name,
          rule.definition, rule.updated, rule.id);
  auto done = q.run();
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "name: there is a rule " + rule.name + " already");
  return done;
}

Result<storage::KeptRule> SqlKeptRules::get(std::int64_t id) {
  Query q(db_,
          "SELECT id, project, name, definition, created, updated, created_by FROM kept_rules WHERE id = ?",
          id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "alert rule " + std::to_string(id) + ": not found");
  return kept_rule_of(q);
}

Result<> SqlKeptRules::remove(std::int64_t id) {
  Query q(db_, "DELETE FROM kept_rules WHERE id = ?", id);
  return q.run();
}

Result<std::vector<storage::KeptRule>> SqlKeptRules::list() {
  std::vector<storage::KeptRule> out;
  Query q(db_,
          "SELECT id, project, name, definition, created, updated, created_by FROM kept_rules ORDER BY id");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(kept_rule_of(q));
  }
}

}  // namespace telltale::metadb
