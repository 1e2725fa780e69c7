#include "api/document_shape.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"

namespace telltale::api {
namespace {

/// The parameter, else the header: `_msg_field` or `VL-Msg-Field`.
std::string_view shape_param(const net::HttpRequest& request, std::string_view name,
                             std::string_view header) {
  if (const auto value = request.param(name)) return *value;
  return request.header(header);
}

Result<std::vector<std::string>> shape_list(const net::HttpRequest& request, std::string_view name,
                                            std::string_view header) {
  std::vector<std::string> out;
  std::string_view rest = shape_param(request, name, header);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view field = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (field.starts_with(' ')) field.remove_prefix(1);
    while (field.ends_with(' ')) field.remove_suffix(1);
    if (field.empty()) continue;
    if (out.size() >= limits::kMaxDocumentMetaFields)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: over {} names", name, limits::kMaxDocumentMetaFields));
    out.emplace_back(field);
  }
  return out;
}

}  // namespace

Result<ingest::DocumentShape> document_shape(const net::HttpRequest& request) {
  ingest::DocumentShape shape;
  TT_ASSIGN(shape.time_fields, shape_list(request, "_time_field", "VL-Time-Field"));
  TT_ASSIGN(shape.message_fields, shape_list(request, "_msg_field", "VL-Msg-Field"));
  TT_ASSIGN(shape.stream_fields, shape_list(request, "_stream_fields", "VL-Stream-Fields"));
  TT_ASSIGN(shape.ignore_fields, shape_list(request, "ignore_fields", "VL-Ignore-Fields"));
  TT_ASSIGN(shape.decolorize_fields, shape_list(request, "decolorize_fields", "VL-Decolorize-Fields"));
  TT_ASSIGN(const auto extra, shape_list(request, "extra_fields", "VL-Extra-Fields"));
  for (const auto& pair : extra) {
    const std::size_t eq = pair.find('=');
    if (eq == std::string::npos || eq == 0)
      return fail(ErrorKind::invalid_argument, fmt::format("extra_fields: wants name=value, not '{}'", pair));
    shape.extra_fields.emplace_back(pair.substr(0, eq), pair.substr(eq + 1));
  }
  return shape;
}

}  // namespace telltale::api
