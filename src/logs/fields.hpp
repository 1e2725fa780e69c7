// Fields read out of a log line: JSON objects (nested names joined by dots), logfmt, access lines of web
// servers, and the ids that a line of plain text mentions as key=value. One pass over the line, no regular
// expressions; what is found becomes attributes of kind `parsed`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time_zone.hpp"
#include "model/event_row.hpp"

namespace telltale::logs {

enum class LineForm : std::uint8_t { text, json, logfmt, access };
std::string_view form_name(LineForm form);

/// Reads row.message. An attribute the row has already keeps its value: what came beside the line wins. At
/// most limits::kMaxAttributes attributes in all.
LineForm parse_fields(EventRow& row);

/// The time in front of a line of text: behind at most a bracket, or in an access line.
std::optional<UnixNanos> time_in_text(std::string_view line, const TimeZone& zone, UnixNanos now);

}  // namespace telltale::logs
