#include "wire/prometheus/remote_read.hpp"

#include <cstddef>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  (void)telltale::wire::prometheus::parse_read_request({reinterpret_cast<const char*>(data), size});
  return 0;
}
