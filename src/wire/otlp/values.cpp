// Scalars keep their type. Lists and maps are written as JSON text while they are walked, with bounded depth.
#include "wire/otlp/values.hpp"

#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::wire::otlp {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

void render_proto(protozero::pbf_reader value, int depth, std::string& out);

void render_proto_list(protozero::pbf_reader list, int depth, std::string& out) {
  out += '[';
  bool first = true;
  while (list.next()) {
    if (list.tag_and_type() != tag_and_type(1, pbf_wire_type::length_delimited)) {
      list.skip();
      continue;
    }
    if (!first) out += ',';
    first = false;
    render_proto(list.get_message(), depth, out);
  }
  out += ']';
}

void render_proto_map(protozero::pbf_reader map, int depth, std::string& out) {
  out += '{';
  bool first = true;
  while (map.next()) {
    if (map.tag_and_type() != tag_and_type(1, pbf_wire_type::length_delimited)) {
      map.skip();
      continue;
    }
    protozero::pbf_reader pair = map.get_message();
    std::string key;
    protozero::data_view value;
    while (pair.next()) {
      switch (pair.tag_and_type()) {
        case tag_and_type(1, pbf_wire_type::length_delimited):
          key = utf8(pair.get_string());
          break;
        case tag_and_type(2, pbf_wire_type::length_delimited):
          value = pair.get_view();
          break;
        default:
          pair.skip();
      }
    }
    if (!first) out += ',';
    first = false;
    append_json_string(out, key);
    out += ':';
    render_proto(protozero::pbf_reader(value), depth, out);
  }
  out += '}';
}

void render_scalar(const AttrValue& value, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_string(out, *text);
  } else if (const auto* number = std::get_if<double>(&value)) {
    json::append_number(out, *number);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*whole);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

/// Calls on_list / on_map for a nested value and returns a scalar otherwise.
template <class OnList, class OnMap>
std::optional<AttrValue> read_proto(protozero::pbf_reader value, OnList on_list, OnMap on_map) {
  std::optional<AttrValue> out;
  while (value.next()) {
    switch (value.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        out = utf8(value.get_string());
        break;
      case tag_and_type(2, pbf_wire_type::varint):
        out = value.get_bool();
        break;
      case tag_and_type(3, pbf_wire_type::varint):
        out = value.get_int64();
        break;
      case tag_and_type(4, pbf_wire_type::fixed64):
        out = value.get_double();
        break;
      case tag_and_type(5, pbf_wire_type::length_delimited):
        out = on_list(value.get_message());
        break;
      case tag_and_type(6, pbf_wire_type::length_delimited):
        out = on_map(value.get_message());
        break;
      case tag_and_type(7, pbf_wire_type::length_delimited):
        out = to_base64(value.get_string());
        break;
      default:
        value.skip();
    }
  }
  return out;
}

void render_proto(protozero::pbf_reader value, int depth, std::string& out) {
  if (depth >= kMaxValueDepth) {
    out += "null";
    return;
  }
  bool nested = false;
  // Nested text is written when it is met; a repeated oneof member (which no encoder writes) must not write
  // twice.
  const auto write = [&](auto render) {
    return [&, render](protozero::pbf_reader r) {
      if (!nested) render(r, depth + 1, out);
      nested = true;
      return std::string();
    };
  };
  const auto scalar = read_proto(value, write(render_proto_list), write(render_proto_map));
  if (nested) return;
  if (scalar) {
    render_scalar(*scalar, out);
  } else {
    out += "null";
  }
}

void render_json(json::Value value, int depth, std::string& out);

void render_json_list(json::Value holder, int depth, std::string& out) {
  out += '[';
  bool first = true;
  if (const auto list = json::get_array(holder, "values")) {
    for (const json::Value v : *list) {
      if (!first) out += ',';
      first = false;
      render_json(v, depth, out);
    }
  }
  out += ']';
}

void render_json_map(json::Value holder, int depth, std::string& out) {
  out += '{';
  bool first = true;
  if (const auto list = json::get_array(holder, "values")) {
    for (const json::Value pair : *list) {
      if (!first) out += ',';
      first = false;
      append_json_string(out, json::get_text(pair, "key"));
      out += ':';
      const auto v = json::get(pair, "value");
      if (v) {
        render_json(*v, depth, out);
      } else {
        out += "null";
      }
    }
  }
  out += '}';
}

std::optional<AttrValue> json_scalar(json::Value value) {
  if (const auto v = json::get(value, "stringValue")) return AttrValue(json::text_of(*v));
  if (const auto v = json::get(value, "boolValue")) {
    const auto b = json::bool_of(*v);
    return b ? std::optional<AttrValue>(*b) : std::nullopt;
  }
  if (const auto v = json::get(value, "intValue")) {
    const auto i = json::int_of(*v);
    return i ? std::optional<AttrValue>(*i) : std::nullopt;
  }
  if (const auto v = json::get(value, "doubleValue")) {
    const auto d = json::double_of(*v);
    return d ? std::optional<AttrValue>(*d) : std::optional<AttrValue>(json::text_of(*v));
  }
  if (const auto v = json::get(value, "bytesValue")) return AttrValue(json::text_of(*v));
  return std::nullopt;
}

void render_json(json::Value value, int depth, std::string& out) {
  if (depth >= kMaxValueDepth) {
    out += "null";
  } else if (const auto list = json::get(value, "arrayValue")) {
    render_json_list(*list, depth + 1, out);
  } else if (const auto map = json::get(value, "kvlistValue")) {
    render_json_map(*map, depth + 1, out);
  } else if (const auto scalar = json_scalar(value)) {
    render_scalar(*scalar, out);
  } else {
    out += "null";
  }
}

}  // namespace

std::string utf8(std::string_view text) { return is_utf8(text) ? std::string(text) : repair_utf8(text); }

std::optional<AttrValue> proto_value(protozero::pbf_reader value) {
  const auto render = [](auto fn) {
    return [fn](protozero::pbf_reader r) {
      std::string out;
      fn(r, 1, out);
      return out;
    };
  };
  return read_proto(value, render(render_proto_list), render(render_proto_map));
}

void add_proto_attr(protozero::pbf_reader pair, std::vector<Attr>& out) {
  std::string key;
  std::optional<AttrValue> value;
  while (pair.next()) {
    switch (pair.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        key = utf8(pair.get_string());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        value = proto_value(pair.get_message());
        break;
      default:
        pair.skip();
    }
  }
  if (value && !key.empty() && out.size() < limits::kMaxAttributes)
    out.push_back({std::move(key), *std::move(value)});
}

std::size_t decoded_bytes(const std::vector<Attr>& attributes) {
  std::size_t bytes = attributes.size() * sizeof(Attr);
  for (const Attr& a : attributes) {
    bytes += a.name.size();
    if (const auto* text = std::get_if<std::string>(&a.value)) bytes += text->size();
  }
  return bytes;
}

std::vector<Attr> proto_resource(protozero::pbf_reader resource) {
  std::vector<Attr> out;
  while (resource.next()) {
    if (resource.tag_and_type() == tag_and_type(1, pbf_wire_type::length_delimited)) {
      add_proto_attr(resource.get_message(), out);
    } else {
      resource.skip();
    }
  }
  return out;
}

Scope proto_scope(protozero::pbf_reader scope) {
  Scope out;
  while (scope.next()) {
    switch (scope.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        out.name = utf8(scope.get_string());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.version = utf8(scope.get_string());
        break;
      case tag_and_type(3, pbf_wire_type::length_delimited):
        add_proto_attr(scope.get_message(), out.attributes);
        break;
      default:
        scope.skip();
    }
  }
  return out;
}

std::optional<AttrValue> json_value(json::Value value) {
  if (json::get(value, "arrayValue") || json::get(value, "kvlistValue")) {
    std::string out;
    render_json(value, 0, out);
    return out;
  }
  return json_scalar(value);
}

std::vector<Attr> json_attrs(json::Value object) {
  std::vector<Attr> out;
  const auto list = json::get_array(object, "attributes");
  if (!list) return out;
  for (const json::Value pair : *list) {
    const auto key = json::get_string(pair, "key");
    const auto value = json::get(pair, "value");
    auto v = value ? json_value(*value) : std::nullopt;
    if (key && !key->empty() && v && out.size() < limits::kMaxAttributes)
      out.push_back({std::string(*key), *std::move(v)});
  }
  return out;
}

Scope json_scope(json::Value scope) {
  return {json::get_text(scope, "name"), json::get_text(scope, "version"), json_attrs(scope)};
}

UnixNanos json_nanos(json::Value object, std::string_view key) {
  return {json::get_int(object, key).value_or(0)};
}

}  // namespace telltale::wire::otlp
