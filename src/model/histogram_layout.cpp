#include "model/histogram_layout.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace telltale {

void CompensatedCount::add(double v) {
  const double t = sum + v;
  if (std::isinf(t)) {
    error = 0;
  } else {
    error += std::abs(sum) >= std::abs(v) ? (sum - t) + v : (v - t) + sum;
  }
  sum = t;
}

double CompensatedCount::value() const { return std::isinf(sum) ? sum : sum + error; }

BucketList list_of(const std::vector<BucketSpan>& spans, const std::vector<double>& counts, double factor) {
  BucketList out;
  out.reserve(counts.size());
  std::int32_t index = 0;
  for (const BucketSpan& s : spans) {
    index += s.offset;
    for (std::uint32_t i = 0; i < s.length; ++i, ++index)
      out.push_back({index, {counts[out.size()] * factor, 0}});
  }
  return out;
}

void store_buckets(const BucketList& list, std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  spans.clear();
  counts.clear();
  std::int32_t next = 0;
  for (const BucketEntry& e : list) {
    const double count = e.count.value();
    if (count == 0) continue;
    if (spans.empty() || e.index != next) {
      spans.push_back({e.index - next, 1});
    } else {
      ++spans.back().length;
    }
    counts.push_back(count);
    next = e.index + 1;
  }
}

void merge_buckets(BucketList& into, const BucketList& from) {
  BucketList out;
  out.reserve(into.size() + from.size());
  auto a = into.begin();
  auto b = from.begin();
  while (a != into.end() || b != from.end()) {
    if (b == from.end() || (a != into.end() && a->index < b->index)) {
      out.push_back(*a++);
    } else if (a == into.end() || b->index < a->index) {
      out.push_back(*b++);
    } else {
      out.push_back(*a++);
      out.back().count.add((b++)->count);
    }
  }
  into = std::move(out);
}

namespace {

/// Gives every entry a new index, which rises as the old one does, and joins those that became the same.
template <class NewIndex>
void reindex(BucketList& list, NewIndex new_index) {
  BucketList out;
  out.reserve(list.size());
  for (const BucketEntry& e : list) {
    const std::int32_t index = new_index(e.index);
    if (!out.empty() && out.back().index == index) {
      out.back().count.add(e.count);
    } else {
      out.push_back({index, e.count});
    }
  }
  list = std::move(out);
}

}  // namespace

void coarsen(BucketList& list, std::int32_t steps) {
  reindex(list, [steps](std::int32_t index) {
    return static_cast<std::int32_t>(((std::int64_t{index} - 1) >> steps) + 1);
  });
}

void rebound(BucketList& list, const std::vector<double>& from, const std::vector<double>& to) {
  reindex(list, [&](std::int32_t index) {
    const auto at = static_cast<std::size_t>(index);
    if (index < 0 || at >= from.size()) return index < 0 ? 0 : static_cast<std::int32_t>(to.size());
    return static_cast<std::int32_t>(std::lower_bound(to.begin(), to.end(), from[at]) - to.begin());
  });
}

std::vector<double> common_bounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

bool same_indices(const BucketList& list, const std::vector<BucketSpan>& spans) {
  std::size_t i = 0;
  std::int32_t index = 0;
  for (const BucketSpan& s : spans) {
    index += s.offset;
    if (s.length == 0) continue;
    if (i + s.length > list.size() || list[i].index != index ||
        list[i + s.length - 1].index != index + static_cast<std::int32_t>(s.length) - 1)
      return false;
    i += s.length;
    index += static_cast<std::int32_t>(s.length);
  }
  return i == list.size();
}

BucketSides::BucketSides(const Histogram& h, double factor)
    : schema(h.schema),
      zero_threshold(h.zero_threshold),
      zero_count{h.zero_count * factor, 0},
      positive(list_of(h.positive_spans, h.positive, factor)),
      negative(list_of(h.negative_spans, h.negative, factor)) {}

void BucketSides::widen_zero(double threshold) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const BucketList* side : {&positive, &negative}) {
      for (const BucketEntry& e : *side) {
        if (exponential_bound(e.index - 1, schema) >= threshold) break;
        const double upper = exponential_bound(e.index, schema);
        if (upper <= threshold || e.count.value() == 0) continue;
        threshold = upper;
        moved = true;
      }
    }
  }
  for (BucketList* side : {&positive, &negative}) {
    const auto outside = std::find_if(side->begin(), side->end(), [&](const BucketEntry& e) {
      return exponential_bound(e.index - 1, schema) >= threshold;
    });
    for (auto e = side->begin(); e != outside; ++e) zero_count.add(e->count);
    side->erase(side->begin(), outside);
  }
  zero_threshold = threshold;
}

void BucketSides::lower_schema(std::int32_t to) {
  if (to >= schema) return;
  coarsen(positive, schema - to);
  coarsen(negative, schema - to);
  schema = to;
}

}  // namespace telltale
