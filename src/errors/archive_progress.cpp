#include "errors/archive_progress.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "errors/issue_states.hpp"

namespace telltale::errors {

using storage::ArchiveUntil;
using storage::Issue;
using storage::IssueArchive;
using storage::IssueId;
using storage::IssueStatus;

namespace {

constexpr std::int64_t kArchiveHourNs = 3'600'000'000'000;
constexpr UnixNanos kOfAllTime{0};
// Events are counted a while after they were received: their window began a little earlier.
constexpr std::chrono::hours kCountedLater{1};

std::string moved_key(IssueId issue) { return fmt::format("archive-moved/{}", issue.value); }

/// `hour count hour count …`, hours since 1970.
std::string write_moved(const ArchiveCounts& moved) {
  std::string out;
  for (const auto& [hour, count] : moved)
    fmt::format_to(std::back_inserter(out), "{} {} ", hour.ns / kArchiveHourNs, count);
  return out;
}

Result<ArchiveCounts> read_moved(storage::RecordStore& records, IssueId issue) {
  ArchiveCounts out;
  TT_ASSIGN(const auto kept, records.settings().get(moved_key(issue)));
  if (!kept) return out;
  const char* at = kept->data();
  const char* const end = at + kept->size();
  while (at != end) {
    std::int64_t numbers[2] = {0, 0};
    for (std::int64_t& number : numbers) {
      const auto [next, problem] = std::from_chars(at, end, number);
      if (problem != std::errc() || next == end || *next != ' ')
        return fail(ErrorKind::corruption, fmt::format("setting {}: not hours and counts", moved_key(issue)));
      at = next + 1;
    }
    out[{numbers[0] * kArchiveHourNs}] = numbers[1];
  }
  return out;
}

bool has_window(const IssueArchive& archive) {
  return archive.until == ArchiveUntil::events && archive.window_hours != 0;
}

/// The first hour that counts `now`.
UnixNanos first_hour(const Issue& issue, UnixNanos now) {
  if (!has_window(issue.archive)) return issue_hour(issue.status_changed);
  return issue_hour(std::max(now - std::chrono::hours(issue.archive.window_hours), issue.status_changed));
}

/// Of the hours of the range where the archive looks at hours.
Result<ArchiveCounts> counts_in(storage::IssueRepository& issues, const Issue& issue,
                                const IssueArchive& archive, TimeRange range) {
  ArchiveCounts out;
  const bool users = archive.until == ArchiveUntil::users;
  if (archive.until == ArchiveUntil::escalating || has_window(archive)) {
    TT_ASSIGN(const auto hours, issues.hour_counts(issue.id, range));
    for (const auto& hour : hours) out[hour.hour] = static_cast<std::int64_t>(hour.count);
  } else if ((users || archive.until == ArchiveUntil::events) && archive.window_hours == 0) {
    out[kOfAllTime] = static_cast<std::int64_t>(users ? issue.user_count : issue.event_count);
  }
  return out;
}

Result<ArchiveCounts> counts_now(storage::IssueRepository& issues, const Issue& issue, UnixNanos now) {
  const UnixNanos first = first_hour(issue, now);
  const UnixNanos end = has_window(issue.archive) ? UnixNanos{INT64_MAX} : first + Nanos(1);
  return counts_in(issues, issue, issue.archive, {first, end});
}

}  // namespace

Result<std::uint64_t> archive_base(storage::IssueRepository& issues, const Issue& issue,
                                   const IssueArchive& archive, UnixNanos now) {
  const UnixNanos hour = issue_hour(now);
  TT_ASSIGN(const auto counts, counts_in(issues, issue, archive, {hour, hour + Nanos(1)}));
  return counts.empty() ? 0 : static_cast<std::uint64_t>(counts.begin()->second);
}

Result<std::uint64_t> archive_progress(storage::RecordStore& records, const Issue& issue, UnixNanos now) {
  const IssueArchive& archive = issue.archive;
  if (issue.status != IssueStatus::ignored || archive.until == ArchiveUntil::forever ||
      archive.until == ArchiveUntil::time)
    return 0;
  if (archive.until == ArchiveUntil::users && archive.window_hours != 0) {
    const UnixNanos since = std::max(now - std::chrono::hours(archive.window_hours), issue.status_changed);
    return records.issues().archive_users(issue.id, since);
  }
  TT_ASSIGN(const auto counts, counts_now(records.issues(), issue, now));
  TT_ASSIGN(const auto moved, read_moved(records, issue.id));
  const UnixNanos first = first_hour(issue, now);
  std::int64_t progress = 0;
  for (const auto& [hour, count] : counts) progress += count;
  for (const auto& [hour, count] : moved)
    if (hour == kOfAllTime || hour >= first) progress -= count;
  if (first == issue_hour(issue.status_changed)) progress -= static_cast<std::int64_t>(archive.base);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(progress, 0));
}

Result<ArchiveCounts> archive_counts(storage::RecordStore& records, const Issue& issue, UnixNanos now) {
  if (issue.status != IssueStatus::ignored) return ArchiveCounts();
  return counts_now(records.issues(), issue, now - kCountedLater);
}

Result<> keep_archive_progress(storage::RecordStore& records, const ArchiveCounts& before, const Issue& issue,
                               UnixNanos now) {
  if (issue.status != IssueStatus::ignored) return {};
  const UnixNanos from = now - kCountedLater;
  TT_ASSIGN(const auto after, counts_now(records.issues(), issue, from));
  TT_ASSIGN(ArchiveCounts moved, read_moved(records, issue.id));
  for (const auto& [hour, count] : after) moved[hour] += count;
  for (const auto& [hour, count] : before) moved[hour] -= count;
  const UnixNanos first = first_hour(issue, from);
  std::erase_if(moved, [&](const auto& entry) {
    return entry.second == 0 || (entry.first != kOfAllTime && entry.first < first);
  });
  const std::string key = moved_key(issue.id);
  return moved.empty() ? records.settings().remove(key) : records.settings().put(key, write_moved(moved));
}

Result<> end_archive(storage::RecordStore& records, IssueId issue) {
  TT_TRY(records.issues().clear_archive_users(issue));
  return records.settings().remove(moved_key(issue));
}

}  // namespace telltale::errors
