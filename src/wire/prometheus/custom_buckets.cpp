#include "wire/prometheus/custom_buckets.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "model/histogram.hpp"
#include "wire/prometheus/text_line.hpp"

namespace telltale::wire::prometheus {
namespace {

/// The series of one classic histogram.
struct ClassicHistogram {
  std::vector<std::pair<double, double>> buckets;  // bound, cumulative count
  std::optional<double> count, sum;
  std::vector<std::size_t> samples;  // places in the scrape
  bool broken = false;
};

struct SeriesPart {
  std::string_view family;
  std::string_view suffix;
};

std::optional<SeriesPart> part_of(std::string_view name, const std::set<std::string_view>& families) {
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view family = name.substr(0, name.size() - suffix.size());
    if (families.count(family) > 0) return SeriesPart{family, suffix};
  }
  return std::nullopt;
}

void add_part(ClassicHistogram& into, std::string_view suffix, const ScrapedSample& sample,
              std::size_t place) {
  into.samples.push_back(place);
  if (suffix == "_count") {
    into.count = sample.value;
  } else if (suffix == "_sum") {
    into.sum = sample.value;
  } else if (const auto bound = parse_number(sample.labels.get("le"))) {
    into.buckets.emplace_back(*bound, sample.value);
  } else {
    into.broken = true;
  }
}

bool is_whole(double v) { return v >= 0 && v < 9e15 && v == std::floor(v); }

/// nullopt when the parts contradict each other.
std::optional<Histogram> custom_histogram(ClassicHistogram& classic) {
  auto& buckets = classic.buckets;
  if (classic.broken || buckets.empty()) return std::nullopt;
  std::sort(buckets.begin(), buckets.end());
  const bool infinite = std::isinf(buckets.back().first);
  if (!infinite && !classic.count) return std::nullopt;
  Histogram h;
  h.schema = kCustomSchema;
  h.count = classic.count ? *classic.count : buckets.back().second;
  h.sum = classic.sum.value_or(0);
  h.integer = is_whole(h.count);
  double before = 0;
  double last_bound = -INFINITY;
  for (const auto& [bound, cumulative] : buckets) {
    if (!(bound > last_bound) || !(cumulative >= before)) return std::nullopt;
    h.integer = h.integer && is_whole(cumulative);
    h.positive.push_back(cumulative - before);
    if (!std::isinf(bound)) h.custom_values.push_back(bound);
    before = cumulative;
    last_bound = bound;
  }
  if (!(h.count >= before)) return std::nullopt;
  if (!infinite) h.positive.push_back(h.count - before);
  h.positive_spans.push_back({0, static_cast<std::uint32_t>(h.positive.size())});
  if (!h.validate()) return std::nullopt;
  return h;
}

}  // namespace

void convert_classic_histograms(Scrape& scrape, bool keep_classic) {
  std::set<std::string_view> families;
  for (const MetricMetadata& m : scrape.metadata)
    if (m.type == MetricType::histogram) families.insert(m.family);
  if (families.empty()) return;
  std::map<Labels, ClassicHistogram> found;
  for (std::size_t i = 0; i < scrape.samples.size(); ++i) {
    const ScrapedSample& sample = scrape.samples[i];
    if (sample.histogram) continue;
    const auto part = part_of(sample.labels.get(kMetricName), families);
    if (!part) continue;
    Labels key = sample.labels;
    key.set(kMetricName, std::string(part->family));
    key.erase("le");
    add_part(found[std::move(key)], part->suffix, sample, i);
  }
  std::vector<bool> gone(scrape.samples.size(), false);
  std::vector<ScrapedSample> made;
  for (auto& [labels, classic] : found) {
    auto histogram = custom_histogram(classic);
    if (!histogram) continue;
    ScrapedSample& sample = made.emplace_back();
    sample.labels = labels;
    sample.time = scrape.samples[classic.samples.front()].time;
    sample.start = scrape.samples[classic.samples.front()].start;
    for (const std::size_t place : classic.samples) {
      gone[place] = !keep_classic;
      for (const auto& e : scrape.samples[place].exemplars) sample.exemplars.push_back(e);
    }
    sample.value = histogram->sum;
    sample.histogram = std::make_shared<const Histogram>(*std::move(histogram));
  }
  std::vector<ScrapedSample> kept;
  kept.reserve(scrape.samples.size() + made.size());
  for (std::size_t i = 0; i < scrape.samples.size(); ++i)
    if (!gone[i]) kept.push_back(std::move(scrape.samples[i]));
  for (ScrapedSample& sample : made) kept.push_back(std::move(sample));
  scrape.samples = std::move(kept);
}

}  // namespace telltale::wire::prometheus
