#include "api/own/row_json.hpp"

namespace telltale::api {
namespace {

void write_value(JsonWriter& w, const AttrValue& value) {
  if (const auto* s = std::get_if<std::string>(&value)) {
    w.string(*s);
  } else if (const auto* i = std::get_if<std::int64_t>(&value)) {
    w.integer(*i);
  } else if (const auto* d = std::get_if<double>(&value)) {
    w.number(*d);
  } else {
    w.boolean(std::get<bool>(value));
  }
}

void write_known(JsonWriter& w, std::string_view name, std::string_view value) {
  if (!value.empty()) w.field(name, value);
}

}  // namespace

void write_row(JsonWriter& w, const EventRow& row) {
  w.begin_object().field("time", format_rfc3339(row.time)).field("message", row.message);
  w.field("level", to_string(row.ids.level)).field("project", std::uint64_t{row.project.value});
  if (row.ids.trace_id.present()) w.field("trace_id", row.ids.trace_id.hex());
  if (row.ids.span_id.present()) w.field("span_id", row.ids.span_id.hex());
  write_known(w, "request_id", row.ids.request_id);
  write_known(w, "user_id", row.ids.user_id);
  write_known(w, "service", row.ids.service);
  write_known(w, "environment", row.ids.environment);
  write_known(w, "release", row.ids.release);
  write_known(w, "host", row.ids.host);
  write_known(w, "transaction", row.ids.transaction);
  w.key("attributes").begin_object();
  for (const auto& a : row.attributes) {
    w.key(a.name);
    write_value(w, a.value);
  }
  w.end_object();
  if (!row.payload.empty()) w.key("payload").raw(row.payload);
  w.end_object();
}

namespace {

void write_archive(JsonWriter& w, const storage::IssueArchive& archive) {
  using storage::ArchiveUntil;
  constexpr std::string_view kNames[] = {"forever", "escalating", "time", "events", "users"};
  w.key("archive").begin_object().field("until", kNames[static_cast<int>(archive.until)]);
  if (archive.until == ArchiveUntil::time) w.field("time", format_rfc3339(archive.time));
  if (archive.until == ArchiveUntil::events || archive.until == ArchiveUntil::users) {
    w.field("count", archive.count);
    if (archive.window_hours != 0) w.field("window_hours", std::uint64_t{archive.window_hours});
  }
  w.end_object();
}

/// Looked at since it last became worth it.
bool seen_by(const storage::IssueMark& mark, const storage::Issue& issue) {
  const bool loud = issue.substatus == storage::IssueSubstatus::regressed ||
                    issue.substatus == storage::IssueSubstatus::escalating;
  return mark.seen && (!loud || *mark.seen >= issue.substatus_since);
}

void write_extras(JsonWriter& w, const storage::Issue& issue, const IssueExtras& extras) {
  if (extras.mark) w.field("bookmarked", extras.mark->bookmarked).field("seen", seen_by(*extras.mark, issue));
  if (extras.comments) w.field("comment_count", *extras.comments);
  if (!extras.awaits_commit.empty()) w.field("awaits_commit", extras.awaits_commit);
  if (extras.left_out) w.field("bodies_left_out", *extras.left_out);
  if (!extras.merged.empty()) {
    w.key("merged_from").begin_array();
    for (const auto& part : extras.merged)
      w.begin_object().field("id", part.id.value).field("short_id", part.short_id).end_object();
    w.end_array();
  }
  if (!extras.trend) return;
  const auto write_bars = [&w](std::string_view name, const auto& bars) {
    w.key(name).begin_array();
    for (const std::uint64_t n : bars) w.unsigned_integer(n);
    w.end_array();
  };
  write_bars("trend_24h", extras.trend->hours);
  write_bars("trend_7d", extras.trend->six_hours);
  write_bars("trend_30d", extras.trend->days);
}

}  // namespace

void write_issue(JsonWriter& w, const storage::Issue& issue, const IssueExtras& extras) {
  w.begin_object().field("id", issue.id.value).field("short_id", issue.short_id);
  w.field("project", std::uint64_t{issue.project.value})
      .field("title", issue.title)
      .field("culprit", issue.culprit);
  w.field("type", issue.type).field("level", to_string(issue.level)).field("platform", issue.platform);
  w.field("status", to_string(issue.status)).field("substatus", to_string(issue.substatus));
  w.field("priority", to_string(issue.priority));
  w.field("first_seen", format_rfc3339(issue.first_seen)).field("last_seen", format_rfc3339(issue.last_seen));
  w.field("first_release", issue.first_release).field("last_release", issue.last_release);
  w.field("event_count", issue.event_count).field("user_count", issue.user_count);
  w.field("users_estimated", issue.users_estimated).field("parts", std::uint64_t{issue.parts});
  w.field("assignee", issue.assignee).field("resolved_in", issue.resolved_in);
  w.field("resolved_in_next", issue.resolved_next);
  if (issue.status == storage::IssueStatus::ignored) write_archive(w, issue.archive);
  if (issue.last_event.present()) w.field("last_event_id", issue.last_event.hex());
  write_extras(w, issue, extras);
  w.end_object();
}

}  // namespace telltale::api
