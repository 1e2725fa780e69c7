// Tells people of issues, by their project's rules (issue_alert_rules.hpp). What happens to an issue is
// handed in; how many events and users it has within a time is looked up in the event store three times a
// minute. Owns no thread: tick() does what is due. What it remembers (whom it told of which issue, what it
// has gathered for a digest) is in memory: a restart may tell of an issue once more, and loses what was
// gathered.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "alerting/issue_alert_rules.hpp"
#include "alerting/notifier.hpp"
#include "base/clock.hpp"
#include "base/context.hpp"
#include "base/log.hpp"
#include "errors/issue_store.hpp"
#include "storage/event_store.hpp"

namespace telltale::alerting {

inline constexpr std::size_t kMaxWaitingIssueNews = 10'000;
inline constexpr std::size_t kMaxRememberedIssues = 100'000;  // that were told of
inline constexpr std::size_t kMaxDigestIssues = 200;          // gathered for one digest; further are counted
inline constexpr std::size_t kMaxFrequentIssues = 1'000;      // of one rule at one look

/// offer() on any thread; tick() on one at a time.
class IssueAlerts {
 public:
  /// Sends a notice to the receivers of the project that are named; none named: to all.
  using Send = std::function<Result<>(ProjectId, const IssueNotice&, const std::vector<std::string>&)>;
  struct Options {
    std::function<std::string()> base_url;  // of links; empty: the notices have none
    WorkLimits limits;
  };
  /// All outlive it.
  IssueAlerts(storage::EventStore& events, storage::RecordStore& records, const ProjectIssueAlerts& rules,
              const Clock& clock, const Logger& log, Send send, Options options);

  /// What happened to an issue. Dropped, and logged, when too much waits.
  void offer(const errors::IssueEvent& event);
  void tick();

 private:
  struct Waiting {
    errors::IssueEvent event;
    UnixNanos since;
    std::string rule;  // the only one that is left to be asked; empty: all
    int tries = 0;
  };
  struct Digest {
    std::vector<std::string> receivers;
    Nanos every{0};
    UnixNanos since;
    std::vector<IssueNotice> issues;
    std::size_t left_out = 0;
  };
  using RuleKey = std::pair<ProjectId, std::string>;
  struct Seen {
    std::uint64_t events = 0;
    std::uint64_t users = 0;  // at most, where the issue has several groups
    std::vector<std::string> groups;
  };
  using SeenIssues = std::map<storage::IssueId, Seen>;

  void take_news(UnixNanos now);
  Result<> take(const errors::IssueEvent& event, const IssueAlertRule& rule, UnixNanos now);
  void look_at_frequencies(UnixNanos now);
  Result<> look_at(ProjectId project, const IssueAlertRule& rule, const IssueFrequency& frequency, bool users,
                   UnixNanos now);
  Result<SeenIssues> issues_within(ProjectId project, Nanos within, bool users, UnixNanos now);
  Result<std::uint64_t> users_of(ProjectId project, const std::vector<std::string>& groups, Nanos within,
                                 UnixNanos now);
  Result<bool> is_about(const IssueAlertRule& rule, const storage::Issue& issue, UnixNanos now);
  /// Sends or gathers, unless the rule told of the issue a short while ago.
  Result<> tell(const IssueAlertRule& rule, const storage::Issue& issue, std::string_view what,
                const std::string& because, Nanos pause, UnixNanos now);
  void send_digests(UnixNanos now);
  void forget(UnixNanos now);

  storage::EventStore& events_;
  storage::RecordStore& records_;
  const ProjectIssueAlerts& rules_;
  const Clock& clock_;
  const Logger& log_;
  const Send send_;
  const Options options_;

  Mutex mutex_;
  std::deque<Waiting> news_ TT_GUARDED_BY(mutex_);

  // Of tick() alone.
  UnixNanos looked_;
  std::map<std::tuple<ProjectId, std::string, storage::IssueId>, UnixNanos> told_;  // until when not again
  std::map<RuleKey, Digest> digests_;
};

}  // namespace telltale::alerting
