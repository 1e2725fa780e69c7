#include <cstddef>
#include <string>
#include <string_view>

#include "wire/sentry/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::sentry::parse_transaction(in);
  (void)telltale::wire::sentry::parse_client_report(in);
  return 0;
}
