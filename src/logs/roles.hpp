// What a field is for, whatever its source calls it. The conventions (OpenTelemetry, ECS, Datadog, Python's,
// Node's, Go's and Java's loggers) differ in case, separators and containers only: `trace_id`, `traceId`,
// `trace.id` and `contextMap.traceId` are the same name once letters are lowered and separators dropped.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time_zone.hpp"
#include "model/event_row.hpp"

namespace telltale::logs {

enum class Role : std::uint8_t {
  none,
  trace,
  span,
  traceparent,  // W3C: holds both
  request,
  user,
  service,
  environment,
  release,
  host,
  transaction,
  level,
  time,
  message
};
inline constexpr std::size_t kRoles = 14;

struct RoleRank {
  Role role = Role::none;
  std::uint8_t rank = 0;  // of several fields with one role, the lowest is believed
};
RoleRank role_of(std::string_view field);

/// The level a value names: a word in any spelling, a number of pino and bunyan (10 … 60), of Python
/// (`levelno`), or of syslog (0 … 7). unknown otherwise.
Level level_of(std::string_view field, const AttrValue& value);

/// The first level word in the front of a line of text, such as `[INFO]` or `WARNING:root:`.
Level level_in_text(std::string_view line);

/// Fills the id columns and the level that are still empty from the attributes; what stood beside the line
/// is believed before what was read out of it. Attributes keep their names.
void fill_columns(EventRow& row);

/// When the event was, as its fields say; for sources whose protocol does not.
std::optional<UnixNanos> time_in_fields(const EventRow& row, const TimeZone& zone, UnixNanos now);

/// The attribute that holds a document's message (`message`, `msg`, `event`, `body`, …); nullptr when none.
const Attr* message_field(const EventRow& row);

}  // namespace telltale::logs
