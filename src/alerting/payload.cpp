#include "alerting/payload.hpp"

#include <algorithm>
#include <cstdio>

#include "base/json.hpp"
#include "base/text.hpp"

namespace telltale::alerting {
namespace {

constexpr std::size_t kSlackTitleBytes = 1024;
constexpr std::size_t kSlackAlerts = 10;  // shown one by one; the rest is counted

void labels_object(JsonWriter& json, std::string_view key, const Labels& labels) {
  json.key(key).begin_object();
  for (const Label& l : labels) json.field(l.name, std::string_view(l.value));
  json.end_object();
}

Labels common_of(const std::vector<Alert>& alerts, Labels Alert::*member) {
  Labels out = alerts.empty() ? Labels() : alerts[0].*member;
  for (const Alert& a : alerts) {
    const Labels before = out;
    for (const Label& l : before) {
      if ((a.*member).get(l.name) != l.value) out.erase(l.name);
    }
  }
  return out;
}

bool any_firing(const std::vector<Alert>& alerts) {
  return std::any_of(alerts.begin(), alerts.end(),
                     [](const Alert& a) { return a.state == AlertState::firing; });
}

std::string time_text(UnixMillis t) {
  return t.ms == 0 ? "0001-01-01T00:00:00Z" : format_rfc3339(UnixNanos::from_millis(t));
}

void slack_field(JsonWriter& json, std::string_view title, std::string_view value) {
  json.begin_object()
      .field("title", title)
      .field("value", value)
      .field("short", value.size() < 40)
      .end_object();
}

// Both names are in wide use for the link to a runbook.
std::string_view runbook_of(const Alert& alert) {
  const std::string_view link = alert.annotations.get("runbook_url");
  return link.empty() ? alert.annotations.get("runbook") : link;
}

void notice_members(JsonWriter& json, const IssueNotice& notice) {
  json.field("title", notice.title).field("text", notice.text).field("link", notice.link);
  json.field("severity", notice.severity).key("fields").begin_object();
  for (const auto& [name, value] : notice.fields) json.field(name, std::string_view(value));
  json.end_object();
}

void slack_notice(JsonWriter& json, const IssueNotice& notice) {
  json.begin_object();
  json.field("color", notice.severity == "warning" ? "warning" : "danger").field("fallback", notice.title);
  json.field("title", notice.title).field("title_link", notice.link).field("text", notice.text);
  json.key("fields").begin_array();
  if (!notice.severity.empty()) slack_field(json, "Severity", notice.severity);
  for (const auto& [name, value] : notice.fields) slack_field(json, name, value);
  json.end_array().end_object();
}

}  // namespace

std::string webhook_payload(const Receiver& receiver, const std::string& alertname, ProjectId project,
                            const std::vector<Alert>& alerts, const std::string& external_url) {
  JsonWriter json;
  json.begin_object().field("version", "4");
  json.field("groupKey", std::to_string(project.value) + ":{}:{alertname=\"" + alertname + "\"}");
  json.field("truncatedAlerts", 0).field("status", any_firing(alerts) ? "firing" : "resolved");
  json.field("receiver", receiver.name);
  json.key("groupLabels").begin_object().field("alertname", alertname).end_object();
  labels_object(json, "commonLabels", common_of(alerts, &Alert::labels));
  labels_object(json, "commonAnnotations", common_of(alerts, &Alert::annotations));
  json.field("externalURL", external_url);
  json.key("alerts").begin_array();
  for (const Alert& a : alerts) {
    char fingerprint[17];
    std::snprintf(fingerprint, sizeof fingerprint, "%016llx",
                  static_cast<unsigned long long>(a.labels.hash()));
    json.begin_object().field("status", a.state == AlertState::firing ? "firing" : "resolved");
    labels_object(json, "labels", a.labels);
    labels_object(json, "annotations", a.annotations);
    json.field("startsAt", time_text(a.fired_at));
    json.field("endsAt", time_text(a.state == AlertState::resolved ? a.resolved_at : UnixMillis{0}));
    json.field("generatorURL", external_url.empty() ? "" : external_url + "/alerts");
    json.field("fingerprint", std::string_view(fingerprint)).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

std::string slack_payload(const Receiver& receiver, const std::string& alertname,
                          const std::vector<Alert>& alerts) {
  const bool firing = any_firing(alerts);
  const Labels common = common_of(alerts, &Alert::labels);
  const std::string severity(common.get("severity"));
  const auto count = std::count_if(alerts.begin(), alerts.end(),
                                   [&](const Alert& a) { return !firing || a.state == AlertState::firing; });
  const std::string title =
      "[" + std::string(firing ? "FIRING" : "RESOLVED") + ":" + std::to_string(count) + "] " + alertname;
  JsonWriter json;
  json.begin_object();
  if (!receiver.channel.empty()) json.field("channel", receiver.channel);
  json.field("text", truncate_utf8(title, kSlackTitleBytes)).key("attachments").begin_array();
  std::size_t shown = 0;
  for (const Alert& a : alerts) {
    if (++shown > kSlackAlerts) break;
    const std::string summary(a.annotations.get("summary"));
    const char* color = a.state == AlertState::resolved
                            ? "good"
                            : (a.labels.get("severity") == "warning" ? "warning" : "danger");
    json.begin_object().field("color", color).field("title", summary.empty() ? alertname : summary);
    json.field("fallback", title).field("text", a.annotations.get("description"));
    const std::string_view runbook = runbook_of(a);
    if (!runbook.empty()) json.field("title_link", runbook);
    json.key("fields").begin_array();
    if (a.labels.has("severity")) slack_field(json, "Severity", a.labels.get("severity"));
    if (!runbook.empty()) slack_field(json, "Runbook", runbook);
    for (const Label& l : a.labels) {
      if (l.name != "alertname" && l.name != "severity") slack_field(json, l.name, l.value);
    }
    json.end_array().end_object();
  }
  if (alerts.size() > kSlackAlerts) {
    json.begin_object()
        .field("text", "and " + std::to_string(alerts.size() - kSlackAlerts) + " more")
        .end_object();
  }
  json.end_array().end_object();
  return json.take();
}

std::string issue_payload(const Receiver& receiver, const IssueNotice& notice) {
  JsonWriter json;
  json.begin_object();
  if (receiver.kind == ReceiverKind::webhook) {
    json.field("version", "1").field("kind", notice.issues.empty() ? "issue" : "digest");
    json.field("receiver", receiver.name);
    notice_members(json, notice);
    if (!notice.issues.empty()) {
      json.key("issues").begin_array();
      for (const IssueNotice& issue : notice.issues) {
        json.begin_object();
        notice_members(json, issue);
        json.end_object();
      }
      json.end_array();
    }
    json.end_object();
    return json.take();
  }
  if (!receiver.channel.empty()) json.field("channel", receiver.channel);
  json.field("text", truncate_utf8(notice.title, kSlackTitleBytes)).key("attachments").begin_array();
  if (notice.issues.empty()) slack_notice(json, notice);
  std::size_t shown = 0;
  for (const IssueNotice& issue : notice.issues) {
    if (++shown > kSlackAlerts) break;
    slack_notice(json, issue);
  }
  if (notice.issues.size() > kSlackAlerts) {
    json.begin_object()
        .field("text", "and " + std::to_string(notice.issues.size() - kSlackAlerts) + " more")
        .end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace telltale::alerting
