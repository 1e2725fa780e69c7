// One syslog message, RFC 5424 or RFC 3164 and what devices make of it. Every text is a message: what does
// not fit the grammar is kept as its text, never refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time_zone.hpp"
#include "model/event_row.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::syslog {

enum class Format : std::uint8_t {
  rfc5424,
  rfc3164,  // with a time in front
  bare      // at most <PRI> and a tag
};

struct Message {
  Format format = Format::bare;
  bool has_priority = false;
  std::uint8_t facility = 1;  // user; the default of RFC 3164 4.3.3
  std::uint8_t severity = 5;  // notice
  std::optional<UnixNanos> time;
  std::string host;
  std::string app;
  std::string process_id;
  std::string message_id;
  TextPairs structured_data;  // `id.parameter`, or `id` alone for an element without parameters
  std::string text;           // valid UTF-8, without byte order mark and trailing line ends
};

/// `zone` and `now` are for times without offset or year.
Message parse_message(std::string_view bytes, const TimeZone& zone, UnixNanos now);

/// `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug`.
std::string_view severity_name(std::uint8_t severity);
/// `kern`, `user`, …, `local7`.
std::string_view facility_name(std::uint8_t facility);
Level severity_level(std::uint8_t severity);

}  // namespace telltale::wire::syslog
