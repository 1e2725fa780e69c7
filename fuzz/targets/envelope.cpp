#include "wire/sentry/envelope.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto envelope = telltale::wire::sentry::parse_envelope(in);
  if (envelope)
    for (const auto& item : envelope->items) TT_CHECK(item.payload.size() <= in.size());
  (void)telltale::wire::sentry::parse_auth({in, in, {}, {}, {}, in});
  return 0;
}
