#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "wire/prometheus/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  namespace prom = telltale::wire::prometheus;
  for (const auto format : {prom::TextFormat::prometheus, prom::TextFormat::openmetrics})
    if (const auto scrape = prom::parse_text(in, format))
      for (const auto& sample : scrape->samples) {
        const auto again = prom::parse_series(sample.series);
        TT_CHECK(again && again->size() == sample.labels.size());  // bounds may be spelled anew
        TT_CHECK(again->get("__name__") == sample.labels.get("__name__"));
      }
  return 0;
}
