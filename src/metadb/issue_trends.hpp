// What issues counted in each of the last 48 hours, in memory: a list sorted by how they rise would otherwise
// add up the hours of every issue, and the look for escalating ones read all that came in the hour.
//
// The records stay the truth. Parts of issues are taken over from them by rising id, a stretch at a time,
// while events are counted: what is counted in a part that was taken over is counted here, too; in one that
// was not, it comes with its stretch. Whoever changes the records tells this in the same transaction, and
// takes it back when that is undone. A part counts for the issue that it was merged into.
//
// The rank of an issue in an hour: its events of that hour and the 23 before, less those of the 24 before
// these.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace telltale::metadb {

/// Not thread-safe: the connection's lock is held. Hours are numbers since 1970, may be negative.
class IssueTrends {
 public:
  struct Ranked {
    std::int64_t issue = 0;
    std::int64_t rank = 0;
  };

  /// The window ends with `hour` from now on, what is older goes. False when it has ended later before.
  bool move_to(std::int64_t hour);
  /// Everything is held, and the window is that of `hour`.
  bool answers(std::int64_t hour) const { return complete_ && hour == hour_; }

  // Taking over.
  bool complete() const { return complete_; }
  bool begun() const { return begun_; }
  /// With what was merged into what (part, issue); nothing is held yet.
  void begin(const std::vector<std::pair<std::int64_t, std::int64_t>>& merged);
  /// Parts up to this id are held.
  std::int64_t reached() const { return reached_; }
  /// One of a stretch that starts after reached().
  void take_over(std::int64_t part, std::int64_t hour, std::uint64_t count);
  /// The stretch ended with this part; it was the last one when nothing follows.
  void stretch_ends(std::int64_t part, bool was_last);
  /// More counts than limits::kMaxTrendHours came up in this window: nothing is held until it moves.
  bool gave_up() const { return gave_up_; }

  // What happens to the records.
  void add(std::int64_t part, std::int64_t hour, std::int64_t count);
  /// The part is merged into the issue from now on; 0: it is one itself.
  void lead(std::int64_t part, std::int64_t issue);

  // Once everything is held.
  bool holds(std::int64_t hour) const { return hour > hour_ - 48; }
  std::int64_t rank(std::int64_t issue) const;
  /// Those with a rank above 0, the highest first, then by id falling; at most `limit`.
  std::vector<Ranked> risen(std::size_t limit) const;
  /// Issues with more than `least` events in an hour of the window, the most first, then by id.
  std::vector<std::pair<std::int64_t, std::uint64_t>> busy(std::int64_t hour, std::uint64_t least) const;

 private:
  struct Hour {
    std::int64_t hour : 24 = 0;
    std::uint64_t count : 40 = 0;
  };
  static_assert(sizeof(Hour) == 8);

  void count(std::int64_t part, std::int64_t hour, std::int64_t n);
  void give_up();
  std::int64_t issue_of(std::int64_t part) const;
  /// Of a part alone.
  std::int64_t rank_of(const std::vector<Hour>& hours) const;
  /// 1, -1 or 0: how the hour counts.
  int weight(std::int64_t hour) const;
  void change_rank(std::int64_t issue, std::int64_t by);

  std::unordered_map<std::int64_t, std::vector<Hour>> parts_;  // hours rising
  std::unordered_map<std::int64_t, std::int64_t> merged_;      // part to issue
  std::unordered_map<std::int64_t, std::size_t> places_;       // issue to its place in ranks_
  std::vector<Ranked> ranks_;                                  // of the window, in no order
  std::size_t held_ = 0;                                       // hours
  std::int64_t hour_ = INT64_MIN;
  std::int64_t reached_ = INT64_MIN;
  bool begun_ = false;
  bool complete_ = false;
  bool gave_up_ = false;
};

}  // namespace telltale::metadb
