// Native histograms with fewer, wider buckets: native_histogram_bucket_limit and
// native_histogram_min_bucket_factor of a scrape job.
#pragma once

#include <cstddef>

#include "base/result.hpp"
#include "model/histogram.hpp"

namespace telltale::metrics {

/// The largest schema whose buckets grow by at least `factor` (above 1), within -4…8.
std::int32_t schema_for_factor(double factor);

/// Lowers the schema to `schema`, adding up buckets that fall together; nothing if it is that low already or
/// has custom buckets.
void lower_schema(Histogram& histogram, std::int32_t schema);

/// Lowers the schema until there are at most `buckets` of them. resource_exhausted when the lowest still has
/// more.
Result<> limit_buckets(Histogram& histogram, std::size_t buckets);

}  // namespace telltale::metrics
