// Field numbers: opentelemetry/proto/logs/v1/logs.proto.
#include "wire/otlp/logs.hpp"

#include "wire/otlp/request.hpp"

namespace telltale::wire::otlp {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string body_text(std::optional<AttrValue> value) { return value ? to_string(*value) : std::string(); }

Result<LogRecord> read_proto_log(protozero::pbf_reader in) {
  LogRecord out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::fixed64):
        out.time.ns = static_cast<std::int64_t>(in.get_fixed64());
        break;
      case tag_and_type(2, pbf_wire_type::varint):
        out.severity_number = in.get_int32();
        break;
      case tag_and_type(3, pbf_wire_type::length_delimited):
        out.severity_text = utf8(in.get_string());
        break;
      case tag_and_type(5, pbf_wire_type::length_delimited):
        out.body = body_text(proto_value(in.get_message()));
        break;
      case tag_and_type(6, pbf_wire_type::length_delimited):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(7, pbf_wire_type::varint):
        out.dropped_attributes = in.get_uint32();
        break;
      case tag_and_type(8, pbf_wire_type::fixed32):
        out.flags = in.get_fixed32();
        break;
      case tag_and_type(9, pbf_wire_type::length_delimited):
        out.trace_id = Id128::from_bytes(in.get_string()).value_or(Id128{});
        break;
      case tag_and_type(10, pbf_wire_type::length_delimited):
        out.span_id = Id64::from_bytes(in.get_string()).value_or(Id64{});
        break;
      case tag_and_type(11, pbf_wire_type::fixed64):
        out.observed.ns = static_cast<std::int64_t>(in.get_fixed64());
        break;
      case tag_and_type(12, pbf_wire_type::length_delimited):
        out.event_name = utf8(in.get_string());
        break;
      default:
        in.skip();
    }
  }
  return out;
}

Result<LogRecord> read_json_log(json::Value v) {
  if (!v.is_object()) return fail(ErrorKind::invalid_argument, "logRecords: expected an object");
  LogRecord out;
  out.time = json_nanos(v, "timeUnixNano");
  out.observed = json_nanos(v, "observedTimeUnixNano");
  out.severity_number = static_cast<std::int32_t>(json::get_int(v, "severityNumber").value_or(0));
  out.severity_text = json::get_text(v, "severityText");
  out.event_name = json::get_text(v, "eventName");
  if (const auto body = json::get(v, "body")) out.body = body_text(json_value(*body));
  out.attributes = json_attrs(v);
  out.trace_id = Id128::parse(json::get_text(v, "traceId")).value_or(Id128{});
  out.span_id = Id64::parse(json::get_text(v, "spanId")).value_or(Id64{});
  out.flags = static_cast<std::uint32_t>(json::get_int(v, "flags").value_or(0));
  out.dropped_attributes = static_cast<std::uint32_t>(json::get_int(v, "droppedAttributesCount").value_or(0));
  return out;
}

}  // namespace

Level LogRecord::level() const {
  if (severity_number >= 1 && severity_number <= 24) return static_cast<Level>(1 + (severity_number - 1) / 4);
  return level_from(severity_text);
}

std::size_t decoded_bytes(const LogRecord& record) {
  return sizeof record + record.body.size() + record.event_name.size() + record.severity_text.size() +
         decoded_bytes(record.attributes);
}

Result<LogsRequest> parse_logs(std::string_view body, Encoding encoding) {
  RequestCollector<LogBatch> out;
  const auto list_of = [](LogBatch& batch) -> std::vector<LogRecord>& { return batch.records; };
  if (encoding == Encoding::json) {
    TT_TRY(walk_json(body, {"resourceLogs", "scopeLogs", "logRecords"}, out, read_json_log, list_of));
  } else {
    TT_TRY(walk_proto(body, out, read_proto_log, list_of));
  }
  return LogsRequest{std::move(out.batches), std::move(out.errors)};
}

}  // namespace telltale::wire::otlp
