#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "wire/json/fields.hpp"
#include "wire/jsonlines/records.hpp"

// Records rise by number and lie inside of the body; a document reads the same with and without a copy.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  wire::jsonlines::Records records(in);
  wire::jsonlines::Record record;
  wire::json::FieldReader reader;
  std::size_t last = 0;
  while (records.next(record)) {
    if (record.number <= last || record.text.empty()) std::abort();
    last = record.number;
    if (record.text.data() + record.text.size() + record.readable_after != in.data() + in.size())
      std::abort();
    std::vector<Attr> in_place;
    std::vector<Attr> copied;
    const bool good = reader.read(record.text, record.readable_after, in_place).has_value();
    if (good != reader.read(record.text, 0, copied).has_value() || in_place.size() != copied.size())
      std::abort();
    for (const Attr& a : in_place) (void)wire::json::log_time(a.value);
  }
  return 0;
}
