// Time zones by their names, from the system's zone database, and local times as people and programs write
// them in log lines. Local time is ambiguous for an hour a year and absent for another: the earlier moment is
// taken, and what does not exist is moved over the gap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale {

/// A value: cheap to copy, valid for ever.
class TimeZone {
 public:
  /// UTC.
  TimeZone() = default;
  /// `UTC`, `Europe/Berlin`, `local` (the machine's), `+02:00` or `-0500`. invalid_argument names what is not
  /// known.
  static Result<TimeZone> find(std::string_view name);

  /// Seconds since 1970 of a local time counted as if it were UTC.
  std::int64_t to_utc(std::int64_t local_seconds) const;
  std::int64_t to_local(std::int64_t utc_seconds) const;

 private:
  const void* zone_ = nullptr;  // the library's; nullptr: the fixed offset
  std::int64_t offset_s_ = 0;
};

/// What a text says of a moment. Not every format says the year or the offset.
struct CivilTime {
  int year = 0;  // 0: not said
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t nanos = 0;
  std::optional<int> offset_s;  // of UTC, when said
};

/// Reads a time at the front of `text` and returns how many bytes it takes, 0 when there is none:
///   2026-01-08T09:30:00.123Z · 2026-01-08 09:30:00,123 +0100 · 2026/01/08 09:30:00 · 20260108T093000Z
///   08/Jan/2026:09:30:00 +0000 · Jan  8 09:30:00 · Jan 8 2026 09:30:00.5 · Thu Jan  8 09:30:00 2026
/// Also with `08 Jan 2026`, and with a zone of `Z`, `UTC`, `GMT`, `+01`, `+0100` or `+01:00` behind it.
std::size_t read_civil_time(std::string_view text, CivilTime& out);

/// The moment; one without an offset is in `zone`, one without a year is the one that is nearest to `now`
/// without being more than a day ahead of it. nullopt when it is no date.
std::optional<UnixNanos> moment_of(const CivilTime& time, const TimeZone& zone, UnixNanos now);

/// A number as a moment: seconds, milli-, micro- or nanoseconds since 1970, told apart by size (seconds until
/// the year 2603). nullopt when it is before 1973 or none of these.
std::optional<UnixNanos> moment_of_number(std::int64_t number);
std::optional<UnixNanos> moment_of_number(double number);

/// The whole of `text` as a moment, in any of the forms above.
std::optional<UnixNanos> parse_any_time(std::string_view text, const TimeZone& zone, UnixNanos now);

}  // namespace telltale
