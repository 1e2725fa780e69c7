// What is known of a chunk without decoding it, so that long windows need not: its least and greatest value,
// their sum where adding up is exact in any order, and whether it only rises. A block keeps the summaries of
// its chunks as columns behind everything else, which nobody decodes who does not ask. Layout:
// docs/formats/tsdb.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "tsdb/sample_run.hpp"

namespace telltale::tsdb {

/// Of fewer samples a summary does not pay.
inline constexpr std::size_t kLeastSummarized = 256;
/// Integers below it are added up without rounding, as long as their sums stay below it, too.
inline constexpr double kExactBelow = 0x1p53;

/// Of a chunk of finite floats; of any other `known` is false.
struct ChunkSummary {
  bool known = false;
  bool rising = false;   // each value at least the one before: the least is the first, the greatest the last
  bool has_sum = false;  // whole numbers, of which all absolute values add up to less than kExactBelow
  double least = 0;      // of equals (zeros may differ in their sign) the first
  double greatest = 0;   // likewise
  double sum = 0;        // 0 unless has_sum
};

/// Known from kLeastSummarized samples on. Of a chunk that rises the sum is only told when all are equal:
/// nobody adds up counters.
ChunkSummary summarize(const SampleSlice& samples);

/// One for each chunk of a block, in their order.
void encode_summaries(std::span<const ChunkSummary> all, ByteWriter& out);
/// `samples` has each chunk's count; false unless `in` holds exactly such a list for them.
bool decode_summaries(ByteReader& in, std::span<const std::uint32_t> samples, std::vector<ChunkSummary>& out);

}  // namespace telltale::tsdb
