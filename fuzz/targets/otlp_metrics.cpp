#include <cstddef>
#include <string_view>

#include "wire/otlp/metric_names.hpp"
#include "wire/otlp/metrics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale::wire::otlp;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const auto encoding : {Encoding::protobuf, Encoding::json}) {
    const auto request = parse_metrics(in, encoding);
    if (!request) continue;
    for (const auto& batch : request->batches) {
      for (const auto& metric : batch.metrics) {
        for (const bool flag : {false, true}) (void)series_name(metric, {flag, !flag});
        (void)series_name(metric, {});
      }
    }
  }
  return 0;
}
