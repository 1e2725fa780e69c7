#include <cstddef>
#include <string_view>

#include "health/schedule.hpp"
#include "wire/sentry/health.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)wire::sentry::parse_session(in);
  (void)wire::sentry::parse_session_aggregates(in);
  if (const auto check_in = wire::sentry::parse_check_in(in, "slug"))
    (void)health::MonitorConfig::parse(check_in->monitor_config);
  (void)wire::sentry::parse_feedback(in);
  (void)wire::sentry::parse_user_report(in);
  return 0;
}
