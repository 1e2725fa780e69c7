#include "server/scraped_items.hpp"

#include "base/limits.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"

namespace telltale::server {
namespace {

using wire::prometheus::MetricType;

// A family's kind is stored as remote write numbers it; the two lists are the same.
static_assert(static_cast<int>(MetricType::unknown) == 0 && static_cast<int>(MetricType::counter) == 1 &&
              static_cast<int>(MetricType::gauge) == 2 && static_cast<int>(MetricType::histogram) == 3 &&
              static_cast<int>(MetricType::gauge_histogram) == 4 &&
              static_cast<int>(MetricType::summary) == 5 && static_cast<int>(MetricType::info) == 6 &&
              static_cast<int>(MetricType::stateset) == 7);

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = 0;
  for (const Label& l : labels) bytes += l.name.size() + l.value.size();
  return bytes;
}

}  // namespace

storage::BatchItems scraped_items(metrics::ScrapedExemplars exemplars,
                                  const metrics::ScrapedMetadata& metadata) {
  storage::BatchItems items;
  for (auto& [series, exemplar] : exemplars) {
    if (items.exemplars.size() >= limits::kMaxWriteExemplars) break;
    if (!exemplar.time || bytes_of(exemplar.labels) > limits::kMaxExemplarBytes) continue;
    items.exemplars.push_back(
        {std::move(series), *exemplar.time, exemplar.value, std::move(exemplar.labels)});
  }
  for (const auto& m : metadata) {
    if (items.metadata.size() >= limits::kMaxWriteFamilies) break;
    if (m.family.empty() || m.family.size() > limits::kMaxAttributeNameBytes) continue;
    items.metadata.push_back({m.family, static_cast<std::uint8_t>(m.type),
                              std::string(truncate_utf8(m.help, limits::kMaxFamilyTextBytes)),
                              std::string(truncate_utf8(m.unit, limits::kMaxAttributeNameBytes))});
  }
  return items;
}

}  // namespace telltale::server
