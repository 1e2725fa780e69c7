#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "wire/elastic/bulk.hpp"

// Whatever is listed lies inside of the body, and names an index that is there.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto request = telltale::wire::elastic::parse_bulk(in, "logs");
  if (!request) return 0;
  for (const auto& item : request->items) {
    if (item.index >= request->indices.size()) std::abort();
    const auto document = item.document;
    if (!document.empty() &&
        (document.data() < in.data() || document.data() + document.size() > in.data() + in.size()))
      std::abort();
  }
  return 0;
}
