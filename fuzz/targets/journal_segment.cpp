// Any bytes as a journal segment: records come in rising order and lie inside the file.
#include "io/journal_segment.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  Sequence before{0};
  const auto visit = [&](const io::SegmentRecord& record) -> Result<> {
    TT_CHECK(before < record.sequence);
    TT_CHECK(record.payload.data() >= in.data() &&
             record.payload.data() + record.payload.size() <= in.data() + in.size());
    before = record.sequence;
    for (std::size_t i = 0; i < record.id_count(); ++i) (void)record.id(i);
    return {};
  };
  const auto scan = io::scan_segment(in, Sequence{1}, Sequence{1000}, visit);
  if (scan) TT_CHECK(scan->good_end <= std::max(in.size(), io::kSegmentHeaderBytes));
  return 0;
}
