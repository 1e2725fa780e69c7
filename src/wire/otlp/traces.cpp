// Field numbers: opentelemetry/proto/trace/v1/trace.proto.
#include "wire/otlp/traces.hpp"

#include "wire/otlp/request.hpp"

namespace telltale::wire::otlp {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

SpanKind kind_from(std::int64_t n) {
  return n >= 0 && n <= 5 ? static_cast<SpanKind>(n) : SpanKind::unspecified;
}
StatusCode status_from(std::int64_t n) {
  return n >= 0 && n <= 2 ? static_cast<StatusCode>(n) : StatusCode::unset;
}

Result<Span> checked(Span span) {
  if (!span.trace_id.present()) return fail(ErrorKind::invalid_argument, "trace_id: missing or not 16 bytes");
  if (!span.span_id.present()) return fail(ErrorKind::invalid_argument, "span_id: missing or not 8 bytes");
  if (span.start.ns <= 0)
    return fail(ErrorKind::invalid_argument, "start_time_unix_nano: missing or out of range");
  if (span.end < span.start) span.end = span.start;
  return span;
}

SpanEvent proto_event(protozero::pbf_reader in) {
  SpanEvent out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::fixed64):
        out.time.ns = static_cast<std::int64_t>(in.get_fixed64());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.name = utf8(in.get_string());
        break;
      case tag_and_type(3, pbf_wire_type::length_delimited):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      default:
        in.skip();
    }
  }
  return out;
}

SpanLink proto_link(protozero::pbf_reader in) {
  SpanLink out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        out.trace_id = Id128::from_bytes(in.get_string()).value_or(Id128{});
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.span_id = Id64::from_bytes(in.get_string()).value_or(Id64{});
        break;
      case tag_and_type(4, pbf_wire_type::length_delimited):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      default:
        in.skip();
    }
  }
  return out;
}

SpanLink json_link(json::Value v) {
  return {Id128::parse(json::get_text(v, "traceId")).value_or(Id128{}),
          Id64::parse(json::get_text(v, "spanId")).value_or(Id64{}), json_attrs(v)};
}

void proto_status(protozero::pbf_reader in, Span& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.status_message = utf8(in.get_string());
        break;
      case tag_and_type(3, pbf_wire_type::varint):
        out.status = status_from(in.get_int32());
        break;
      default:
        in.skip();
    }
  }
}

Result<Span> read_proto_span(protozero::pbf_reader in) {
  Span out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        out.trace_id = Id128::from_bytes(in.get_string()).value_or(Id128{});
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.span_id = Id64::from_bytes(in.get_string()).value_or(Id64{});
        break;
      case tag_and_type(3, pbf_wire_type::length_delimited):
        out.trace_state = utf8(in.get_string());
        break;
      case tag_and_type(4, pbf_wire_type::length_delimited):
        out.parent_span_id = Id64::from_bytes(in.get_string()).value_or(Id64{});
        break;
      case tag_and_type(5, pbf_wire_type::length_delimited):
        out.name = utf8(in.get_string());
        break;
      case tag_and_type(6, pbf_wire_type::varint):
        out.kind = kind_from(in.get_int32());
        break;
      case tag_and_type(7, pbf_wire_type::fixed64):
        out.start.ns = static_cast<std::int64_t>(in.get_fixed64());
        break;
      case tag_and_type(8, pbf_wire_type::fixed64):
        out.end.ns = static_cast<std::int64_t>(in.get_fixed64());
        break;
      case tag_and_type(9, pbf_wire_type::length_delimited):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(11, pbf_wire_type::length_delimited):
        if (out.events.size() < limits::kMaxSpanParts)
          out.events.push_back(proto_event(in.get_message()));
        else
          in.skip();
        break;
      case tag_and_type(13, pbf_wire_type::length_delimited):
        if (out.links.size() < limits::kMaxSpanParts)
          out.links.push_back(proto_link(in.get_message()));
        else
          in.skip();
        break;
      case tag_and_type(15, pbf_wire_type::length_delimited):
        proto_status(in.get_message(), out);
        break;
      case tag_and_type(16, pbf_wire_type::fixed32):
        out.flags = in.get_fixed32();
        break;
      default:
        in.skip();
    }
  }
  return checked(std::move(out));
}

/// Enums are numbers in OTLP/JSON; names are taken too, since plain protobuf-JSON writers send them.
std::int64_t enum_of(json::Value object, std::string_view key, std::string_view prefix,
                     std::initializer_list<std::string_view> names) {
  if (const auto n = json::get_int(object, key)) return *n;
  const auto text = json::get_string(object, key);
  if (!text || !text->starts_with(prefix)) return 0;
  std::int64_t n = 0;
  for (const auto name : names) {
    if (text->substr(prefix.size()) == name) return n;
    ++n;
  }
  return 0;
}

Result<Span> read_json_span(json::Value v) {
  if (!v.is_object()) return fail(ErrorKind::invalid_argument, "spans: expected an object");
  Span out;
  out.trace_id = Id128::parse(json::get_text(v, "traceId")).value_or(Id128{});
  out.span_id = Id64::parse(json::get_text(v, "spanId")).value_or(Id64{});
  out.parent_span_id = Id64::parse(json::get_text(v, "parentSpanId")).value_or(Id64{});
  out.trace_state = json::get_text(v, "traceState");
  out.name = json::get_text(v, "name");
  out.kind = kind_from(enum_of(v, "kind", "SPAN_KIND_",
                               {"UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"}));
  out.start = json_nanos(v, "startTimeUnixNano");
  out.end = json_nanos(v, "endTimeUnixNano");
  out.attributes = json_attrs(v);
  if (const auto status = json::get(v, "status")) {
    out.status = status_from(enum_of(*status, "code", "STATUS_CODE_", {"UNSET", "OK", "ERROR"}));
    out.status_message = json::get_text(*status, "message");
  }
  if (const auto events = json::get_array(v, "events"))
    for (const json::Value e : *events)
      out.events.push_back({json_nanos(e, "timeUnixNano"), json::get_text(e, "name"), json_attrs(e)});
  if (const auto links = json::get_array(v, "links"))
    for (const json::Value link : *links) out.links.push_back(json_link(link));
  out.flags = static_cast<std::uint32_t>(json::get_int(v, "flags").value_or(0));
  return checked(std::move(out));
}

}  // namespace

std::string_view to_string(SpanKind kind) {
  constexpr std::string_view kNames[] = {"unspecified", "internal", "server",
                                         "client",      "producer", "consumer"};
  return kNames[static_cast<int>(kind)];
}

std::string_view to_string(StatusCode code) {
  constexpr std::string_view kNames[] = {"unset", "ok", "error"};
  return kNames[static_cast<int>(code)];
}

std::size_t decoded_bytes(const Span& span) {
  std::size_t bytes = sizeof span + span.name.size() + span.trace_state.size() + span.status_message.size() +
                      decoded_bytes(span.attributes);
  for (const SpanEvent& e : span.events) bytes += sizeof e + e.name.size() + decoded_bytes(e.attributes);
  for (const SpanLink& l : span.links) bytes += sizeof l + decoded_bytes(l.attributes);
  return bytes;
}

Result<TracesRequest> parse_traces(std::string_view body, Encoding encoding) {
  RequestCollector<SpanBatch> out;
  const auto list_of = [](SpanBatch& batch) -> std::vector<Span>& { return batch.spans; };
  if (encoding == Encoding::json) {
    TT_TRY(walk_json(body, {"resourceSpans", "scopeSpans", "spans"}, out, read_json_span, list_of));
  } else {
    TT_TRY(walk_proto(body, out, read_proto_span, list_of));
  }
  return TracesRequest{std::move(out.batches), std::move(out.errors)};
}

}  // namespace telltale::wire::otlp
