#include "log_bodies.hpp"

#include "base/compress.hpp"

namespace bench {
namespace {

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

/// A field of wire type 2: key, length, bytes.
void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_varint(out, field << 3 | 2U);
  put_varint(out, bytes.size());
  out.append(bytes);
}

/// logproto.EntryAdapter: a Timestamp (seconds, nanos) and the line.
void put_entry(std::string& out, const LogLine& line) {
  std::string time;
  put_varint(time, 1U << 3);
  put_varint(time, static_cast<std::uint64_t>(line.time_ns / 1'000'000'000));
  put_varint(time, 2U << 3);
  put_varint(time, static_cast<std::uint64_t>(line.time_ns % 1'000'000'000));
  std::string entry;
  put_bytes(entry, 1, time);
  put_bytes(entry, 2, line.json);
  put_bytes(out, 2, entry);
}

}  // namespace

std::string_view target_of(Wire wire) {
  switch (wire) {
    case Wire::loki:
      return "/loki/api/v1/push";
    case Wire::jsonline:
      return "/insert/jsonline?_time_field=timestamp&_msg_field=message&_stream_fields=service,environment";
    case Wire::bulk:
      return "/_bulk";
  }
  return "/";
}

std::string_view headers_of(Wire wire) {
  switch (wire) {
    case Wire::loki:
      return "Content-Type: application/x-protobuf\r\n";
    case Wire::jsonline:
      return "Content-Type: application/x-ndjson\r\n";
    case Wire::bulk:
      return "Content-Type: application/x-ndjson\r\n";
  }
  return "";
}

BodyBuilder::BodyBuilder(Wire wire) : wire_(wire), streams_(kServices.size() * kEnvironments.size()) {}

void BodyBuilder::add(const LogLine& line) {
  ++lines_;
  raw_bytes_ += line.json.size() + 1;
  switch (wire_) {
    case Wire::loki:
      return put_entry(streams_[line.service * kEnvironments.size() + line.environment], line);
    case Wire::bulk:
      // The time of a document is its @timestamp.
      text_.append("{\"create\":{\"_index\":\"logs\"}}\n{\"@").append(std::string_view(line.json).substr(2));
      text_.push_back('\n');
      return;
    case Wire::jsonline:
      text_.append(line.json).push_back('\n');
      return;
  }
}

std::string BodyBuilder::take() {
  std::string body = std::move(text_);
  text_.clear();
  if (wire_ == Wire::loki) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i].empty()) continue;
      std::string labels = "{service=\"";
      labels.append(kServices[i / kEnvironments.size()]).append("\", environment=\"");
      labels.append(kEnvironments[i % kEnvironments.size()]).append("\"}");
      std::string stream;
      put_bytes(stream, 1, labels);
      stream.append(streams_[i]);
      streams_[i].clear();
      put_bytes(body, 1, stream);
    }
    body = telltale::compress(telltale::Codec::snappy, body);
  }
  lines_ = 0;
  raw_bytes_ = 0;
  return body;
}

}  // namespace bench
