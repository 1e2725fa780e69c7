// Responses, in both encodings. They are small, so plain strings will do.
#include "wire/otlp/common.hpp"

#include <protozero/pbf_writer.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::otlp {
namespace {

std::string_view rejected_field(Signal signal) {
  switch (signal) {
    case Signal::traces:
      return "rejectedSpans";
    case Signal::logs:
      return "rejectedLogRecords";
    case Signal::metrics:
      return "rejectedDataPoints";
  }
  return "rejected";
}

}  // namespace

Result<Encoding> encoding_from(std::string_view header) {
  std::string_view type = header.substr(0, header.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  if (type.empty() || equal_ignore_case(type, "application/x-protobuf") ||
      equal_ignore_case(type, "application/protobuf"))
    return Encoding::protobuf;
  if (equal_ignore_case(type, "application/json")) return Encoding::json;
  return fail(ErrorKind::unsupported,
              "content-type: expected application/x-protobuf or application/json, not " + std::string(type));
}

std::string_view content_type(Encoding encoding) {
  return encoding == Encoding::json ? "application/json" : "application/x-protobuf";
}

std::string encode_response(Signal signal, Encoding encoding, std::int64_t rejected,
                            std::string_view message) {
  const bool full_success = rejected == 0 && message.empty();
  if (encoding == Encoding::json) {
    if (full_success) return "{}";
    std::string out = "{\"partialSuccess\":{\"";
    out += rejected_field(signal);
    out += "\":\"" + std::to_string(rejected) + "\",\"errorMessage\":";
    append_json_string(out, message);
    out += "}}";
    return out;
  }
  std::string out;
  if (full_success) return out;
  protozero::pbf_writer response(out);
  protozero::pbf_writer partial(response, 1);
  if (rejected != 0) partial.add_int64(1, rejected);
  if (!message.empty()) partial.add_string(2, message.data(), message.size());
  partial.commit();
  return out;
}

std::string encode_status(Encoding encoding, int code, std::string_view message) {
  std::string out;
  if (encoding == Encoding::json) {
    out = "{\"code\":" + std::to_string(code) + ",\"message\":";
    append_json_string(out, message);
    return out + "}";
  }
  protozero::pbf_writer status(out);
  if (code != 0) status.add_int32(1, code);
  if (!message.empty()) status.add_string(2, message.data(), message.size());
  return out;
}

std::string encode_retry_info(Nanos delay) {
  std::string out;
  protozero::pbf_writer info(out);
  protozero::pbf_writer duration(info, 1);
  duration.add_int64(1, delay.count() / 1'000'000'000);
  if (delay.count() % 1'000'000'000 != 0)
    duration.add_int32(2, static_cast<std::int32_t>(delay.count() % 1'000'000'000));
  duration.commit();
  return out;
}

std::string encode_retry_status(int code, std::string_view message, Nanos delay) {
  std::string out = encode_status(Encoding::protobuf, code, message);
  protozero::pbf_writer status(out);
  protozero::pbf_writer any(status, 3);
  any.add_string(1, "type.googleapis.com/google.rpc.RetryInfo");
  any.add_bytes(2, encode_retry_info(delay));
  any.commit();
  return out;
}

}  // namespace telltale::wire::otlp
