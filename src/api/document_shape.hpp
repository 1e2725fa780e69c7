// Which fields of a JSON document mean what, as VictoriaLogs' clients say it: query parameters `_time_field`,
// `_msg_field`, `_stream_fields`, `ignore_fields`, `decolorize_fields` (lists by comma) and `extra_fields`
// (`name=value,…`), or headers VL-Time-Field, VL-Msg-Field, …
#pragma once

#include "base/result.hpp"
#include "ingest/document.hpp"
#include "net/http.hpp"

namespace telltale::api {

/// invalid_argument names the parameter; at most limits::kMaxDocumentMetaFields names each.
Result<ingest::DocumentShape> document_shape(const net::HttpRequest& request);

}  // namespace telltale::api
