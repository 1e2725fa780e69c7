#include "alerting/rule_file.hpp"

#include <cstddef>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  (void)telltale::alerting::parse_rule_file({reinterpret_cast<const char*>(data), size}, "rules.yml");
  return 0;
}
