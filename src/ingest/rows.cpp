#include "ingest/rows.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace telltale::ingest {
namespace {

void write_part_attributes(JsonWriter& w, const std::vector<Attr>& attributes) {
  w.key("attributes").begin_object();
  for (const Attr& a : attributes) {
    w.key(a.name);
    std::visit(
        [&w](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::string>) w.string(value);
          if constexpr (std::is_same_v<T, std::int64_t>) w.integer(value);
          if constexpr (std::is_same_v<T, double>) w.number(value);
          if constexpr (std::is_same_v<T, bool>) w.boolean(value);
        },
        a.value);
  }
  w.end_object();
}

}  // namespace

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

void set_span_parts(EventRow& row, const std::vector<wire::otlp::SpanEvent>& events,
                    const std::vector<wire::otlp::SpanLink>& links) {
  if (events.empty() && links.empty()) return;
  if (!events.empty()) row.set("span.event_count", static_cast<std::int64_t>(events.size()));
  if (!links.empty()) row.set("span.link_count", static_cast<std::int64_t>(links.size()));
  std::size_t room = limits::kMaxAttributeValueBytes;
  const auto add = [&room](JsonWriter& list, const JsonWriter& one) {
    if (one.view().size() > room) return;
    room -= one.view().size();
    list.raw(one.view());
  };
  JsonWriter w;
  w.begin_object().key("events").begin_array();
  for (const auto& event : events) {
    JsonWriter one;
    one.begin_object().field("time", format_rfc3339(event.time)).field("name", event.name);
    write_part_attributes(one, event.attributes);
    one.end_object();
    add(w, one);
  }
  w.end_array().key("links").begin_array();
  for (const auto& link : links) {
    JsonWriter one;
    one.begin_object().field("trace_id", link.trace_id.hex()).field("span_id", link.span_id.hex());
    write_part_attributes(one, link.attributes);
    one.end_object();
    add(w, one);
  }
  w.end_array().end_object();
  row.payload = w.take();
}

}  // namespace telltale::ingest
