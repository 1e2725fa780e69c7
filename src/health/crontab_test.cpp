// Cases are data (tests/corpus/crontab); and a search by the minute through random lines is the oracle.
#include "health/crontab.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace telltale::health {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

struct CronCase {
  std::string name;
  std::string line;
  std::string zone = "UTC";
  std::int64_t after = 0;
};

TEST(Crontab, Corpus) {
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/tests/corpus/crontab/cases.txt");
  ASSERT_TRUE(in);
  CronCase now;
  int checked = 0;
  const auto rest_of = [](const std::string& text, std::size_t word) {
    return text.size() > word ? text.substr(word + 1) : std::string();
  };
  for (std::string text; std::getline(in, text);) {
    if (text.starts_with("#")) now = {text, "", "UTC", 0};
    if (text.starts_with("crontab")) now.line = rest_of(text, 7);
    if (text.starts_with("zone")) now.zone = rest_of(text, 4);
    if (text.starts_with("after")) now.after = parse_rfc3339(rest_of(text, 5))->ns / kSecondNs;
    if (text.starts_with("error")) {
      const auto parsed = Crontab::parse(now.line);
      ASSERT_FALSE(parsed) << now.name;
      EXPECT_NE(parsed.error().message().find(rest_of(text, 5)), std::string::npos)
          << now.name << ": " << parsed.error().message();
      ++checked;
    }
    if (text.starts_with("next")) {
      const auto parsed = Crontab::parse(now.line);
      ASSERT_TRUE(parsed) << now.name << ": " << parsed.error().message();
      const auto next = parsed->next(now.after, *TimeZone::find(now.zone));
      ASSERT_TRUE(next) << now.name;
      EXPECT_EQ(format_rfc3339(UnixNanos::from_seconds(*next)), rest_of(text, 4)) << now.name;
      now.after = *next;
      ++checked;
    }
  }
  EXPECT_GT(checked, 60);
}

/// A field of a random line, as what it means.
struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool star = true;
  std::string text = "*";
  bool has(std::uint64_t v) const { return star || (v >= from && v <= to); }
};

Range random_range(Rng& rng, std::uint64_t least, std::uint64_t most) {
  Range out{least, most};
  if (rng.chance(0.4)) return out;
  out.star = false;
  out.from = least + rng.below(most - least + 1);
  out.to = rng.chance(0.5) ? out.from : out.from + rng.below(most - out.from + 1);
  out.text = std::to_string(out.from) + "-" + std::to_string(out.to);
  return out;
}

/// Minute by minute, at most so many of them.
std::optional<std::int64_t> slow_next(const std::array<Range, 5>& f, std::int64_t after, int minutes) {
  for (std::int64_t t = after - after % 60 + 60; minutes-- > 0; t += 60) {
    const std::chrono::sys_seconds moment{std::chrono::seconds(t)};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const auto of_day = static_cast<std::uint64_t>((moment - day).count());
    const bool by_date = f[2].has(static_cast<unsigned>(date.day()));
    const bool by_weekday = f[4].has(std::chrono::weekday(day).c_encoding());
    const bool days = f[2].star || f[4].star ? by_date && by_weekday : by_date || by_weekday;
    if (f[0].has(of_day / 60 % 60) && f[1].has(of_day / 3600) && days &&
        f[3].has(static_cast<unsigned>(date.month())))
      return t;
  }
  return std::nullopt;
}

TEST(Crontab, TheFastSearchFindsWhatTheSlowOneFinds) {
  const std::uint64_t seed = 26;
  Rng rng(seed);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    const std::array<Range, 5> fields = {random_range(rng, 0, 59), random_range(rng, 0, 23),
                                         random_range(rng, 1, 28), random_range(rng, 1, 12),
                                         random_range(rng, 0, 6)};
    std::string line;
    for (const auto& field : fields) line += field.text + " ";
    const auto cron = Crontab::parse(line);
    ASSERT_TRUE(cron) << line;
    const std::int64_t after = 1'767'862'800 + static_cast<std::int64_t>(rng.below(86'400 * 300));
    const auto fast = cron->next(after, TimeZone());
    ASSERT_TRUE(fast) << line;
    const auto slow = slow_next(fields, after, 60 * 24 * 60);
    if (!slow) {
      EXPECT_GT(*fast, after + 86'400 * 60 - 60) << line << " seed " << seed;
      continue;
    }
    ++found;
    EXPECT_EQ(*fast, *slow) << line << " after " << after << " seed " << seed;
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace telltale::health
