#include "storage/batch.hpp"

#include <cstddef>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::storage::decode_batch(in);
  return 0;
}
