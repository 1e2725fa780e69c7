#include "wire/prometheus/remote_write.hpp"

#include <cstddef>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale::wire;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const auto version : {prometheus::WriteVersion::v1, prometheus::WriteVersion::v2}) {
    const auto write = prometheus::parse_remote_write(in, version);
    if (!write) continue;
    std::vector<LabelView> views;
    std::size_t samples = 0;
    for (const auto& s : write->series) {
      (void)labels_of(*write, s, views);
      TT_CHECK(s.first_sample == samples);
      samples += s.samples;
    }
    TT_CHECK(samples == write->samples.size());
    for (const auto& s : write->samples) TT_CHECK(!s.histogram || s.histogram->well_formed());
    for (const auto& e : write->exemplars) TT_CHECK(e.series < write->series.size());
  }
  return 0;
}
