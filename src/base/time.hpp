// Points in time are strong types over Unix time, because the two units meet in every request: events keep
// nanoseconds (UnixNanos), samples keep milliseconds (UnixMillis). Durations are std::chrono.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace telltale {

using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

struct UnixMillis {
  std::int64_t ms = 0;
  constexpr auto operator<=>(const UnixMillis&) const = default;
};

struct UnixNanos {
  std::int64_t ns = 0;
  constexpr auto operator<=>(const UnixNanos&) const = default;
  /// Rounds towards negative infinity, so that order is kept before 1970 too.
  constexpr UnixMillis to_millis() const {
    return {ns >= 0 ? ns / 1'000'000 : -((-ns + 999'999) / 1'000'000)};
  }
  static constexpr UnixNanos from_millis(UnixMillis t) { return {t.ms * 1'000'000}; }
  static constexpr UnixNanos from_seconds(std::int64_t s) { return {s * 1'000'000'000}; }
};

constexpr UnixNanos operator+(UnixNanos t, Nanos d) { return {t.ns + d.count()}; }
constexpr UnixNanos operator-(UnixNanos t, Nanos d) { return {t.ns - d.count()}; }
constexpr Nanos operator-(UnixNanos a, UnixNanos b) { return Nanos(a.ns - b.ns); }
constexpr UnixMillis operator+(UnixMillis t, Millis d) { return {t.ms + d.count()}; }
constexpr UnixMillis operator-(UnixMillis t, Millis d) { return {t.ms - d.count()}; }
constexpr Millis operator-(UnixMillis a, UnixMillis b) { return Millis(a.ms - b.ms); }

/// Half-open range [from, to) of event time.
struct TimeRange {
  UnixNanos from{INT64_MIN};
  UnixNanos to{INT64_MAX};
  bool contains(UnixNanos t) const { return t >= from && t < to; }
  bool overlaps(UnixNanos min, UnixNanos max) const { return min < to && max >= from; }
};

/// RFC 3339 with up to nine fractional digits and `Z`, a numeric offset or no offset (taken as UTC).
Result<UnixNanos> parse_rfc3339(std::string_view text);
/// `2026-01-08T09:30:00.123456789Z`; fractional digits only as needed (0, 3, 6 or 9).
std::string format_rfc3339(UnixNanos t);

/// Prometheus' duration grammar: `1h30m`, `5m`, `250ms`, `1d`, `1w`, `1y` (units in falling order, each
/// once).
Result<Nanos> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back, down to nanoseconds: `1h30m`, `250ms`, `0s`.
std::string format_duration(Nanos d);

}  // namespace telltale
