// Bucket i of schema s lies within bucket ceil(i / 2^n) of schema s − n: a bound of the coarser schema is one
// of the finer, too.
#include "metrics/histogram_resolution.hpp"

#include <cmath>
#include <map>
#include <string>

namespace telltale::metrics {
namespace {

/// ceil(index / 2^steps) also below zero.
std::int32_t coarser_index(std::int32_t index, std::int32_t steps) {
  return static_cast<std::int32_t>(((static_cast<std::int64_t>(index) - 1) >> steps) + 1);
}

void lower_side(std::vector<BucketSpan>& spans, std::vector<double>& counts, std::int32_t steps) {
  std::map<std::int32_t, double> sums;
  std::int32_t index = 0;
  std::size_t at = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length; ++i) sums[coarser_index(index++, steps)] += counts[at++];
  }
  spans.clear();
  counts.clear();
  std::int32_t next = 0;
  for (const auto& [bucket, count] : sums) {
    if (spans.empty() || bucket != next) spans.push_back({bucket - next, 0});
    ++spans.back().length;
    counts.push_back(count);
    next = bucket + 1;
  }
}

}  // namespace

std::int32_t schema_for_factor(double factor) {
  std::int32_t schema = kMaxSchema;
  while (schema > kMinSchema && std::exp2(std::exp2(-schema)) < factor) --schema;
  return schema;
}

void lower_schema(Histogram& h, std::int32_t schema) {
  if (h.is_custom() || h.schema <= schema) return;
  const std::int32_t steps = h.schema - schema;
  lower_side(h.positive_spans, h.positive, steps);
  lower_side(h.negative_spans, h.negative, steps);
  h.schema = schema;
}

Result<> limit_buckets(Histogram& h, std::size_t buckets) {
  const auto size = [&h] { return h.positive.size() + h.negative.size(); };
  while (size() > buckets && !h.is_custom() && h.schema > kMinSchema) lower_schema(h, h.schema - 1);
  if (size() <= buckets) return {};
  return fail(ErrorKind::resource_exhausted,
              "native_histogram_bucket_limit of " + std::to_string(buckets) + " exceeded");
}

}  // namespace telltale::metrics
