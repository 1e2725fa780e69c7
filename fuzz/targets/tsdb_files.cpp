// Chunks and catalogs as a damaged disk may give them. The first byte chooses the decoder, the second the
// number of samples a chunk is said to have. A chunk that decodes is a chunk that encodes to something that
// decodes alike.
#include <bit>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "tsdb/catalog.hpp"
#include "tsdb/sample_run.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  if (size < 2) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] % 2 == 0) {
    (void)tsdb::decode_entries(in, [](tsdb::CatalogEntry) -> Result<> { return {}; });
    return 0;
  }
  tsdb::SampleRun run;
  if (!tsdb::decode_chunk(in, data[1], run)) return 0;
  std::string bytes;
  tsdb::encode_chunk(run.times, run.values, bytes);
  tsdb::SampleRun again;
  TT_CHECK(tsdb::decode_chunk(bytes, run.size(), again).has_value());
  TT_CHECK(again.times == run.times && again.values.size() == run.values.size());
  for (std::size_t i = 0; i < run.size(); ++i) {
    TT_CHECK(std::bit_cast<std::uint64_t>(again.values[i]) == std::bit_cast<std::uint64_t>(run.values[i]));
  }
  return 0;
}
