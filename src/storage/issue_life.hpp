// What becomes of an issue beside its counters: how urgent it is, when an archived one comes back, what
// people did and said, whom it interests. Numbers of the enums are stored: never renumber.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace telltale::storage {

using IssueId = Strong<struct IssueTag, std::int64_t>;

enum class IssuePriority : std::uint8_t { low = 1, medium = 2, high = 3 };
std::string_view to_string(IssuePriority priority);
std::optional<IssuePriority> issue_priority_from(std::string_view name);

/// Until when an ignored issue stays away.
enum class ArchiveUntil : std::uint8_t { forever = 0, escalating = 1, time = 2, events = 3, users = 4 };

struct IssueArchive {
  ArchiveUntil until = ArchiveUntil::forever;
  UnixNanos time;                  // time: when it comes back
  std::uint64_t count = 0;         // events, users: so many more
  std::uint32_t window_hours = 0;  // within so many hours; 0: since it was archived
  /// What there was when it was archived: events (with a window, of that hour), or users.
  std::uint64_t base = 0;
  bool operator==(const IssueArchive&) const = default;
};

enum class IssueAction : std::uint8_t {
  comment = 1,
  resolved = 2,     // detail: in which release
  reopened = 3,     // by hand
  archived = 4,     // detail: until when, in words
  assigned = 5,     // detail: to whom; empty: to nobody
  priority = 6,     // detail: its name
  merged = 7,       // detail: short id of what was merged into the issue
  unmerged = 8,     // detail: short id of what was taken out
  regressed = 9,    // detail: the release
  escalating = 10,  // detail: events of the hour and the limit
  unarchived = 11,  // detail: why
  ongoing = 12,     // of itself, after a while
};
std::string_view to_string(IssueAction action);

struct IssueActivity {
  std::int64_t id = 0;  // 0 when adding; never given twice
  IssueId issue;
  UnixNanos time;
  IssueAction action = IssueAction::comment;
  std::int64_t user = 0;  // who, when it was a person; 0: a token, or Telltale itself
  std::string who;        // name at that time; empty: Telltale itself
  std::string detail;
  std::string text;  // of a comment
  std::optional<UnixNanos> edited;
};

/// What an issue is to one person.
struct IssueMark {
  IssueId issue;
  bool bookmarked = false;
  std::optional<UnixNanos> seen;
};

/// Activity of issues that are merged shows with the issue they are merged into.
class IssueActivityRepository {
 public:
  virtual ~IssueActivityRepository() = default;
  virtual Result<std::int64_t> add(const IssueActivity& activity) = 0;
  virtual Result<IssueActivity> get(std::int64_t id) = 0;
  /// Text and edited.
  virtual Result<> update(const IssueActivity& activity) = 0;
  virtual Result<> remove(std::int64_t id) = 0;
  /// Newest first; those with an id below `before` where it is not 0.
  virtual Result<std::vector<IssueActivity>> list(IssueId issue, std::int64_t before, std::size_t limit) = 0;
  virtual Result<std::uint64_t> count_comments(IssueId issue) = 0;

  /// Creates or replaces; one that says nothing is not kept. Not bookmarked: nor are the issue's parts.
  virtual Result<> put_mark(std::int64_t user, const IssueMark& mark) = 0;
  /// Bookmarked when any part is, seen when the issue itself was. Nothing said: not bookmarked, never seen.
  virtual Result<IssueMark> mark(std::int64_t user, IssueId issue) = 0;
};

}  // namespace telltale::storage
