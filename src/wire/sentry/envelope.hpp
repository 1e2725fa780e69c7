// A Sentry envelope is a line of JSON headers followed by items, each a line of JSON headers and a payload.
// The payload is `length` bytes when the item says so and runs to the next newline otherwise. Only "\n" ends
// a line. Items of types we do not know are kept as unknown, so that the caller can count them. Nothing here
// decodes payloads (event.hpp does) or checks a key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::sentry {

enum class ItemType : std::uint8_t {
  unknown,
  event,
  transaction,
  attachment,
  session,
  sessions,
  feedback,
  user_report,
  client_report,
  replay_event,
  replay_recording,
  replay_video,
  profile,
  profile_chunk,
  check_in,
  log,
  trace_metric,
  span,
  otel_span,
  statsd,
  metric_buckets,
  raw_security,
  nel,
  unreal_report,
  form_data,
};
/// The wire's own word (`check_in`, …); unknown is "unknown".
std::string_view to_string(ItemType type);
ItemType item_type_from(std::string_view name);
/// The data category that rate limits and client reports speak of: `error`, `transaction`, `log_item`, …;
/// "default" for types that have none.
std::string_view rate_limit_category(ItemType type);

/// The dynamic sampling context of the envelope header `trace`. Absent fields are empty.
struct TraceHeader {
  Id128 trace_id;
  std::string public_key;
  std::string release;
  std::string environment;
  std::string transaction;
  std::optional<double> sample_rate;
  std::optional<double> sample_rand;
  std::optional<bool> sampled;
};

struct EnvelopeHeader {
  Id128 event_id;  // zero when absent
  std::string dsn;
  std::optional<UnixNanos> sent_at;
  std::optional<TraceHeader> trace;
  std::string sdk_name;
  std::string sdk_version;
};

struct Item {
  ItemType type = ItemType::unknown;
  std::string type_name;  // as sent
  std::string content_type;
  std::string filename;
  std::string attachment_type;
  std::optional<std::uint64_t> item_count;
  std::string_view headers;  // the header line, views into the envelope's bytes
  std::string_view payload;  // likewise
};

struct Envelope {
  EnvelopeHeader header;
  std::vector<Item> items;
  /// Items over limits::kMaxEnvelopeItems, and the place where the grammar broke: the items before it are
  /// good.
  ItemErrors errors;
};

/// The first line alone, for who has to know the sender before anything else is read. Errors as of
/// parse_envelope().
Result<EnvelopeHeader> parse_envelope_header(std::string_view bytes);

/// Views into `bytes` (already decompressed), which must outlive the result. invalid_argument when the
/// envelope header is not a JSON object or the first item is already malformed; too_large past
/// limits::kMaxEnvelopeBytes, or with a first line over limits::kMaxEnvelopeHeaderBytes.
Result<Envelope> parse_envelope(std::string_view bytes);

/// Who sends: the public key of a DSN, and what the client says of itself.
struct Auth {
  std::string public_key;
  std::string secret_key;  // deprecated, may be empty
  std::string client;      // "sentry.python/2.68.0"
  std::string version;     // "7"
};

struct Dsn {
  std::string public_key;
  std::string secret_key;
  std::string host;
  std::string project;  // last path segment
};
/// `scheme://key[:secret]@host[:port]/[path/]project`.
Result<Dsn> parse_dsn(std::string_view dsn);

/// Header values and decoded query parameters as they arrived; empty means absent.
struct AuthSources {
  std::string_view x_sentry_auth;
  std::string_view authorization;  // used only when its scheme is "Sentry"
  std::string_view query_key;      // ?sentry_key=
  std::string_view query_client;   // ?sentry_client=
  std::string_view query_version;  // ?sentry_version=
  std::string_view envelope_dsn;
};
/// unauthenticated when no source has a key, or when several disagree.
Result<Auth> parse_auth(const AuthSources& sources);

}  // namespace telltale::wire::sentry
