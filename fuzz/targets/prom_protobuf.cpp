#include <cstddef>
#include <string_view>

#include "base/check.hpp"
#include "wire/prometheus/protobuf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  namespace prom = telltale::wire::prometheus;
  const auto classic = prom::parse_protobuf(in, {});
  const auto native = prom::parse_protobuf(in, {.native = true, .classic_too = true});
  TT_CHECK(native.has_value() == classic.has_value());
  return 0;
}
