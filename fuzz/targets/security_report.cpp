#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "wire/sentry/event.hpp"
#include "wire/sentry/security.hpp"

// Whatever a browser says, what is made of it is an event.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto reports = wire::sentry::parse_security_reports(in);
  if (!reports) return 0;
  for (const auto& report : *reports) {
    if (!wire::sentry::parse_event(wire::sentry::security_event(report, {}, Id128{}))) std::abort();
  }
  return 0;
}
