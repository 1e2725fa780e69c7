// The values of a chunk: up to kMaxColumnValues samples of one series, all floats or all histograms (of many
// buckets fewer) of one layout (schema, thresholds, bounds and spans), so that each of a histogram's numbers
// is a column. The times stand elsewhere: series of one scrape share them. Layout: docs/formats/tsdb.md.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "tsdb/column.hpp"
#include "tsdb/sample_run.hpp"

namespace telltale::tsdb {

/// How many of the first samples one chunk can hold; at least one.
std::size_t chunk_length(const SampleSlice& samples);
/// Values, histograms and starts of chunk_length() samples or fewer.
void encode_chunk(const SampleSlice& samples, std::string& out);
/// Appends values, histograms and starts of samples at `times` to `out`; corruption unless `bytes` is exactly
/// such a chunk.
Result<> decode_chunk(std::string_view bytes, std::span<const std::int64_t> times, SampleRun& out);

}  // namespace telltale::tsdb
