// One wide event: the form in which log lines, spans and error events are stored and found again. Whatever
// its source, a row carries the same id columns when they are known (correlation is the product), one message
// to search in, typed attributes under the names their source gave them, and, where the original form matters
// later (an error event's redacted JSON), the payload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace telltale {

/// The three tables of raw events. The numbers are stored: never renumber.
enum class Table : std::uint8_t { logs = 1, spans = 2, errors = 3 };
inline constexpr Table kTables[] = {Table::logs, Table::spans, Table::errors};
std::string_view to_string(Table table);
std::optional<Table> table_from(std::string_view name);

/// Order is severity. The numbers are stored: never renumber.
enum class Level : std::uint8_t {
  unknown = 0,
  trace = 1,
  debug = 2,
  info = 3,
  warning = 4,
  error = 5,
  fatal = 6
};
/// `info`, `warning`, …; unknown is "unknown".
std::string_view to_string(Level level);
/// Every spelling clients use, any case (`WARN`, `warning`, `CRITICAL`, `err`, `I`, …); unknown otherwise.
Level level_from(std::string_view text);

using AttrValue = std::variant<std::string, std::int64_t, double, bool>;
/// As text: numbers in their shortest form that reads back, booleans as true/false.
std::string to_string(const AttrValue& value);

/// Where an attribute came from. The numbers are stored: never renumber.
enum class AttrKind : std::uint8_t {
  metadata = 0,  // beside the line: structured metadata, a document's fields, what we detected
  label = 1,     // of the stream the row came in
  parsed = 2     // read out of the line by us
};
inline constexpr std::size_t kAttrKinds = 3;

struct Attr {
  std::string name;
  AttrValue value;
  AttrKind kind = AttrKind::metadata;
  bool operator==(const Attr&) const = default;
};

/// The id columns every table has. Empty, zero or unknown means "not known".
struct EventIds {
  std::string environment;
  std::string release;
  std::string service;
  std::string host;
  Id128 trace_id;
  Id64 span_id;
  std::string request_id;
  std::string user_id;
  std::string transaction;
  Level level = Level::unknown;
  bool operator==(const EventIds&) const = default;
};

struct EventRow {
  ProjectId project;
  UnixNanos time;      // the event's own time, inside ingest.max_past … ingest.max_future
  UnixNanos received;  // our clock
  EventIds ids;
  std::string message;           // log line · span name (or description) · error title
  std::vector<Attr> attributes;  // in the source's order; names unique
  std::string payload;           // original body if it must be kept, else empty
  bool operator==(const EventRow&) const = default;

  const AttrValue* find(std::string_view name) const;
  /// Replaces value and kind of the attribute of that name, or appends it.
  void set(std::string name, AttrValue value, AttrKind kind = AttrKind::metadata);
};

/// An estimate of what the row occupies.
std::size_t memory_bytes(const EventRow& row);

/// The text of a field by its public name: `time` is not a field, `message`, `payload`, `project`, `level`
/// and the id columns are, anything else is looked up among the attributes. nullopt when the row does not
/// have it.
std::optional<std::string> field_text(const EventRow& row, std::string_view field);

/// True when `name`, with every character outside [a-zA-Z0-9_:] replaced by `_` (and a `_` before a leading
/// digit), is `spelling`.
bool has_spelling(std::string_view name, std::string_view spelling);
/// `name` in that spelling.
std::string sanitised_name(std::string_view name);

/// The id columns by the name LogQL and its relatives use: service_name is service, detected_level is level,
/// the others have their own name. Empty for any other name; message, payload and project are none of them.
std::string_view fixed_field_spelled(std::string_view spelling);

/// The text of whatever is spelled so: the first that is not empty among label attributes, metadata, parsed
/// attributes (each in the row's order) and the fixed column. nullopt when all are absent or empty.
std::optional<std::string> spelled_text(const EventRow& row, std::string_view spelling);

// Attribute names that spans and errors always use, so that readers need not guess.
namespace attr {
inline constexpr std::string_view kDurationNs = "duration_ns";       // int
inline constexpr std::string_view kParentSpanId = "parent_span_id";  // 16 hex digits
inline constexpr std::string_view kSpanKind = "span.kind";  // server client internal producer consumer
inline constexpr std::string_view kSpanOp = "span.op";      // Sentry's op, or derived: http.server, db, …
inline constexpr std::string_view kSpanStatus = "span.status";  // ok error unset, or Sentry's status word
inline constexpr std::string_view kSpanName = "span.name";
inline constexpr std::string_view kIsTransaction =
    "is_transaction";                                           // bool: root span of a Sentry transaction
inline constexpr std::string_view kEventId = "event_id";        // 32 hex digits
inline constexpr std::string_view kErrorType = "error.type";    // exception class
inline constexpr std::string_view kErrorValue = "error.value";  // its message
inline constexpr std::string_view kHandled = "handled";         // bool
inline constexpr std::string_view kCulprit = "culprit";
inline constexpr std::string_view kGroupHashes = "group_hashes";  // space-separated hex, best first
/// Of the grouping algorithm before: an event finds the issue it belonged to then by them.
inline constexpr std::string_view kGroupHashesBefore = "group_hashes_before";
inline constexpr std::string_view kPlatform = "platform";
inline constexpr std::string_view kLogger = "logger";
/// bool: counted like any other, but too many came at once and the JSON of this one was not kept.
inline constexpr std::string_view kBodyLeftOut = "body_left_out";
}  // namespace attr

}  // namespace telltale
