// Loki's three push bodies as one shape: streams, each with its labels and its entries. JSON v1, the legacy
// JSON of /api/prom/push (labels as one string, RFC 3339 times) and snappy-compressed protobuf. A bad stream
// or entry is listed and the others are kept; only a body that is not of its format at all is an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::loki {

struct Entry {
  UnixNanos time;
  std::string line;
  TextPairs structured_metadata;
};

struct Stream {
  Labels labels;
  std::vector<Entry> entries;
};

struct PushRequest {
  std::vector<Stream> streams;
  /// Index counts entries over the whole request, in order; a bad stream is listed once, at its first entry.
  ItemErrors errors;
};

/// `{"streams": [{"stream": {…}, "values": [["<ns>", "line", {…}?]]}]}`.
Result<PushRequest> parse_push_json(std::string_view body);
/// `{"streams": [{"labels": "{a=\"b\"}", "entries": [{"ts": "…", "line": "…"}]}]}`.
Result<PushRequest> parse_push_legacy_json(std::string_view body);
/// logproto.PushRequest, not compressed.
Result<PushRequest> parse_push_protobuf(std::string_view body);
/// The same in a snappy block, as shippers send it. too_large past limits::kMaxDecodedBodyBytes.
Result<PushRequest> parse_push_snappy(std::string_view body);

/// `{a="b", c="d"}` with Go string escapes; back-quoted values too. Names are Prometheus label names or
/// quoted. Errors say the column.
Result<Labels> parse_label_string(std::string_view text);

}  // namespace telltale::wire::loki
