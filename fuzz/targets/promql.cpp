// What parses, prints; what is printed parses again and prints the same.
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "promql/ast.hpp"
#include "promql/parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  if (const auto parsed = telltale::promql::parse(in)) {
    const std::string text = telltale::promql::to_string(**parsed);
    const auto again = telltale::promql::parse(text);
    TT_CHECK(again.has_value());
    TT_CHECK(telltale::promql::to_string(**again) == text);
  }
  (void)telltale::promql::parse_selector(in);
  (void)telltale::promql::parse_metric(in);
  return 0;
}
