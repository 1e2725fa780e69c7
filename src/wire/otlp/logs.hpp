// ExportLogsServiceRequest, as protobuf or as OTLP/JSON, flattened to one batch a (resource, scope).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "wire/otlp/common.hpp"

namespace telltale::wire::otlp {

struct LogRecord {
  UnixNanos time;                    // 0 when the source did not know; then observed counts
  UnixNanos observed;                // 0 when absent
  std::int32_t severity_number = 0;  // 1-24, 0 when absent
  std::string severity_text;
  std::string event_name;
  std::string body;  // lists and maps as JSON text
  std::vector<Attr> attributes;
  Id128 trace_id;
  Id64 span_id;
  std::uint32_t flags = 0;
  std::uint32_t dropped_attributes = 0;

  UnixNanos best_time() const { return time.ns != 0 ? time : observed; }
  /// From severity_number, else severity_text.
  Level level() const;
};

/// What it takes in memory, about.
std::size_t decoded_bytes(const LogRecord& record);

struct LogBatch {
  Resource resource;
  Scope scope;
  std::vector<LogRecord> records;
};

struct LogsRequest {
  std::vector<LogBatch> batches;
  ItemErrors errors;  // index counts records over the whole request
};

Result<LogsRequest> parse_logs(std::string_view body, Encoding encoding);

}  // namespace telltale::wire::otlp
