#include <cstddef>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "logs/line.hpp"

// JSON, logfmt, access lines and text: names stay unique and bounded, the line itself is not touched.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string in(reinterpret_cast<const char*>(data), size);
  EventRow row;
  row.message = in;
  row.set("level", std::string("info"), AttrKind::label);
  logs::normalise_line(row, {TimeZone(), UnixNanos::from_seconds(1'767'873'600)});
  logs::name_stream(row);
  std::set<std::string> names;
  for (const Attr& a : row.attributes) {
    if (!names.insert(a.name).second) std::abort();
  }
  if (row.message != in || row.attributes.size() > limits::kMaxAttributes + 2) std::abort();
  return 0;
}
