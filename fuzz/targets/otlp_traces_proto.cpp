#include <cstddef>
#include <string>
#include <string_view>

#include "wire/otlp/traces.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::otlp::parse_traces(in, telltale::wire::otlp::Encoding::protobuf);
  return 0;
}
