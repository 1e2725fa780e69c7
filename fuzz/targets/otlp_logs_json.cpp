#include <cstddef>
#include <string>
#include <string_view>

#include "wire/otlp/logs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::otlp::parse_logs(in, telltale::wire::otlp::Encoding::json);
  return 0;
}
