// What scrapes bring beside numbers, as the items of a batch.
#pragma once

#include "metrics/scrape_manager.hpp"
#include "storage/batch_items.hpp"

namespace telltale::server {

/// Exemplars within limits::kMaxExemplarBytes, and descriptions of families, help cut at
/// limits::kMaxFamilyTextBytes.
storage::BatchItems scraped_items(metrics::ScrapedExemplars exemplars,
                                  const metrics::ScrapedMetadata& metadata);

}  // namespace telltale::server
