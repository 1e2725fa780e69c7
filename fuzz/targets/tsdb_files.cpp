// Blocks, columns and catalogs as a damaged disk may give them. The first byte chooses the decoder, the
// second the number of samples a column is said to have. What decodes is what encodes to something that
// decodes alike.
#include <bit>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "tsdb/catalog.hpp"
#include "tsdb/part_block.hpp"

namespace {

using namespace telltale;

void check_block(std::string_view in) {
  const auto block = tsdb::PartBlock::parse(std::string(in));
  if (!block) return;
  const auto summaries = (*block)->summaries();
  if (summaries) TT_CHECK(summaries->empty() || summaries->size() == (*block)->chunks().size());
  for (const auto& chunk : (*block)->chunks()) {
    tsdb::SampleRun run;
    if (!(*block)->read(chunk, run)) continue;
    std::string bytes;
    tsdb::encode_chunk(run.slice(), bytes);
    tsdb::SampleRun again;
    TT_CHECK(tsdb::decode_chunk(bytes, run.times, again).has_value());
    TT_CHECK(again.times == run.times && again.values.size() == run.values.size());
    for (std::size_t i = 0; i < run.size(); ++i)
      TT_CHECK(std::bit_cast<std::uint64_t>(again.values[i]) == std::bit_cast<std::uint64_t>(run.values[i]));
  }
}

void check_column(std::string_view in, std::size_t n) {
  std::vector<double> values(n);
  ByteReader reader(in);
  if (!tsdb::decode_doubles(reader, values)) return;
  ByteWriter bytes;
  tsdb::encode_doubles(values, bytes);
  std::vector<double> again(n);
  ByteReader back(bytes.view());
  TT_CHECK(tsdb::decode_doubles(back, again) && back.empty());
  for (std::size_t i = 0; i < n; ++i)
    TT_CHECK(std::bit_cast<std::uint64_t>(again[i]) == std::bit_cast<std::uint64_t>(values[i]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 3) {
    case 0:
      (void)tsdb::decode_entries(in, [](tsdb::CatalogEntry) -> Result<> { return {}; });
      break;
    case 1:
      check_column(in, data[1] + std::size_t{1});
      break;
    default:
      check_block(in);
  }
  return 0;
}
