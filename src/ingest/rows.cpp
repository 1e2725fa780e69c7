#include "ingest/rows.hpp"

#include <algorithm>

namespace telltale::ingest {

void set_text(EventRow& row, std::string_view name, std::string_view value) {
  if (!value.empty()) row.set(std::string(name), std::string(value));
}

void set_span(EventRow& row, Id128 trace, Id64 span, Id64 parent, UnixNanos start, UnixNanos end) {
  row.time = start;
  row.ids.trace_id = trace;
  row.ids.span_id = span;
  if (parent.present()) row.set(std::string(attr::kParentSpanId), parent.hex());
  row.set(std::string(attr::kDurationNs), std::max<std::int64_t>(0, end.ns - start.ns));
}

}  // namespace telltale::ingest
