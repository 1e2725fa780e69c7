#include "alerting/issue_alerts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "errors/issue_search.hpp"
#include "errors/issue_views.hpp"
#include "query/executor.hpp"
#include "search/condition.hpp"

namespace telltale::alerting {

using errors::IssueChange;
using storage::Issue;
using storage::IssueCondition;
using storage::IssueField;
using storage::IssueId;

namespace {

/// The events behind what happened are in their store by then, so that a query finds them.
constexpr Nanos kSettles = std::chrono::seconds(2);
constexpr Nanos kLooksEvery = std::chrono::seconds(20);
constexpr int kTries = 5;                                 // to tell of news
constexpr Nanos kQueryLooksBack = std::chrono::hours(1);  // for conditions on events

std::string_view word_of(IssueChange change) {
  switch (change) {
    case IssueChange::fresh:
      return "New error";
    case IssueChange::regressed:
      return "Regression";
    case IssueChange::escalating:
      return "Escalating";
    case IssueChange::unarchived:
      return "Back from the archive";
  }
  return "Issue";
}

}  // namespace

IssueAlerts::IssueAlerts(storage::EventStore& events, storage::RecordStore& records,
                         const ProjectIssueAlerts& rules, const Clock& clock, const Logger& log, Send send,
                         Options options)
    : events_(events),
      records_(records),
      rules_(rules),
      clock_(clock),
      log_(log),
      send_(std::move(send)),
      options_(std::move(options)) {}

void IssueAlerts::offer(const errors::IssueEvent& event) {
  MutexLock lock(mutex_);
  if (news_.size() == kMaxWaitingIssueNews) {
    log_.warn("issue notice dropped", {{"reason", "kMaxWaitingIssueNews wait"}});
    return;
  }
  news_.push_back({event, clock_.now(), {}, 0});
}

void IssueAlerts::tick() {
  const UnixNanos now = clock_.now();
  take_news(now);
  if (now - looked_ >= kLooksEvery) {
    looked_ = now;
    look_at_frequencies(now);
    forget(now);
  }
  send_digests(now);
}

void IssueAlerts::take_news(UnixNanos now) {
  std::vector<Waiting> due;
  {
    MutexLock lock(mutex_);
    while (!news_.empty() && now - news_.front().since >= kSettles) {
      due.push_back(std::move(news_.front()));
      news_.pop_front();
    }
  }
  for (const Waiting& news : due) {
    for (const IssueAlertRule& rule : rules_.of(news.event.issue.project).rules) {
      if (rule.paused || !rule.wants(news.event.change)) continue;
      if (!news.rule.empty() && news.rule != rule.name) continue;
      const auto done = take(news.event, rule, now);
      if (done) continue;
      log_.warn("an issue was not told of",
                {{"rule", rule.name}, {"reason", done.error().message()}, {"tries", news.tries + 1}});
      MutexLock lock(mutex_);
      if (news.tries + 1 < kTries && news_.size() < kMaxWaitingIssueNews)
        news_.push_back({news.event, now, rule.name, news.tries + 1});
    }
  }
}

Result<> IssueAlerts::take(const errors::IssueEvent& event, const IssueAlertRule& rule, UnixNanos now) {
  TT_ASSIGN(const bool about, is_about(rule, event.issue, now));
  return about ? tell(rule, event.issue, word_of(event.change), "", rule.at_most_every, now) : Result<>();
}

void IssueAlerts::look_at_frequencies(UnixNanos now) {
  for (const ProjectId project : rules_.projects()) {
    for (const IssueAlertRule& rule : rules_.of(project).rules) {
      if (rule.paused) continue;
      for (const bool users : {false, true}) {
        const IssueFrequency& frequency = users ? rule.users : rule.events;
        if (!frequency.asked()) continue;
        if (const auto done = look_at(project, rule, frequency, users, now); !done)
          log_.warn("an issue alert was not looked at",
                    {{"rule", rule.name}, {"reason", done.error().message()}});
      }
    }
  }
}

Result<> IssueAlerts::look_at(ProjectId project, const IssueAlertRule& rule, const IssueFrequency& frequency,
                              bool users, UnixNanos now) {
  TT_ASSIGN(const auto seen, issues_within(project, frequency.within, users, now));
  std::size_t told = 0;
  Result<> all;
  for (const auto& [id, counts] : seen) {
    std::uint64_t count = users ? counts.users : counts.events;
    if (count <= frequency.count) continue;
    if (users && counts.groups.size() > 1) {
      TT_ASSIGN(count, users_of(project, counts.groups, frequency.within, now));
      if (count <= frequency.count) continue;
    }
    TT_ASSIGN(const Issue issue, records_.issues().get(id));
    if (issue.status != storage::IssueStatus::unresolved) continue;  // archived: people asked for silence
    TT_ASSIGN(const bool about, is_about(rule, issue, now));
    if (!about) continue;
    if (++told > kMaxFrequentIssues)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("more than {} issues (kMaxFrequentIssues)", kMaxFrequentIssues));
    const std::string because = fmt::format("{} {} in {}, more than {}", count, users ? "users" : "events",
                                            format_duration(frequency.within), frequency.count);
    if (auto done = tell(rule, issue, users ? "Many users" : "Frequent", because,
                         std::max(rule.at_most_every, frequency.within), now);
        !done)
      all = std::move(done);
  }
  return all;
}

Result<IssueAlerts::SeenIssues> IssueAlerts::issues_within(ProjectId project, Nanos within, bool users,
                                                           UnixNanos now) {
  storage::EventAggregateQuery q;
  q.table = Table::errors;
  q.projects = {project};
  q.range = {now - within, now + Nanos(1)};
  q.group_by = {std::string(attr::kGroupHashes)};
  q.measures = {{storage::MeasureOp::count, {}, 0}};
  if (users) q.measures.push_back({storage::MeasureOp::distinct, "user_id", 0});
  q.max_groups = limits::kMaxSearchGroups;
  WorkContext context(clock_, options_.limits);
  TT_ASSIGN(const auto groups, query::run_grouped(events_, q, context));
  if (!groups)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("more than {} groups of events", limits::kMaxSearchGroups));
  errors::IssueResolver resolver(records_);
  SeenIssues out;
  for (const auto& group : *groups) {
    EventRow row;
    row.project = project;
    row.set(std::string(attr::kGroupHashes), group.group[0]);
    TT_ASSIGN(const auto id, resolver.issue_of(row));
    if (!id) continue;
    Seen& seen = out[*id];
    seen.events += static_cast<std::uint64_t>(group.values[0]);
    if (users) seen.users += static_cast<std::uint64_t>(group.values[1]);
    seen.groups.push_back(group.group[0]);
  }
  return out;
}

Result<std::uint64_t> IssueAlerts::users_of(ProjectId project, const std::vector<std::string>& groups,
                                            Nanos within, UnixNanos now) {
  storage::EventAggregateQuery q;
  q.table = Table::errors;
  q.projects = {project};
  q.range = {now - within, now + Nanos(1)};
  q.filter = storage::EventFilter::one_of(std::string(attr::kGroupHashes), groups);
  q.measures = {{storage::MeasureOp::distinct, "user_id", 0}};
  WorkContext context(clock_, options_.limits);
  TT_ASSIGN(const auto rows, query::run_grouped(events_, q, context));
  return rows && !rows->empty() ? static_cast<std::uint64_t>(rows->front().values[0]) : 0;
}

Result<bool> IssueAlerts::is_about(const IssueAlertRule& rule, const Issue& issue, UnixNanos now) {
  if (rule.query.empty()) return true;
  errors::IssueSearchQuery q;
  TT_ASSIGN(q.where, search::understand(rule.query, {search::Subject::issues, now, {}}));
  q.records.projects = {issue.project};
  q.records.seen = {now - kQueryLooksBack, now + Nanos(1)};
  q.records.where = IssueCondition::number(IssueCondition::Op::in_numbers, IssueField::id, {issue.id.value});
  q.records.limit = 1;
  WorkContext context(clock_, options_.limits);
  TT_ASSIGN(const auto plan, errors::plan_issue_search(events_, records_, std::move(q), context));
  TT_ASSIGN(const auto found, records_.issues().search(plan.records));
  return !found.empty();
}

Result<> IssueAlerts::tell(const IssueAlertRule& rule, const Issue& issue, std::string_view what,
                           const std::string& because, Nanos pause, UnixNanos now) {
  const auto key = std::make_tuple(issue.project, rule.name, issue.id);
  if (const auto known = told_.find(key); known != told_.end() && now < known->second) return {};
  IssueNotice notice;
  notice.title = fmt::format("{}: {}", what, issue.title);
  notice.text = issue.culprit;
  notice.severity = std::string(to_string(issue.level));
  notice.fields = {{"Issue", issue.short_id},
                   {"Release", issue.last_release},
                   {"Events", fmt::format("{}", issue.event_count)},
                   {"Users", fmt::format("{}", issue.user_count)}};
  if (!because.empty()) notice.fields.emplace_back("Because", because);
  notice.fields.emplace_back("Rule", rule.name);
  const std::string base = options_.base_url ? options_.base_url() : std::string();
  if (!base.empty()) notice.link = fmt::format("{}/issues/{}", base, issue.id.value);
  if (rule.digest.count() == 0) {
    TT_TRY(send_(issue.project, notice, rule.receivers));
  } else {
    Digest& digest = digests_[{issue.project, rule.name}];
    if (digest.issues.empty()) digest.since = now;
    digest.receivers = rule.receivers;
    digest.every = rule.digest;
    if (digest.issues.size() < kMaxDigestIssues) {
      digest.issues.push_back(std::move(notice));
    } else {
      ++digest.left_out;
    }
  }
  if (pause.count() > 0) told_[key] = now + pause;
  return {};
}

void IssueAlerts::send_digests(UnixNanos now) {
  for (auto it = digests_.begin(); it != digests_.end();) {
    auto& [key, digest] = *it;
    if (now - digest.since < digest.every) {
      ++it;
      continue;
    }
    IssueNotice notice;
    const auto project = records_.projects().get(key.first);
    const std::size_t count = digest.issues.size() + digest.left_out;
    notice.title = fmt::format("{} {} of issues in {}", count, count == 1 ? "notice" : "notices",
                               project ? project->slug : std::to_string(key.first.value));
    if (digest.left_out > 0) notice.text = fmt::format("The first {} are shown.", digest.issues.size());
    notice.fields = {{"Rule", key.second}};
    notice.issues = std::move(digest.issues);
    if (const auto sent = send_(key.first, notice, digest.receivers); !sent)
      log_.warn("a digest was not sent", {{"rule", key.second}, {"reason", sent.error().message()}});
    it = digests_.erase(it);
  }
}

void IssueAlerts::forget(UnixNanos now) {
  std::erase_if(told_, [&](const auto& t) { return t.second <= now; });
  while (told_.size() > kMaxRememberedIssues) told_.erase(told_.begin());
}

}  // namespace telltale::alerting
