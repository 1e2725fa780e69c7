#include <cstddef>
#include <string>
#include <string_view>

#include "wire/loki/push.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::loki::parse_push_json(in);
  return 0;
}
