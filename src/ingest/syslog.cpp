// Syslog: who sent it, for what program and how severe are the stream's labels; the rest stands beside the
// line.
#include "ingest/request.hpp"
#include "ingest/rows.hpp"

namespace telltale::ingest {

EventRow row_of(const wire::syslog::Message& message, std::string_view peer) {
  EventRow row;
  if (message.time) row.time = *message.time;
  row.message = message.text;
  row.ids.host = message.host.empty() ? std::string(peer) : message.host;
  row.ids.service = message.app;
  if (message.has_priority) row.ids.level = wire::syslog::severity_level(message.severity);
  const auto label = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) row.set(std::string(name), std::string(value), AttrKind::label);
  };
  label("host", row.ids.host);
  label("app", message.app);
  if (message.has_priority) {
    label("severity", wire::syslog::severity_name(message.severity));
    set_text(row, "facility", wire::syslog::facility_name(message.facility));
  }
  set_text(row, "procid", message.process_id);
  set_text(row, "msgid", message.message_id);
  set_text(row, "source.address", peer);
  for (const auto& [name, value] : message.structured_data) row.set(name, value);
  return row;
}

Result<Outcome> Ingest::syslog(ProjectId project, const std::vector<SyslogMessage>& messages,
                               const TimeZone& zone) {
  TT_ASSIGN(Request request, impl_->begin(project));
  request.fallback_service = "unknown_service";
  request.zone = zone;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto message = wire::syslog::parse_message(messages[i].bytes, zone, request.now());
    if (message.text.empty() && message.structured_data.empty()) continue;
    EventRow row = row_of(message, messages[i].peer);
    if (row.time.ns != 0 && !request.in_bounds(row.time)) {
      // A device's clock may be years off; its line is of now.
      row.set("syslog.timestamp", format_rfc3339(row.time));
      row.time = request.now();
    }
    request.add(Table::logs, std::move(row), Id128{}, i);
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
