#include <cstddef>
#include <string_view>

#include "base/check.hpp"
#include "wire/influx/lines.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale::wire;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto write = influx::parse_lines(in, {1'000'000, {}, "db"});
  std::vector<LabelView> views;
  for (const auto& s : write.series) {
    TT_CHECK(labels_of(write, s, views).has_value());
    TT_CHECK(s.samples == 1);
  }
  return 0;
}
