// Takes alerts from the rules, groups them by name and sends them to receivers: generic webhooks
// (Alertmanager's JSON, version 4), Slack incoming webhooks and mail. A group waits `group_wait` for company,
// tells of changes every `group_interval` and repeats itself every `repeat_interval`. Like the rule manager
// it owns no thread: tick() sends what is due. A message that cannot be delivered is tried again with growing
// pauses and given up after `max_attempts`; the queue is bounded and refuses rather than grow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alerting/rule_manager.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "transport/transport.hpp"

namespace telltale::alerting {

enum class ReceiverKind : unsigned char { webhook, slack, email };
std::string_view to_string(ReceiverKind kind);

struct Receiver {
  std::string name;
  ReceiverKind kind = ReceiverKind::webhook;
  std::string url;
  transport::Headers headers;   // e.g. Authorization
  std::string channel;          // slack: overrides the hook's own
  std::vector<std::string> to;  // email
  bool send_resolved = true;
  std::vector<ProjectId> projects;  // empty: every project
};

struct NotifierOptions {
  Millis group_wait{std::chrono::seconds(30)};
  Millis group_interval{std::chrono::minutes(5)};
  Millis repeat_interval{std::chrono::hours(4)};
  Millis first_retry{std::chrono::seconds(1)};
  Millis max_retry{std::chrono::minutes(1)};
  int max_attempts = 10;
  std::size_t max_queued = 1000;
  std::size_t max_groups = 10'000;
  std::size_t max_alerts_per_group = 1000;
  std::string external_url;
};

/// A message that is not an alert: a new kind of error, a regression; or several of them together.
struct IssueNotice {
  std::string title;
  std::string text;
  std::string link;
  std::string severity;  // free text, e.g. "error"
  StringPairs fields;
  std::vector<IssueNotice> issues;  // of a digest
};

/// Thread-safe; tick() is for one thread at a time and does the sending.
class Notifier {
 public:
  Notifier(transport::HttpClient& http, const Clock& clock, MetricsRegistry& metrics, const Logger& log,
           NotifierOptions options = {});
  ~Notifier();

  void set_receivers(std::vector<Receiver> receivers);
  /// Times of groups count from their next event on.
  void set_options(NotifierOptions options);
  /// How receivers of kind email are reached; null: not at all.
  void set_mail(std::shared_ptr<transport::MailSender> sender, std::string from);
  /// Takes firing and resolved alerts into their groups; fits AlertSink.
  void take(ProjectId project, const std::vector<Alert>& alerts);
  /// Queues the notice for the named receivers of the project; for every one when none is named, or none of
  /// those that are is in the settings any more. resource_exhausted when the queue is full.
  Result<> notify_issue(ProjectId project, const IssueNotice& notice,
                        const std::vector<std::string>& names = {});
  /// Flushes groups that are due and sends what waits in the queue and is due. No lock is held while sending.
  void tick();
  /// Sends one test message now and says how it went. not_found for an unknown receiver.
  Result<> test(const std::string& receiver);

  /// Names and kinds of those that serve the project, in the order of the settings.
  std::vector<std::pair<std::string, ReceiverKind>> receivers(ProjectId project) const;

  std::size_t queued() const;
  /// Where links to this server begin, without a slash at the end; may be empty.
  std::string external_url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::alerting
