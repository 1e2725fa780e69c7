// The JSON payloads of Sentry items as plain structs. SDKs of many ages send many shapes of the same thing
// (an exception is `{"values": […]}`, a list or one object; a timestamp is RFC 3339 or float seconds; ids
// come with or without dashes), so reading is lenient: a field of the wrong type counts as absent, and only a
// payload that is not a JSON object is an error. Text that is not UTF-8, lone surrogates and oversized
// numbers are repaired, not refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/event_row.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::sentry {

struct Frame {
  std::string function;
  std::string raw_function;
  std::string module;
  std::string package;
  std::string filename;
  std::string abs_path;
  std::string context_line;
  std::string platform;     // when it is not the event's
  std::int64_t lineno = 0;  // 0 when absent
  std::int64_t colno = 0;
  std::optional<bool> in_app;
};

struct Exception {
  std::string type;
  std::string value;
  std::string module;
  std::string mechanism;  // mechanism.type
  std::optional<bool> handled;
  bool synthetic = false;
  bool group = false;  // mechanism.is_exception_group
  std::optional<std::int64_t> exception_id;
  std::optional<std::int64_t> parent_id;
  std::vector<Frame> frames;  // caller first, the place of the error last
};

struct Thread {
  std::string id;
  std::string name;
  bool crashed = false;
  bool current = false;
  std::vector<Frame> frames;
};

struct User {
  std::string id;
  std::string email;
  std::string username;
  std::string ip_address;
  /// The first of id, email, username, ip_address that is known.
  std::string_view best() const;
};

struct HttpRequest {
  std::string url;
  std::string method;
  std::string query_string;
  TextPairs headers;
};

struct TraceContext {
  Id128 trace_id;
  Id64 span_id;
  Id64 parent_span_id;
  std::string op;
  std::string status;
  std::string origin;
  std::vector<Attr> data;
};

/// What errors and transactions share. Absent strings are empty, absent ids zero.
struct EventCommon {
  Id128 event_id;
  std::optional<UnixNanos> timestamp;
  Level level = Level::unknown;
  std::string platform;
  std::string logger;
  std::string transaction;
  std::string transaction_source;
  std::string environment;
  std::string release;
  std::string dist;
  std::string server_name;
  User user;
  HttpRequest request;
  TraceContext trace;
  std::optional<std::int64_t> response_status;  // contexts.response.status_code
  TextPairs tags;
  /// Top-level `extra`; values that are not strings are JSON text.
  TextPairs extra;
  /// Tag, X-Request-ID header, extra or context field `request_id`, in this order.
  std::string request_id;
  std::string sdk_name;
  std::string sdk_version;
  std::size_t breadcrumb_count = 0;
};

struct ErrorEvent : EventCommon {
  std::vector<Exception> exceptions;  // as sent: the outermost (main) one last
  std::vector<Thread> threads;
  std::string message;    // template of logentry, or the message itself
  std::string formatted;  // message with its params filled in; equals message when there are none
  std::vector<std::string> params;
  std::string checksum;
  std::vector<std::string> fingerprint;  // may hold "{{ default }}"
  std::string culprit;
  std::vector<ItemError> errors;  // exceptions or threads of a wrong shape
};

/// Another span that one has to do with.
struct SentryLink {
  Id128 trace_id;
  Id64 span_id;
  std::vector<Attr> attributes;
};

struct SentrySpan {
  Id128 trace_id;
  Id64 span_id;
  Id64 parent_span_id;
  std::string op;
  std::string description;  // root: the transaction's name
  std::string status;
  std::string origin;
  UnixNanos start;
  UnixNanos end;
  bool is_root = false;
  TextPairs tags;
  std::vector<Attr> data;
  std::vector<SentryLink> links;
};

struct TransactionEvent : EventCommon {
  std::vector<SentrySpan> spans;  // the root first; children inherit its trace id when they have none
  std::vector<ItemError> errors;  // index into the payload's own `spans`
};

struct LogItem {
  UnixNanos timestamp;
  Id128 trace_id;
  Id64 span_id;
  Level level = Level::unknown;
  std::optional<std::int64_t> severity_number;
  std::string body;
  std::vector<Attr> attributes;
};

enum class MetricItemType : std::uint8_t { counter, gauge, distribution };

/// One measurement.
struct MetricItem {
  UnixNanos timestamp;
  std::string name;
  MetricItemType type = MetricItemType::counter;
  double value = 0;
  std::string unit;
  Id128 trace_id;
  Id64 span_id;
  std::vector<Attr> attributes;
};

struct ClientReport {
  struct Discarded {
    std::string reason;
    std::string category;
    std::uint64_t quantity = 0;
  };
  std::optional<UnixNanos> timestamp;
  std::vector<Discarded> discarded;
};

/// Payload of items `event` (and of POST /store/). too_large past limits::kMaxErrorEventBytes.
Result<ErrorEvent> parse_event(std::string_view json);
/// Payload of items `transaction`. invalid_argument when ids or times of the root span are missing.
Result<TransactionEvent> parse_transaction(std::string_view json);
/// Payload of items `log`: `{"items": […]}`.
Result<Items<LogItem>> parse_log_items(std::string_view json);
/// Payload of items `trace_metric`: `{"items": […]}`.
Result<Items<MetricItem>> parse_metric_items(std::string_view json);
/// Payload of items `span` with content type application/vnd.sentry.items.span.v2+json: `{"items": […]}`.
Result<Items<SentrySpan>> parse_span_items(std::string_view json);
Result<ClientReport> parse_client_report(std::string_view json);

/// The payload as valid JSON: the bytes themselves when they already are, else with bad UTF-8, lone
/// surrogates, raw control characters, NaN and oversized integers repaired. invalid_argument when it is not
/// JSON even so. What is stored as an event's payload goes through here.
Result<std::string> normalise_json(std::string_view json);

}  // namespace telltale::wire::sentry
