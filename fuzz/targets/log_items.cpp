#include <cstddef>
#include <string>
#include <string_view>

#include "wire/sentry/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::sentry::parse_log_items(in);
  (void)telltale::wire::sentry::parse_span_items(in);
  (void)telltale::wire::sentry::parse_metric_items(in);
  return 0;
}
