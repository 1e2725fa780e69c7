// What OTLP's signals share: attributes, scopes, the two encodings and the responses. Values that are lists
// or maps are rendered as JSON text, bytes as base64, as OTLP's own JSON mapping does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/event_row.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::otlp {

enum class Encoding : std::uint8_t { protobuf, json };
enum class Signal : std::uint8_t { traces, logs, metrics };

/// application/x-protobuf (or application/protobuf, or none) and application/json; anything else is
/// unsupported.
Result<Encoding> encoding_from(std::string_view content_type);
std::string_view content_type(Encoding encoding);

/// What all records of a resource have: held once, however many scopes it has. Never null in a batch.
using Resource = std::shared_ptr<const std::vector<Attr>>;

/// What attributes take in memory, about.
std::size_t decoded_bytes(const std::vector<Attr>& attributes);

struct Scope {
  std::string name;
  std::string version;
  std::vector<Attr> attributes;
};

/// The Export…ServiceResponse. Full success is rejected == 0 and an empty message (a message alone is a
/// warning).
std::string encode_response(Signal signal, Encoding encoding, std::int64_t rejected = 0,
                            std::string_view message = {});
/// google.rpc.Status, the body of an error; `code` is a gRPC status code.
std::string encode_status(Encoding encoding, int code, std::string_view message);

/// google.rpc.RetryInfo: come back after `delay`.
std::string encode_retry_info(Nanos delay);
/// google.rpc.Status with that as its detail.
std::string encode_retry_status(int code, std::string_view message, Nanos delay);

}  // namespace telltale::wire::otlp
