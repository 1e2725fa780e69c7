// ExportTraceServiceRequest, as protobuf or as OTLP/JSON, flattened to one batch a (resource, scope).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "wire/otlp/common.hpp"

namespace telltale::wire::otlp {

enum class SpanKind : std::uint8_t { unspecified, internal, server, client, producer, consumer };
std::string_view to_string(SpanKind kind);
enum class StatusCode : std::uint8_t { unset, ok, error };
std::string_view to_string(StatusCode code);

struct SpanEvent {
  UnixNanos time;
  std::string name;
  std::vector<Attr> attributes;
};

/// Another span that this one has to do with, in this trace or another.
struct SpanLink {
  Id128 trace_id;
  Id64 span_id;
  std::vector<Attr> attributes;
};

struct Span {
  Id128 trace_id;
  Id64 span_id;
  Id64 parent_span_id;
  std::string trace_state;
  std::string name;
  SpanKind kind = SpanKind::unspecified;
  UnixNanos start;
  UnixNanos end;
  StatusCode status = StatusCode::unset;
  std::string status_message;
  std::vector<Attr> attributes;
  std::vector<SpanEvent> events;
  std::vector<SpanLink> links;
  std::uint32_t flags = 0;
};

/// What it takes in memory, about.
std::size_t decoded_bytes(const Span& span);

struct SpanBatch {
  Resource resource;
  Scope scope;
  std::vector<Span> spans;
};

struct TracesRequest {
  std::vector<SpanBatch> batches;
  /// Index counts spans over the whole request. A span without trace or span id is refused.
  ItemErrors errors;
};

Result<TracesRequest> parse_traces(std::string_view body, Encoding encoding);

}  // namespace telltale::wire::otlp
