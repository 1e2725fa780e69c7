// Evaluates rule groups when they are due and keeps the life of every alert: pending → firing → resolved. The
// manager owns no thread and no clock: tick() is called often (each second or so) by whoever wires the server
// and evaluates what is due by then. Invariants: one alert per label set and rule; a failed evaluation leaves
// a rule's alerts as they were; ALERTS series are written for a rule only once its state has been restored.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alerting/rule_file.hpp"
#include "alerting/rule_query.hpp"
#include "base/clock.hpp"
#include "base/context.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "model/sample.hpp"

namespace telltale::alerting {

enum class AlertState : unsigned char { pending, firing, resolved };
/// "pending", "firing", "inactive" (resolved), as the API names them.
std::string_view to_string(AlertState state);

struct Alert {
  AlertState state = AlertState::pending;
  Labels labels;
  Labels annotations;
  double value = 0;
  UnixMillis active_at;
  UnixMillis fired_at{0};           // 0: has not fired
  UnixMillis resolved_at{0};        // 0: active
  UnixMillis keep_firing_since{0};  // 0: the expression holds
  UnixMillis last_sent{0};
  UnixMillis valid_until{0};           // the receiver may take it as resolved after this
  std::vector<std::string> receivers;  // empty: all of the project
};

struct RuleStatus {
  Rule rule;
  std::string health = "unknown";  // ok, err, unknown
  std::string last_error;
  UnixMillis last_evaluation{0};
  double evaluation_seconds = 0;
  AlertState state = AlertState::resolved;  // the worst of its alerts; resolved: inactive
  std::vector<Alert> alerts;                // active ones
};

struct GroupStatus {
  ProjectId project;
  RuleGroup group;
  Millis interval;
  UnixMillis last_evaluation{0};
  double evaluation_seconds = 0;
  std::vector<RuleStatus> rules;
};

/// One active alert as it is kept over a restart. `rule_key` names project, file, group and rule.
struct SavedAlert {
  std::string rule_key;
  Labels labels;
  Alert alert;
};

/// Where active alerts are kept over a restart. Called from tick() only.
class AlertStateStore {
 public:
  virtual ~AlertStateStore() = default;
  virtual Result<std::vector<SavedAlert>> load() = 0;
  /// Replaces everything kept for the rule.
  virtual Result<> save(const std::string& rule_key, const std::vector<SavedAlert>& alerts) = 0;
};

using SampleSink = std::function<Result<>(ProjectId, std::vector<std::pair<Labels, Sample>>)>;
/// Alerts to send now: firing ones and freshly resolved ones.
using AlertSink = std::function<void(ProjectId, const std::vector<Alert>&)>;

struct RuleManagerOptions {
  Millis default_interval{std::chrono::minutes(1)};
  /// A firing alert is sent again at most this often.
  Millis resend_delay{std::chrono::minutes(1)};
  /// Of one evaluation of one rule.
  WorkLimits work{};
  /// No state is restored that was last saved longer ago than this.
  Millis outage_tolerance{std::chrono::hours(1)};
  StringPairs external_labels;
};

/// Thread-safe; tick() is for one thread at a time.
class RuleManager {
 public:
  /// `state` may be null: then alerts start anew after a restart. All references must outlive the manager.
  RuleManager(RuleQueries queries, const Clock& clock, SampleSink samples, AlertSink alerts,
              AlertStateStore* state, MetricsRegistry& metrics, RuleManagerOptions options = {});
  ~RuleManager();

  /// For groups without an interval of their own that are set afterwards.
  void set_default_interval(Millis interval);
  /// For evaluations that begin afterwards.
  void set_work_limits(WorkLimits limits);
  /// Replaces the groups of one project and origin. Rules that stay as they were (same file, group, name,
  /// expression and labels) keep their alerts, groups their turn. What a rule that is gone has firing is over
  /// at the next tick, and told so.
  void set_groups(ProjectId project, std::vector<RuleGroup> groups, RuleOrigin origin = RuleOrigin::file);
  /// Evaluates every group that is due by the clock.
  void tick();
  /// Copies for /api/v1/rules and /api/v1/alerts, groups in file order.
  std::vector<GroupStatus> status(const storage::Projects& projects) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::alerting
