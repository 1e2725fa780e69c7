#include "health/crontab.hpp"

#include <cstddef>
#include <cstdlib>
#include <string_view>

// Whatever is a crontab has a next run, and that is later.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const auto cron = health::Crontab::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!cron) return 0;
  constexpr std::int64_t kAfter = 1'767'862'800;
  const auto next = cron->next(kAfter, TimeZone());
  if (!next || *next <= kAfter || *next % 60 != 0) std::abort();
  return 0;
}
