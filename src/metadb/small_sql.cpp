// Rule states, settings and applied sequences.
#include <limits>

#include "base/limits.hpp"
#include "metadb/repositories.hpp"

namespace telltale::metadb {

Result<std::vector<storage::RuleState>> SqlRuleStates::list() {
  std::vector<storage::RuleState> out;
  Query q(
      db_,
      "SELECT project, rule, fingerprint, labels, active_at, fired_at, resolved_at, value FROM rule_states "
      "ORDER BY project, rule, fingerprint");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    storage::RuleState state;
    state.project = {static_cast<std::uint32_t>(q.integer(0))};
    state.rule = q.text(1);
    state.fingerprint = q.text(2);
    state.labels = q.text(3);
    state.active_at = q.time(4);
    state.fired_at = q.maybe_time(5);
    state.resolved_at = q.maybe_time(6);
    // SQLite stores NaN as NULL.
    state.value = q.is_null(7) ? std::numeric_limits<double>::quiet_NaN() : q.real(7);
    out.push_back(std::move(state));
  }
}

Result<> SqlRuleStates::put(const storage::RuleState& s) {
  Query q(db_,
          "INSERT OR REPLACE INTO rule_states (project, rule, fingerprint, labels, active_at, fired_at, "
          "resolved_at, "
          "value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          s.project, s.rule, s.fingerprint, s.labels, s.active_at, s.fired_at, s.resolved_at, s.value);
  return q.run();
}

Result<> SqlRuleStates::remove(ProjectId project, std::string_view rule, std::string_view fingerprint) {
  Query q(db_, "DELETE FROM rule_states WHERE project = ? AND rule = ? AND fingerprint = ?", project, rule,
          fingerprint);
  return q.run();
}

Result<> SqlRuleStates::replace(ProjectId project, std::string_view rule,
                                const std::vector<storage::RuleState>& states) {
  return db_.transaction(
      [&]() -> Result<> {
        Query q(db_, "DELETE FROM rule_states WHERE project = ? AND rule = ?", project, rule);
        TT_TRY(q.run());
        for (storage::RuleState state : states) {
          state.project = project;
          state.rule = rule;
          TT_TRY(put(state));
        }
        return {};
      },
      storage::Durability::full);
}

Result<std::optional<std::string>> SqlSettings::get(std::string_view key) {
  Query q(db_, "SELECT value FROM settings WHERE key = ?", key);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(q.text(0));
}

Result<> SqlSettings::put(std::string_view key, std::string_view value) {
  if (value.size() > limits::kMaxSettingBytes) {
    return fail(ErrorKind::too_large, "setting '" + std::string(key) + "' is over kMaxSettingBytes");
  }
  Query q(db_, "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", key, value);
  return q.run();
}

Result<> SqlSettings::remove(std::string_view key) {
  Query q(db_, "DELETE FROM settings WHERE key = ?", key);
  return q.run();
}

Result<std::vector<storage::Setting>> SqlSettings::list(std::string_view prefix) {
  std::vector<storage::Setting> out;
  Query q(db_, "SELECT key, value FROM settings WHERE key >= ? ORDER BY key", prefix);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    storage::Setting setting{q.text(0), q.text(1)};
    if (!std::string_view(setting.key).starts_with(prefix)) return out;  // sorted: nothing more can come
    out.push_back(std::move(setting));
  }
}

Result<Sequence> SqlApplied::get(std::string_view store) {
  Query q(db_, "SELECT sequence FROM applied WHERE store = ?", store);
  TT_ASSIGN(const bool found, q.next());
  return found ? Sequence{static_cast<std::uint64_t>(q.integer(0))} : Sequence{0};
}

Result<> SqlApplied::put(std::string_view store, Sequence sequence) {
  Query q(db_, "INSERT OR REPLACE INTO applied (store, sequence) VALUES (?, ?)", store, sequence);
  return q.run();
}

}  // namespace telltale::metadb
