// AnyValue and KeyValue in both encodings, rendered to the house's attribute values; for this folder's .cpp
// files only.
#pragma once

#include <protozero/pbf_reader.hpp>

#include "wire/json/document.ipp"
#include "wire/otlp/common.hpp"

namespace telltale::wire::otlp {

/// How deep lists and maps may nest in a value; what is deeper becomes null.
inline constexpr int kMaxValueDepth = 32;

std::string utf8(std::string_view text);

/// Protobuf AnyValue. nullopt when empty. Throws protozero::exception on malformed bytes.
std::optional<AttrValue> proto_value(protozero::pbf_reader value);
/// One KeyValue, appended unless its value is empty or the list is full.
void add_proto_attr(protozero::pbf_reader key_value, std::vector<Attr>& out);
/// Resource and InstrumentationScope messages.
std::vector<Attr> proto_resource(protozero::pbf_reader resource);
Scope proto_scope(protozero::pbf_reader scope);

std::optional<AttrValue> json_value(json::Value value);
std::vector<Attr> json_attrs(json::Value object);  // its "attributes"
Scope json_scope(json::Value scope);
UnixNanos json_nanos(json::Value object, std::string_view key);

}  // namespace telltale::wire::otlp
