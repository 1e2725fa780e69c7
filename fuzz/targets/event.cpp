#include "wire/sentry/event.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::wire::sentry::parse_event(in);
  // What was repaired once is valid and stays as it is.
  if (const auto json = telltale::wire::sentry::normalise_json(in))
    TT_CHECK(telltale::wire::sentry::normalise_json(*json) == *json);
  return 0;
}
