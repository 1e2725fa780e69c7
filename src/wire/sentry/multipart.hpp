// multipart/form-data (RFC 7578), as crash reporters send minidumps and attachments, and the error event that
// a minidump becomes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::wire::sentry {

struct FormPart {
  std::string name;
  std::string filename;  // empty: a field, no file
  std::string content_type;
  std::string_view body;  // a view into the bytes that were parsed
};

/// invalid_argument for a content type without a boundary, a body that does not end with it, and a part
/// without a name; too_large past limits::kMaxMultipartParts and kMaxMultipartHeadBytes.
Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body);

/// The names under which reporters send the dump itself and the event beside it.
inline constexpr std::string_view kMinidumpPart = "upload_file_minidump";
inline constexpr std::string_view kMinidumpEvent = "sentry";

struct MinidumpEvent {
  Id128 event_id;
  std::string json;  // as SDKs send events
};
/// Of the parts that are fields: `sentry` is an event's JSON, `sentry[release]` and `sentry[tags][name]` are
/// members of it, others are `extra`. What an event of a crash has, and this one does not say, is added.
/// invalid_argument when `sentry` is no JSON object.
Result<MinidumpEvent> minidump_event(const std::vector<FormPart>& parts, Id128 otherwise, UnixNanos now);

/// What a profile or a chunk of one says of itself; zero where it does not.
struct ProfileIds {
  Id128 event_id;  // the transaction's, or the profiler's
  Id128 trace_id;
  std::string platform;
};
/// invalid_argument when it is no JSON object.
Result<ProfileIds> parse_profile_ids(std::string_view json);

}  // namespace telltale::wire::sentry
