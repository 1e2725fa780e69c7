#include "tsdb/head.hpp"

#include <algorithm>

namespace telltale::tsdb {
namespace {

// Late samples are merged once they are this many plus an eighth of the series: amortised linear.
constexpr std::size_t kLateFloor = 64;

SampleRun sorted_late(std::vector<Sample> late) {
  std::stable_sort(late.begin(), late.end(),
                   [](const Sample& a, const Sample& b) { return a.time < b.time; });
  SampleRun out;
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (i + 1 < late.size() && late[i + 1].time == late[i].time) continue;
    out.push(late[i].time.ms, late[i].value);
  }
  return out;
}

}  // namespace

void HeadSeries::add(Sample sample) {
  if (run_.empty() || sample.time.ms > run_.times.back()) {
    run_.push(sample.time.ms, sample.value);
  } else if (sample.time.ms == run_.times.back()) {
    run_.values.back() = sample.value;
  } else {
    late_.push_back(sample);
    if (late_.size() > kLateFloor + run_.size() / 8) settle();
  }
}

void HeadSeries::settle() {
  if (late_.empty()) return;
  const SampleRun late = sorted_late(std::move(late_));
  late_.clear();
  merge_newer(run_, late.times, late.values);
}

void HeadSeries::read(const storage::MillisRange& range, SampleRun& out) const {
  const auto add = [&](const SampleRun& run) {
    const auto [first, last] = clip(run.times, range);
    merge_newer(out, std::span(run.times).subspan(first, last - first),
                std::span(run.values).subspan(first, last - first));
  };
  add(run_);
  if (!late_.empty()) add(sorted_late(late_));
}

bool HeadSeries::has_samples(const storage::MillisRange& range) const {
  const auto [first, last] = clip(run_.times, range);
  return first != last || std::any_of(late_.begin(), late_.end(), [&range](const Sample& s) {
           return s.time >= range.min && s.time <= range.max;
         });
}

}  // namespace telltale::tsdb
