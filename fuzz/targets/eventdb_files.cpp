// Columns, footers and manifests as a damaged disk may give them. The first byte chooses the decoder, the
// second the number of rows a column is said to have.
#include <cstddef>
#include <string_view>

#include "base/check.hpp"
#include "eventdb/column.hpp"
#include "eventdb/manifest.hpp"
#include "eventdb/part_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t rows = data[1];
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 4) {
    case 0:
      if (const auto ints = telltale::eventdb::decode_ints(in, rows)) TT_CHECK(ints->size() == rows);
      break;
    case 1:
      if (const auto column = telltale::eventdb::StringColumn::decode(in, rows)) {
        std::size_t bytes = 0;
        for (std::size_t row = 0; row < rows; ++row) bytes += column->at(row).size();
        TT_CHECK(rows > 0 || bytes == 0);
      }
      break;
    case 2:
      (void)telltale::eventdb::PartFooter::decode(in);
      break;
    default:
      (void)telltale::eventdb::Manifest::decode(in);
  }
  return 0;
}
