#include "promql/conformance/classic_buckets.hpp"

#include <cmath>
#include <cstdlib>

#include "model/histogram.hpp"

namespace telltale::promql {

void ClassicBuckets::add(const Labels& labels, std::int64_t time_ms, double value) {
  std::string name(labels.get(kMetricName));
  for (const std::string_view end : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(end)) continue;
    const double upper =
        end == "_bucket" ? std::strtod(std::string(labels.get("le")).c_str(), nullptr) : std::nan("");
    if (end == "_bucket" && !labels.has("le")) return;
    name.resize(name.size() - end.size());
    Labels of = labels;
    of.set(kMetricName, name);
    of.erase("le");
    AtTime& at = found_[of][time_ms];
    if (end == "_bucket") at.buckets[upper] = value;
    if (end == "_sum") at.sum = value;
    if (end != "_count") return;
    at.count = value;
    at.counted = true;
    return;
  }
}

std::vector<std::pair<Labels, Sample>> ClassicBuckets::native() const {
  std::vector<std::pair<Labels, Sample>> out;
  for (const auto& [labels, times] : found_) {
    for (const auto& [time, at] : times) {
      if (at.buckets.empty()) continue;
      auto h = std::make_shared<Histogram>();
      h->schema = kCustomSchema;
      double below = 0;
      for (const auto& [upper, count] : at.buckets) {
        if (!std::isinf(upper)) h->custom_values.push_back(upper);
        h->positive.push_back(count - below);
        below = count;
      }
      if (!std::isinf(at.buckets.rbegin()->first)) h->positive.push_back(at.counted ? at.count - below : 0);
      h->positive_spans = {{0, static_cast<std::uint32_t>(h->positive.size())}};
      h->count = at.counted ? at.count : below;
      h->sum = at.sum;
      const double sum = h->sum;
      out.emplace_back(labels, Sample{UnixMillis{time}, sum, {}, std::move(h)});
    }
  }
  return out;
}

}  // namespace telltale::promql
