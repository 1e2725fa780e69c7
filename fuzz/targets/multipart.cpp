#include "wire/sentry/multipart.hpp"

#include <cstddef>
#include <string_view>

#include "base/check.hpp"

// The first line is the content type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  namespace sentry = telltale::wire::sentry;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t line = in.find('\n');
  const std::string_view body = line == std::string_view::npos ? std::string_view() : in.substr(line + 1);
  const auto parts = sentry::parse_multipart(in.substr(0, line), body);
  if (parts) {
    for (const auto& part : *parts) TT_CHECK(part.body.size() <= body.size());
    const auto event = sentry::minidump_event(*parts, telltale::Id128{1, 2}, telltale::UnixNanos{});
    if (event) TT_CHECK(event->json.starts_with('{') && event->json.ends_with('}'));
  }
  (void)sentry::parse_profile_ids(in);
  return 0;
}
