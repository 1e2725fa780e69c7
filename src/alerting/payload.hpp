// What receivers are sent: Alertmanager's webhook JSON (version 4), Slack's incoming-webhook JSON, plain
// mail.
#pragma once

#include <string>
#include <vector>

#include "alerting/notifier.hpp"

namespace telltale::alerting {

std::string webhook_payload(const Receiver& receiver, const std::string& alertname, ProjectId project,
                            const std::vector<Alert>& alerts, const std::string& external_url);
std::string slack_payload(const Receiver& receiver, const std::string& alertname,
                          const std::vector<Alert>& alerts);
std::string issue_payload(const Receiver& receiver, const IssueNotice& notice);

/// What one message says, in its receiver's form; only mail has a subject.
struct Text {
  std::string subject;
  std::string body;
};
Text alert_text(const Receiver& receiver, const std::string& alertname, ProjectId project,
                const std::vector<Alert>& alerts, const std::string& external_url);
Text issue_text(const Receiver& receiver, const IssueNotice& notice);

}  // namespace telltale::alerting
