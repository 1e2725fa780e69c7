#include "tsdb/stand_in.hpp"

#include <algorithm>
#include <cmath>

namespace telltale::tsdb {

StandIns::Kind StandIns::kind_of(const storage::SelectHints& hints) {
  // Start times tell of resets that values do not show.
  if (!hints.windows || hints.start_times) return Kind::none;
  const std::string& f = hints.function;
  if (f == "max_over_time") return Kind::greatest;
  if (f == "min_over_time") return Kind::least;
  if (f == "sum_over_time" || f == "avg_over_time") return Kind::sum;
  if (f == "count_over_time" || f == "present_over_time" || f == "absent_over_time") return Kind::any;
  if (f == "rate" || f == "increase" || f == "resets") return Kind::ends;
  return Kind::none;
}

StandIns::StandIns(const storage::SelectHints& hints)
    : kind_(kind_of(hints)),
      windows_(hints.windows.value_or(storage::Windows{})),
      window_ms_(hints.window_ms) {}

bool StandIns::edge_within(std::int64_t edge, std::int64_t min_ms, std::int64_t max_ms) const {
  if (edge >= max_ms) return false;
  if (edge >= min_ms) return true;
  if (windows_.step_ms <= 0 || windows_.count < 2) return false;
  // The first edge from min_ms on.
  const auto step = static_cast<std::uint64_t>(windows_.step_ms);
  const std::uint64_t ahead = static_cast<std::uint64_t>(min_ms) - static_cast<std::uint64_t>(edge);
  const std::uint64_t steps = ahead / step + (ahead % step != 0 ? 1 : 0);
  if (steps >= windows_.count) return false;
  const std::uint64_t beyond = ahead % step == 0 ? 0 : step - ahead % step;
  return beyond < static_cast<std::uint64_t>(max_ms) - static_cast<std::uint64_t>(min_ms);
}

bool StandIns::cut(std::int64_t min_ms, std::int64_t max_ms) const {
  return edge_within(windows_.first_ms, min_ms, max_ms) ||
         edge_within(windows_.first_ms - window_ms_, min_ms, max_ms);
}

bool StandIns::may_stand_for(std::int64_t min_ms, std::int64_t max_ms, std::uint32_t samples,
                             const SampleRun& decoded) const {
  return samples >= kLeastSummarized && (decoded.empty() || decoded.times.back() < min_ms) &&
         (chunks_.empty() || chunks_.back().max_ms < min_ms) && !cut(min_ms, max_ms);
}

bool StandIns::add(std::int64_t min_ms, std::int64_t max_ms, std::uint32_t samples, const ChunkSummary& s) {
  if (!s.known) return false;
  Chunk chunk{min_ms, max_ms, samples, 0, 0, 0};
  switch (kind_) {
    case Kind::none:
      return false;
    case Kind::any:
    case Kind::least:
      chunk.value = s.least;
      break;
    case Kind::greatest:
      chunk.value = s.greatest;
      break;
    case Kind::sum:
      if (!s.has_sum) return false;
      chunk.value = s.sum;
      chunk.most = std::max(std::fabs(s.least), std::fabs(s.greatest));
      break;
    case Kind::ends:
      if (!s.rising) return false;
      chunk.value = s.least;
      chunk.last = s.greatest;
  }
  chunks_.push_back(chunk);
  return true;
}

bool StandIns::adds_up_exactly(const SampleRun& decoded) const {
  double bound = 0;
  for (const Chunk& c : chunks_) bound += c.most * c.samples;
  for (const double v : decoded.values) {
    if (std::trunc(v) != v) return false;  // NaN, too
    bound += std::fabs(v);
  }
  return bound < kExactBelow;
}

void StandIns::push(std::int64_t ms, double value, std::uint32_t weight) {
  times_.push_back(ms);
  values_.push_back(value);
  weights_.push_back(weight);
}

void StandIns::push(const Chunk& c) {
  if (kind_ != Kind::ends) return push(c.min_ms, c.value, c.samples);
  push(c.min_ms, c.value, 1);
  push(c.max_ms, c.last, c.samples - 1);
}

bool StandIns::merge(const SampleRun& decoded) {
  if (!decoded.histograms.empty()) return false;
  if (kind_ == Kind::sum && !adds_up_exactly(decoded)) return false;
  times_.clear();
  values_.clear();
  weights_.clear();
  const auto append = [&](std::size_t begin, std::size_t end) {
    const SampleSlice s = decoded.slice().part(begin, end - begin);
    times_.insert(times_.end(), s.times.begin(), s.times.end());
    values_.insert(values_.end(), s.values.begin(), s.values.end());
    weights_.resize(times_.size(), 1);
  };
  std::size_t at = 0;
  for (const Chunk& c : chunks_) {
    const auto from = decoded.times.begin() + static_cast<std::ptrdiff_t>(at);
    const auto next = std::lower_bound(from, decoded.times.end(), c.min_ms);
    if (next != decoded.times.end() && *next <= c.max_ms) return false;
    const auto end = static_cast<std::size_t>(next - decoded.times.begin());
    append(at, end);
    at = end;
    push(c);
  }
  append(at, decoded.size());
  return true;
}

std::size_t StandIns::bytes() const {
  return chunks_.capacity() * sizeof(Chunk) +
         times_.capacity() * (sizeof(std::int64_t) + sizeof(double) + sizeof(std::uint32_t));
}

}  // namespace telltale::tsdb
