#include "metadb/issue_trends.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/issue_limits.hpp"

namespace telltale::metadb {

namespace {

constexpr std::int64_t kTrendHours = 48;
constexpr std::int64_t kRecentHours = 24;
constexpr std::int64_t kFarthestHour = (std::int64_t{1} << 23) - 1;  // past the end of our time stamps
constexpr std::int64_t kMostOfHour = (std::int64_t{1} << 40) - 1;

}  // namespace

bool IssueTrends::move_to(std::int64_t hour) {
  if (hour == hour_) return true;
  if (hour < hour_) return false;
  hour_ = hour;
  ranks_.clear();
  places_.clear();
  if (gave_up_) *this = IssueTrends();
  hour_ = hour;
  for (auto it = parts_.begin(); it != parts_.end();) {
    auto& hours = it->second;
    const auto old = [&](const Hour& h) { return h.hour <= hour_ - kTrendHours; };
    held_ -= std::erase_if(hours, old);
    if (hours.empty()) {
      it = parts_.erase(it);
      continue;
    }
    if (const std::int64_t rank = rank_of(hours); rank != 0) change_rank(issue_of(it->first), rank);
    ++it;
  }
  return true;
}

void IssueTrends::begin(const std::vector<std::pair<std::int64_t, std::int64_t>>& merged) {
  begun_ = true;
  merged_.insert(merged.begin(), merged.end());
}

void IssueTrends::take_over(std::int64_t part, std::int64_t hour, std::uint64_t n) {
  if (n > static_cast<std::uint64_t>(kMostOfHour)) return give_up();
  count(part, hour, static_cast<std::int64_t>(n));
}

void IssueTrends::stretch_ends(std::int64_t part, bool was_last) {
  if (gave_up_) return;
  reached_ = was_last ? INT64_MAX : part;
  complete_ = was_last;
}

void IssueTrends::add(std::int64_t part, std::int64_t hour, std::int64_t n) {
  if (begun_ && !gave_up_ && part <= reached_) count(part, hour, n);
}

void IssueTrends::count(std::int64_t part, std::int64_t hour, std::int64_t n) {
  if (gave_up_ || hour <= hour_ - kTrendHours) return;
  if (hour > kFarthestHour || n > kMostOfHour) return give_up();
  auto& hours = parts_[part];
  auto at = hours.end();
  while (at != hours.begin() && std::prev(at)->hour >= hour) --at;
  if (at == hours.end() || at->hour != hour) {
    if (++held_ > limits::kMaxTrendHours) return give_up();
    at = hours.insert(at, Hour());
    at->hour = hour;
  }
  const std::int64_t sum = static_cast<std::int64_t>(at->count) + n;
  if (sum < 0 || sum > kMostOfHour) return give_up();
  at->count = static_cast<std::uint64_t>(sum);
  if (const int w = weight(hour); w != 0) change_rank(issue_of(part), w * n);
}

void IssueTrends::give_up() {
  const std::int64_t hour = hour_;
  *this = IssueTrends();
  hour_ = hour;
  gave_up_ = true;
}

void IssueTrends::lead(std::int64_t part, std::int64_t issue) {
  if (!begun_) return;
  const std::int64_t from = issue_of(part);
  if (issue == 0) {
    merged_.erase(part);
  } else {
    merged_[part] = issue;
  }
  if (const auto it = parts_.find(part); it != parts_.end()) {
    const std::int64_t rank = rank_of(it->second);
    change_rank(from, -rank);
    change_rank(issue_of(part), rank);
  }
}

std::int64_t IssueTrends::issue_of(std::int64_t part) const {
  const auto it = merged_.find(part);
  return it == merged_.end() ? part : it->second;
}

int IssueTrends::weight(std::int64_t hour) const {
  if (hour > hour_ || hour <= hour_ - kTrendHours) return 0;
  return hour > hour_ - kRecentHours ? 1 : -1;
}

std::int64_t IssueTrends::rank_of(const std::vector<Hour>& hours) const {
  std::int64_t rank = 0;
  for (const Hour& h : hours) rank += weight(h.hour) * static_cast<std::int64_t>(h.count);
  return rank;
}

void IssueTrends::change_rank(std::int64_t issue, std::int64_t by) {
  const auto [it, fresh] = places_.try_emplace(issue, ranks_.size());
  if (fresh) ranks_.push_back({issue, 0});
  ranks_[it->second].rank += by;
}

std::int64_t IssueTrends::rank(std::int64_t issue) const {
  const auto it = places_.find(issue);
  return it == places_.end() ? 0 : ranks_[it->second].rank;
}

std::vector<IssueTrends::Ranked> IssueTrends::risen(std::size_t limit) const {
  std::vector<Ranked> out;
  for (const Ranked& r : ranks_)
    if (r.rank > 0) out.push_back(r);
  const auto end = out.begin() + static_cast<std::ptrdiff_t>(std::min(limit, out.size()));
  std::partial_sort(out.begin(), end, out.end(), [](const Ranked& a, const Ranked& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.issue > b.issue;
  });
  out.erase(end, out.end());
  return out;
}

std::vector<std::pair<std::int64_t, std::uint64_t>> IssueTrends::busy(std::int64_t hour,
                                                                      std::uint64_t least) const {
  std::unordered_set<std::int64_t> of_several;
  for (const auto& [part, issue] : merged_) of_several.insert(issue);
  std::unordered_map<std::int64_t, std::uint64_t> sums;
  for (const auto& [part, hours] : parts_) {
    const auto at = std::lower_bound(hours.begin(), hours.end(), hour,
                                     [](const Hour& h, std::int64_t wanted) { return h.hour < wanted; });
    if (at == hours.end() || at->hour != hour) continue;
    const std::int64_t issue = issue_of(part);
    if (at->count > least || of_several.contains(issue)) sums[issue] += at->count;
  }
  std::vector<std::pair<std::int64_t, std::uint64_t>> out;
  for (const auto& sum : sums)
    if (sum.second > least) out.emplace_back(sum);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return out;
}

}  // namespace telltale::metadb
