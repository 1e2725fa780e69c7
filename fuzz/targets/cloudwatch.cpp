#include <cstddef>
#include <string_view>

#include "wire/cloudwatch/requests.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::cloudwatch::parse_put_log_events(in);
  (void)telltale::wire::cloudwatch::parse_group_request(in);
  return 0;
}
