// Mail in plain text: the subject alone says what matters on a phone's lock screen.
#include <algorithm>

#include <fmt/format.h>

#include "alerting/payload.hpp"
#include "base/time.hpp"

namespace telltale::alerting {
namespace {

void add_pairs(std::string& out, const Labels& labels) {
  for (const auto& label : labels) {
    if (label.name != "alertname") out += fmt::format("  {}: {}\n", label.name, label.value);
  }
}

void add_alert(std::string& out, const Alert& alert) {
  const bool firing = alert.state == AlertState::firing;
  const UnixMillis since = firing ? alert.fired_at : alert.resolved_at;
  out += fmt::format("{} since {}\n", firing ? "Firing" : "Resolved",
                     format_rfc3339(UnixNanos::from_millis(since)));
  add_pairs(out, alert.labels);
  add_pairs(out, alert.annotations);
  out += '\n';
}

Text alert_mail(const std::string& alertname, const std::vector<Alert>& alerts,
                const std::string& external_url) {
  const auto firing = std::count_if(alerts.begin(), alerts.end(),
                                    [](const Alert& a) { return a.state == AlertState::firing; });
  Text text;
  text.subject = firing > 0 ? fmt::format("[Firing: {}] {}", firing, alertname) : "[Resolved] " + alertname;
  for (const Alert& alert : alerts) add_alert(text.body, alert);
  if (!external_url.empty()) text.body += external_url + "\n";
  return text;
}

Text issue_mail(const IssueNotice& notice) {
  Text text;
  text.subject = notice.title;
  text.body = notice.text.empty() ? "" : notice.text + "\n\n";
  for (const auto& [name, value] : notice.fields) text.body += fmt::format("{}: {}\n", name, value);
  if (!notice.link.empty()) text.body += "\n" + notice.link + "\n";
  for (const IssueNotice& issue : notice.issues) {
    text.body += "\n" + issue.title + "\n";
    if (!issue.text.empty()) text.body += "  " + issue.text + "\n";
    for (const auto& [name, value] : issue.fields) text.body += fmt::format("  {}: {}\n", name, value);
    if (!issue.link.empty()) text.body += "  " + issue.link + "\n";
  }
  return text;
}

}  // namespace

Text alert_text(const Receiver& receiver, const std::string& alertname, ProjectId project,
                const std::vector<Alert>& alerts, const std::string& external_url) {
  switch (receiver.kind) {
    case ReceiverKind::email:
      return alert_mail(alertname, alerts, external_url);
    case ReceiverKind::slack:
      return {{}, slack_payload(receiver, alertname, alerts)};
    case ReceiverKind::webhook:
      break;
  }
  return {{}, webhook_payload(receiver, alertname, project, alerts, external_url)};
}

Text issue_text(const Receiver& receiver, const IssueNotice& notice) {
  if (receiver.kind == ReceiverKind::email) return issue_mail(notice);
  return {{}, issue_payload(receiver, notice)};
}

}  // namespace telltale::alerting
