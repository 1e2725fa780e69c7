// Reading what errors, transactions and spans have in common; for this folder's .cpp files only.
#pragma once

#include "wire/json/document.ipp"
#include "wire/sentry/event.hpp"

namespace telltale::wire::sentry {

Id128 read_id128(json::Value object, std::string_view key);
Id64 read_id64(json::Value object, std::string_view key);
/// `{"k": v}` or `[["k", v], …]` (null values left out).
TextPairs read_pairs(json::Value object, std::string_view key);
/// `{"k": v}` with its types.
std::vector<Attr> read_attrs(json::Value object, std::string_view key);
/// `{"k": {"value": v, "type": …}}`, as items of logs and spans v2 have them.
std::vector<Attr> read_typed_attrs(json::Value object, std::string_view key);
void read_common(json::Value root, EventCommon& out);
/// Parsed root of a payload, which must be an object.
Result<json::Document> read_payload(std::string_view json, std::string_view what, std::size_t max_bytes);

}  // namespace telltale::wire::sentry
