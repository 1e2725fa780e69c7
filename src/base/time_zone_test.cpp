#include "base/time_zone.hpp"

#include <gtest/gtest.h>

namespace telltale {
namespace {

const UnixNanos kNow = *parse_rfc3339("2026-01-08T12:00:00Z");

std::string read(std::string_view text, std::string_view zone = "UTC") {
  const auto found = TimeZone::find(zone);
  if (!found) return found.error().message();
  const auto at = parse_any_time(text, *found, kNow);
  return at ? format_rfc3339(*at) : "none";
}

TEST(CivilTime, EveryWayToWriteATime) {
  const std::pair<const char*, const char*> cases[] = {
      {"2026-01-08T09:30:00Z", "2026-01-08T09:30:00Z"},
      {"2026-01-08T09:30:00.123456789Z", "2026-01-08T09:30:00.123456789Z"},
      {"2026-01-08T09:30:00+02:00", "2026-01-08T07:30:00Z"},
      {"2026-01-08 09:30:00,123", "2026-01-08T09:30:00.123Z"},
      {"2026-01-08 09:30:00.5 +0100", "2026-01-08T08:30:00.500Z"},
      {"2026/01/08 09:30:00", "2026-01-08T09:30:00Z"},
      {"20260108T093000Z", "2026-01-08T09:30:00Z"},
      {"08/Jan/2026:09:30:00 +0000", "2026-01-08T09:30:00Z"},
      {"08/Jan/2026 09:30:00", "2026-01-08T09:30:00Z"},
      {"08 Jan 2026 09:30:00 GMT", "2026-01-08T09:30:00Z"},
      {"Jan  8 09:30:00", "2026-01-08T09:30:00Z"},
      {"Jan 8 09:30:00.25", "2026-01-08T09:30:00.250Z"},
      {"Dec 31 23:59:59", "2025-12-31T23:59:59Z"},
      {"Jan  8 2024 09:30:00", "2024-01-08T09:30:00Z"},
      {"Thu Jan  8 09:30:00 2026", "2026-01-08T09:30:00Z"},
      {"Thu Jan 08 09:30:00.123456 2026", "2026-01-08T09:30:00.123456Z"},
      {"1767864600", "2026-01-08T09:30:00Z"},
      {"1767864600.25", "2026-01-08T09:30:00.250Z"},
      {"1767864600250", "2026-01-08T09:30:00.250Z"},
      {"1767864600250001", "2026-01-08T09:30:00.250001Z"},
      {"1767864600250000001", "2026-01-08T09:30:00.250000001Z"},
      {"12", "none"},
      {"2026-13-08T09:30:00Z", "none"},
      {"2026-02-30T09:30:00Z", "none"},
      {"Jam  8 09:30:00", "none"},
      {"2026-01-08T09:30:00Zebra", "none"},
      {"", "none"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(read(text), expected) << text;
}

TEST(CivilTime, ZonesOfTheSystem) {
  EXPECT_EQ(read("2026-01-08 09:30:00", "Europe/Berlin"), "2026-01-08T08:30:00Z");
  EXPECT_EQ(read("2026-07-08 09:30:00", "Europe/Berlin"), "2026-07-08T07:30:00Z");
  EXPECT_EQ(read("2026-07-08 09:30:00Z", "Europe/Berlin"), "2026-07-08T09:30:00Z");
  EXPECT_EQ(read("Jan  8 09:30:00", "-05:00"), "2026-01-08T14:30:00Z");
  // The hour that is there twice, and the one that is not there.
  EXPECT_EQ(read("2026-10-25 02:30:00", "Europe/Berlin"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(read("2026-03-29 02:30:00", "Europe/Berlin"), "2026-03-29T01:30:00Z");
  EXPECT_EQ(read("2026-01-08 09:30:00", "Mars/Base"),
            "\"Mars/Base\" is no time zone such as UTC, Europe/Berlin, local or +02:00");
}

TEST(CivilTime, AFewBytesOfTheFront) {
  CivilTime t;
  EXPECT_EQ(read_civil_time("2026-01-08 09:30:00,123 INFO started", t), 23u);
  EXPECT_EQ(read_civil_time("Jan  8 09:30:00 host app: x", t), 15u);
  EXPECT_EQ(read_civil_time("Jan  8 09:30:00 2026 reasons", t), 20u);
  EXPECT_EQ(read_civil_time("nothing of that kind here", t), 0u);
}

}  // namespace
}  // namespace telltale
