#include "storage/cardinality.hpp"

#include <algorithm>
#include <tuple>

namespace telltale::storage {
namespace {

constexpr std::size_t kNodeBytes = 96;  // of a counted value, about

void keep_largest(std::vector<Cardinality::Count>& counts, std::size_t limit) {
  const auto larger = [](const Cardinality::Count& a, const Cardinality::Count& b) {
    if (a.count != b.count) return a.count > b.count;
    return std::tie(a.name, a.value) < std::tie(b.name, b.value);
  };
  if (limit > 0 && counts.size() > limit) {
    std::nth_element(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(limit), counts.end(),
                     larger);
    counts.resize(limit);
  }
  std::sort(counts.begin(), counts.end(), larger);
}

}  // namespace

Result<> CardinalityCounter::label(std::string_view name, std::string_view value) {
  auto at = names_.find(name);
  if (at == names_.end()) at = names_.emplace(name, Name{}).first;
  ++at->second.series;
  at->second.bytes += value.size();
  scratch_.assign(value);
  const auto found = at->second.values.find(scratch_);
  if (found != at->second.values.end()) {
    ++found->second;
    return {};
  }
  const std::size_t bytes = value.size() + kNodeBytes;
  TT_TRY(context_.charge(bytes));
  charged_ += bytes;
  at->second.values.emplace(scratch_, 1);
  return {};
}

Cardinality CardinalityCounter::take(std::size_t limit) {
  Cardinality out;
  out.series = series_;
  for (const auto& [name, counted] : names_) {
    out.label_pairs += counted.values.size();
    out.series_by_label.push_back({name, {}, counted.series});
    out.values_by_label.push_back({name, {}, counted.values.size()});
    out.bytes_by_label.push_back({name, {}, counted.bytes});
    std::vector<Cardinality::Count> pairs;
    for (const auto& [value, series] : counted.values) pairs.push_back({name, value, series});
    keep_largest(pairs, limit);
    if (name == kMetricName)
      for (const auto& p : pairs) out.series_by_metric.push_back({p.value, {}, p.count});
    out.series_by_pair.insert(out.series_by_pair.end(), pairs.begin(), pairs.end());
  }
  keep_largest(out.series_by_metric, limit);
  keep_largest(out.series_by_pair, limit);
  keep_largest(out.series_by_label, limit);
  keep_largest(out.values_by_label, limit);
  keep_largest(out.bytes_by_label, limit);
  return out;
}

}  // namespace telltale::storage
