#include "alerting/rule_manager.hpp"

#include <algorithm>
#include <set>

#include "alerting/template.hpp"

namespace telltale::alerting {

std::string_view to_string(AlertState state) {
  switch (state) {
    case AlertState::pending:
      return "pending";
    case AlertState::firing:
      return "firing";
    case AlertState::resolved:
      return "inactive";
  }
  return "";
}

struct LiveRule {
  Rule rule;
  std::string key;
  std::map<Labels, Alert> alerts;  // by labels
  std::set<Labels> written;        // series that the last evaluation wrote
  std::set<Labels> saved;
  std::string health = "unknown";
  std::string last_error;
  UnixMillis last_evaluation{0};
  double seconds = 0;
};

struct LiveGroup {
  std::uint64_t id = 0;  // of the manager's own
  ProjectId project;
  RuleGroup group;
  Millis interval{0};
  UnixMillis next{0};
  UnixMillis last{0};
  double seconds = 0;
  WorkLimits work;  // of the evaluation at hand
  std::vector<LiveRule> rules;
};

namespace {

/// A resolved alert stays known, and is sent again, for this long.
constexpr Millis kResolvedRetention = std::chrono::minutes(15);

std::string rule_key(ProjectId project, const RuleGroup& g, const Rule& r) {
  std::string key = std::to_string(project.value) + '/' + g.file + '/' + g.name + '/' + r.name + '/' + r.expr;
  for (const auto& [name, value] : r.labels) key += '/' + name + '=' + value;
  return key;
}

std::string expand_or_error(const std::string& text, const Labels& labels, double value) {
  auto out = expand_template(text, labels, value);
  return out ? *std::move(out) : "<error expanding template: " + out.error().message() + ">";
}

}  // namespace

using Samples = std::vector<std::pair<Labels, Sample>>;

struct RuleManager::Impl {
  const RuleQueries queries;
  const Clock& clock;
  SampleSink samples;
  AlertSink alerts;
  AlertStateStore* state;
  RuleManagerOptions options;
  Counter& evaluations;
  Counter& failures;

  mutable Mutex mutex{};
  std::vector<LiveGroup> groups TT_GUARDED_BY(mutex){};
  std::vector<LiveGroup> gone TT_GUARDED_BY(mutex){};  // rules that were taken away, until they are wound up
  std::uint64_t last_id TT_GUARDED_BY(mutex) = 0;
  std::map<std::string, std::vector<SavedAlert>> saved TT_GUARDED_BY(mutex){};
  bool loaded TT_GUARDED_BY(mutex) = false;

  Result<> load() TT_REQUIRES(mutex);
  void restore(LiveRule& rule, UnixMillis now) TT_REQUIRES(mutex);
  void evaluate(LiveGroup& group, UnixMillis now);
  Result<> evaluate_rule(LiveGroup& group, LiveRule& rule, UnixMillis now);
  Result<Samples> record(const LiveGroup& group, const LiveRule& rule, const std::vector<RuleSample>& found,
                         UnixMillis at);
  Result<Samples> alert(const LiveGroup& group, LiveRule& rule, const std::vector<RuleSample>& result,
                        UnixMillis now);
  void wind_up(LiveGroup& group, UnixMillis now);
  void send(const LiveGroup& group, LiveRule& rule, UnixMillis now);
  Result<> save(LiveRule& rule);
  Labels with_labels(const LiveGroup& group, const Rule& rule, Labels labels, double value) const;
};

Result<> RuleManager::Impl::load() {
  if (loaded || state == nullptr) return {};
  TT_ASSIGN(std::vector<SavedAlert> all, state->load());
  for (SavedAlert& a : all) saved[a.rule_key].push_back(std::move(a));
  loaded = true;
  return {};
}

void RuleManager::Impl::restore(LiveRule& rule, UnixMillis now) {
  const auto it = saved.find(rule.key);
  if (it == saved.end()) return;
  for (const SavedAlert& a : it->second) {
    const UnixMillis seen = std::max(a.alert.active_at, std::max(a.alert.fired_at, a.alert.last_sent));
    const bool waits = a.alert.state == AlertState::pending;
    if (waits && now - seen > options.outage_tolerance + rule.rule.hold) continue;
    // Whoever tells receivers has been restarted as well, and must know the alert to tell of its end.
    rule.alerts.emplace(a.labels, a.alert).first->second.last_sent = UnixMillis{0};
    rule.saved.insert(a.labels);
  }
  saved.erase(it);
}

Labels RuleManager::Impl::with_labels(const LiveGroup& group, const Rule& rule, Labels labels,
                                      double value) const {
  Labels seen = labels;
  for (const auto& [name, external] : options.external_labels) {
    if (!seen.has(name)) seen.set(name, external);
  }
  labels.erase(kMetricName);
  for (const StringPairs* pairs : {&group.group.labels, &rule.labels}) {
    for (const auto& [name, text] : *pairs) {
      labels.set(name, rule.alert ? expand_or_error(text, seen, value) : text);
    }
  }
  return labels;
}

Result<Samples> RuleManager::Impl::record(const LiveGroup& group, const LiveRule& rule,
                                          const std::vector<RuleSample>& found, UnixMillis at) {
  Samples out;
  std::set<Labels> seen;
  for (const auto& s : found) {
    Labels labels = with_labels(group, rule.rule, s.labels, s.value);
    labels.set(kMetricName, rule.rule.name);
    if (!seen.insert(labels).second) {
      return fail(ErrorKind::execution,
                  "vector contains metrics with the same labelset after applying rule labels");
    }
    out.emplace_back(std::move(labels), Sample{at, s.value, {}, s.histogram});
  }
  if (group.group.limit > 0 && out.size() > group.group.limit) {
    return fail(ErrorKind::execution, "exceeded limit of " + std::to_string(group.group.limit) + " with " +
                                          std::to_string(out.size()) + " series");
  }
  return out;
}

Result<Samples> RuleManager::Impl::alert(const LiveGroup& group, LiveRule& rule,
                                         const std::vector<RuleSample>& result, UnixMillis now) {
  const Rule& r = rule.rule;
  std::map<Labels, Alert> found;
  for (const auto& s : result) {
    const double value = s.value;
    Alert a;
    a.labels = with_labels(group, r, s.labels, value);
    a.labels.set("alertname", r.name);
    Labels unnamed = s.labels;
    unnamed.erase(kMetricName);
    for (const auto& [name, text] : r.annotations)
      a.annotations.set(name, expand_or_error(text, unnamed, value));
    a.value = value;
    a.active_at = now;
    if (!found.emplace(a.labels, a).second) {
      return fail(ErrorKind::execution,
                  "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  if (group.group.limit > 0 && found.size() > group.group.limit) {
    rule.alerts.clear();
    return fail(ErrorKind::execution, "exceeded limit of " + std::to_string(group.group.limit) + " with " +
                                          std::to_string(found.size()) + " alerts");
  }
  for (auto& [labels, fresh] : found) {
    const auto [it, inserted] = rule.alerts.try_emplace(labels, fresh);
    Alert& a = it->second;
    if (!inserted && a.state == AlertState::resolved) a = fresh;
    a.value = fresh.value;
    a.annotations = fresh.annotations;
    a.keep_firing_since = UnixMillis{0};
  }
  Samples out;
  for (auto it = rule.alerts.begin(); it != rule.alerts.end();) {
    Alert& a = it->second;
    a.receivers = r.receivers;
    if (found.count(it->first) == 0 && a.state != AlertState::resolved) {
      const bool firing = a.state == AlertState::firing;
      if (firing && r.keep_firing_for.count() > 0 && a.keep_firing_since.ms == 0) a.keep_firing_since = now;
      const bool kept =
          firing && a.keep_firing_since.ms != 0 && now - a.keep_firing_since < r.keep_firing_for;
      if (a.state == AlertState::pending) {
        it = rule.alerts.erase(it);
        continue;
      }
      if (!kept) {
        a.state = AlertState::resolved;
        a.resolved_at = now;
      }
    }
    if (a.state == AlertState::resolved && now - a.resolved_at > kResolvedRetention) {
      it = rule.alerts.erase(it);
      continue;
    }
    if (a.state == AlertState::pending && now - a.active_at >= r.hold) {
      a.state = AlertState::firing;
      a.fired_at = now;
    }
    if (a.state != AlertState::resolved) {
      Labels labels = a.labels;
      labels.set(kMetricName, "ALERTS_FOR_STATE");
      out.emplace_back(labels, Sample{now, static_cast<double>(a.active_at.ms / 1000)});
      labels.set(kMetricName, "ALERTS");
      labels.set("alertstate", to_string(a.state));
      out.emplace_back(std::move(labels), Sample{now, 1});
    }
    ++it;
  }
  return out;
}

void RuleManager::Impl::send(const LiveGroup& group, LiveRule& rule, UnixMillis now) {
  std::vector<Alert> due;
  for (auto& [labels, a] : rule.alerts) {
    if (a.state == AlertState::pending) continue;
    const bool news = a.resolved_at > a.last_sent || a.last_sent.ms == 0;
    if (!news && now - a.last_sent < options.resend_delay) continue;
    a.last_sent = now;
    a.valid_until = now + 4 * std::max(group.interval, options.resend_delay);
    due.push_back(a);
  }
  if (!due.empty() && alerts) alerts(group.project, due);
}

Result<> RuleManager::Impl::save(LiveRule& rule) {
  std::set<Labels> active;
  std::vector<SavedAlert> list;
  for (const auto& [labels, a] : rule.alerts) {
    if (a.state == AlertState::resolved) continue;
    active.insert(labels);
    list.push_back({rule.key, labels, a});
  }
  if (state == nullptr || (active.empty() && rule.saved.empty())) return {};
  TT_TRY(state->save(rule.key, list));
  rule.saved = std::move(active);
  return {};
}

Result<> RuleManager::Impl::evaluate_rule(LiveGroup& group, LiveRule& rule, UnixMillis now) {
  WorkContext context(clock, group.work);
  const UnixMillis at = now - group.group.query_offset;
  TT_ASSIGN(const std::vector<RuleSample> result, queries.run(rule.rule, group.project, at, context));
  Samples out;
  if (rule.rule.alert) {
    TT_ASSIGN(out, alert(group, rule, result, now));
  } else {
    TT_ASSIGN(out, record(group, rule, result, at));
  }
  // A series written last time and not now has ended.
  std::set<Labels> written;
  for (const auto& [labels, sample] : out) written.insert(labels);
  for (const Labels& labels : rule.written) {
    if (written.count(labels) == 0) out.emplace_back(labels, Sample{now, stale_nan()});
  }
  // An alert goes out although its series cannot be stored: a full disk is when it is needed.
  if (rule.rule.alert) send(group, rule, now);
  Result<> stored;
  if (!out.empty() && samples) stored = samples(group.project, std::move(out));
  if (stored) rule.written = std::move(written);
  if (rule.rule.alert) TT_TRY(save(rule));
  return stored;
}

void RuleManager::Impl::evaluate(LiveGroup& group, UnixMillis now) {
  const Nanos begin = clock.steady();
  for (LiveRule& rule : group.rules) {
    const Nanos from = clock.steady();
    auto done = evaluate_rule(group, rule, now);
    evaluations.add();
    if (!done) failures.add();
    rule.health = done ? "ok" : "err";
    rule.last_error = done ? "" : done.error().message();
    rule.last_evaluation = now;
    rule.seconds = std::chrono::duration<double>(clock.steady() - from).count();
  }
  group.last = now;
  group.seconds = std::chrono::duration<double>(clock.steady() - begin).count();
}

RuleManager::RuleManager(RuleQueries queries, const Clock& clock, SampleSink samples, AlertSink alerts,
                         AlertStateStore* state, MetricsRegistry& metrics, RuleManagerOptions options)
    : impl_(new Impl{
          queries, clock, std::move(samples), std::move(alerts), state, std::move(options),
          metrics.counter("telltale_rule_evaluations_total", "Rule evaluations."),
          metrics.counter("telltale_rule_evaluation_failures_total", "Rule evaluations that failed.")}) {}

RuleManager::~RuleManager() = default;

void RuleManager::set_default_interval(Millis interval) {
  MutexLock lock(impl_->mutex);
  impl_->options.default_interval = interval;
}

void RuleManager::set_work_limits(WorkLimits limits) {
  MutexLock lock(impl_->mutex);
  impl_->options.work = limits;
}

void RuleManager::set_groups(ProjectId project, std::vector<RuleGroup> groups, RuleOrigin origin) {
  Impl& m = *impl_;
  MutexLock lock(m.mutex);
  std::map<std::string, LiveRule> old;
  std::vector<LiveGroup> replaced;
  std::vector<LiveGroup> kept;
  for (LiveGroup& g : m.groups) {
    const bool goes = g.project == project && g.group.origin == origin;
    (goes ? replaced : kept).push_back(std::move(g));
  }
  std::set<std::string> staying;
  for (const RuleGroup& g : groups)
    for (const Rule& r : g.rules) staying.insert(rule_key(project, g, r));
  for (LiveGroup& g : replaced) {
    LiveGroup gone = g;
    std::erase_if(gone.rules, [&](const LiveRule& r) { return staying.contains(r.key); });
    for (LiveRule& r : g.rules) old.emplace(r.key, std::move(r));
    if (!gone.rules.empty()) m.gone.push_back(std::move(gone));
  }
  for (RuleGroup& g : groups) {
    LiveGroup live;
    live.id = ++m.last_id;
    live.project = project;
    live.interval = g.interval.count() > 0 ? g.interval : m.options.default_interval;
    g.origin = origin;
    const auto before = std::find_if(replaced.begin(), replaced.end(), [&](const LiveGroup& o) {
      return o.group.file == g.file && o.group.name == g.name && o.interval == live.interval;
    });
    bool new_rules = false;
    for (const Rule& r : g.rules) {
      LiveRule rule;
      rule.key = rule_key(project, g, r);
      const auto it = old.find(rule.key);
      if (it != old.end()) rule = std::move(it->second);
      new_rules = new_rules || it == old.end();
      rule.rule = r;
      live.rules.push_back(std::move(rule));
    }
    if (before != replaced.end() && !new_rules) {
      live.next = before->next;
      live.last = before->last;
      live.seconds = before->seconds;
    }
    live.group = std::move(g);
    kept.push_back(std::move(live));
  }
  m.groups = std::move(kept);
}

/// Ends what a rule that was taken away has left: alerts, series, the state that is kept.
void RuleManager::Impl::wind_up(LiveGroup& group, UnixMillis now) {
  Samples ends;
  for (LiveRule& rule : group.rules) {
    std::erase_if(rule.alerts, [](const auto& a) { return a.second.state != AlertState::firing; });
    for (auto& [labels, a] : rule.alerts) {
      a.state = AlertState::resolved;
      a.resolved_at = now;
    }
    send(group, rule, now);
    for (const Labels& labels : rule.written) ends.emplace_back(labels, Sample{now, stale_nan()});
    if (state != nullptr && rule.rule.alert) (void)state->save(rule.key, {});
  }
  if (!ends.empty() && samples) (void)samples(group.project, std::move(ends));
}

void RuleManager::tick() {
  Impl& m = *impl_;
  const UnixMillis now = m.clock.now().to_millis();
  std::vector<LiveGroup> gone;
  {
    MutexLock lock(m.mutex);
    if (!m.load()) return;  // the book of records is away: try again at the next tick
    for (LiveGroup& g : m.gone)
      for (LiveRule& rule : g.rules) m.restore(rule, now);
    gone.swap(m.gone);
  }
  for (LiveGroup& g : gone) m.wind_up(g, now);
  while (true) {
    LiveGroup work;
    {
      MutexLock lock(m.mutex);
      const auto due =
          std::find_if(m.groups.begin(), m.groups.end(), [now](const LiveGroup& g) { return g.next <= now; });
      if (due == m.groups.end()) return;
      for (LiveRule& rule : due->rules) m.restore(rule, now);
      due->next = due->next.ms == 0 || now - due->next > due->interval ? now + due->interval
                                                                       : due->next + due->interval;
      due->work = m.options.work;
      work = *due;
    }
    // Evaluated on a copy, so that status() never waits for a query.
    m.evaluate(work, now);
    MutexLock lock(m.mutex);
    const auto same =
        std::find_if(m.groups.begin(), m.groups.end(), [&](const LiveGroup& g) { return g.id == work.id; });
    if (same != m.groups.end()) {
      *same = std::move(work);
      continue;
    }
    // The groups were replaced meanwhile: rules that are still there go on from what was found.
    for (LiveGroup& g : m.groups) {
      for (LiveRule& rule : g.rules) {
        for (LiveRule& done : work.rules) {
          if (done.key != rule.key) continue;
          const Rule newest = rule.rule;
          rule = done;
          rule.rule = newest;
        }
      }
    }
    for (LiveGroup& g : m.gone) {
      for (LiveRule& rule : g.rules) {
        for (LiveRule& done : work.rules)
          if (done.key == rule.key) rule = done;
      }
    }
  }
}

std::vector<GroupStatus> RuleManager::status(const storage::Projects& projects) const {
  const Impl& m = *impl_;
  MutexLock lock(m.mutex);
  std::vector<GroupStatus> out;
  for (const LiveGroup& g : m.groups) {
    if (std::find(projects.begin(), projects.end(), g.project) == projects.end()) continue;
    GroupStatus group{g.project, g.group, g.interval, g.last, g.seconds, {}};
    for (const LiveRule& r : g.rules) {
      RuleStatus rule{r.rule, r.health, r.last_error, r.last_evaluation, r.seconds, AlertState::resolved, {}};
      for (const auto& [labels, a] : r.alerts) {
        if (a.state == AlertState::resolved) continue;
        if (rule.state != AlertState::firing) rule.state = a.state;
        rule.alerts.push_back(a);
      }
      group.rules.push_back(std::move(rule));
    }
    out.push_back(std::move(group));
  }
  return out;
}

}  // namespace telltale::alerting
