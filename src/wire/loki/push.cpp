// Every form fills the same collector, which numbers entries over the whole request and enforces the row
// limit.
#include "wire/loki/push.hpp"

#include <algorithm>
#include <optional>

#include <protozero/pbf_reader.hpp>

#include "base/compress.hpp"
#include "base/intake_limits.hpp"
#include "base/text.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::loki {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string clean(std::string_view text) { return is_utf8(text) ? std::string(text) : repair_utf8(text); }

class PushCollector {
 public:
  void begin(Labels labels, std::size_t entries = 0) {
    out_.streams.push_back({std::move(labels), {}});
    out_.streams.back().entries.reserve(
        std::min(entries, limits::kMaxRowsPerRequest - std::min(index_, limits::kMaxRowsPerRequest)));
  }
  void reject(std::string reason) { out_.errors.add(index_, std::move(reason)); }
  /// Whether there is no room for another entry; it is counted as refused then.
  bool is_full() {
    if (!full_ && index_ < limits::kMaxRowsPerRequest && bytes_ < limits::kMaxRequestRowBytes) return false;
    if (full_) {
      out_.errors.add_untold(1);
    } else {
      reject(index_ >= limits::kMaxRowsPerRequest
                 ? "the request has over " + std::to_string(limits::kMaxRowsPerRequest) +
                       " entries; the rest is dropped"
                 : "the request's entries have over " + std::to_string(limits::kMaxRequestRowBytes) +
                       " bytes; the rest is dropped");
    }
    full_ = true;
    ++index_;
    return true;
  }
  void reject_entry(std::string reason) {
    reject(std::move(reason));
    ++index_;
  }
  void add(Entry entry) {
    if (entry.line.size() > limits::kMaxLogLineBytes)
      return reject_entry("line: " + std::to_string(entry.line.size()) + " bytes are over the limit of " +
                          std::to_string(limits::kMaxLogLineBytes));
    if (entry.structured_metadata.size() > limits::kMaxAttributes)
      return reject_entry("structured metadata: over " + std::to_string(limits::kMaxAttributes) + " entries");
    bytes_ += sizeof(Entry) + entry.line.size();
    for (const auto& [name, value] : entry.structured_metadata)
      bytes_ += sizeof entry.structured_metadata.front() + name.size() + value.size();
    ++index_;
    out_.streams.back().entries.push_back(std::move(entry));
  }
  PushRequest take() {
    std::erase_if(out_.streams, [](const Stream& s) { return s.entries.empty(); });
    return std::move(out_);
  }

 private:
  PushRequest out_;
  std::size_t index_ = 0;
  std::size_t bytes_ = 0;  // of good entries
  bool full_ = false;
};

std::optional<TextPairs> pairs_of(json::Value value) {
  json::Object object;
  if (value.get(object) != simdjson::SUCCESS) return std::nullopt;
  TextPairs out;
  for (const auto& [key, v] : object) {
    out.emplace_back(std::string(key), json::text_of(v));
    if (out.size() > limits::kMaxAttributes) break;  // PushCollector::add() refuses it
  }
  return out;
}

void add_v1_entry(json::Value value, PushCollector& out) {
  if (out.is_full()) return;
  json::Array tuple;
  if (value.get(tuple) != simdjson::SUCCESS || tuple.size() < 2)
    return out.reject_entry("values: expected [\"<ns>\", \"line\"]");
  const auto time = json::int_of(tuple.at(0).value_unsafe());
  if (!time) return out.reject_entry("values: the time must be nanoseconds as a string");
  std::string_view line;
  if (tuple.at(1).get(line) != simdjson::SUCCESS)
    return out.reject_entry("values: the line must be a string");
  Entry entry{{*time}, std::string(line), {}};
  if (tuple.size() > 2) {
    auto metadata = pairs_of(tuple.at(2).value_unsafe());
    if (!metadata) return out.reject_entry("values: structured metadata must be an object");
    entry.structured_metadata = *std::move(metadata);
  }
  out.add(std::move(entry));
}

void add_v1_stream(json::Value stream, PushCollector& out) {
  const auto labels = json::get_object(stream, "stream");
  const auto values = json::get_array(stream, "values");
  if (!labels) return out.reject("stream: expected an object of labels");
  if (!values) return out.reject("values: expected a list");
  std::vector<Label> list;
  for (const auto& [key, v] : *labels) list.push_back({std::string(key), json::text_of(v)});
  out.begin(Labels(std::move(list)));
  for (const json::Value value : *values) add_v1_entry(value, out);
}

void add_legacy_entry(json::Value value, PushCollector& out) {
  if (out.is_full()) return;
  auto time_field = json::get(value, "ts");
  if (!time_field) time_field = json::get(value, "timestamp");
  const auto time = time_field ? json::time_of(*time_field) : std::nullopt;
  const auto line = json::get_string(value, "line");
  if (!time) return out.reject_entry("ts: expected an RFC 3339 time");
  if (!line) return out.reject_entry("line: expected a string");
  Entry entry{*time, std::string(*line), {}};
  if (const auto metadata = json::get(value, "structuredMetadata"))
    if (auto pairs = pairs_of(*metadata)) entry.structured_metadata = *std::move(pairs);
  out.add(std::move(entry));
}

void add_legacy_stream(json::Value stream, PushCollector& out) {
  const auto text = json::get_string(stream, "labels");
  const auto entries = json::get_array(stream, "entries");
  if (!text) return out.reject("labels: expected a string");
  if (!entries) return out.reject("entries: expected a list");
  auto labels = parse_label_string(*text);
  if (!labels) return out.reject(labels.error().message());
  out.begin(*std::move(labels));
  for (const json::Value value : *entries) add_legacy_entry(value, out);
}

template <class AddStream>
Result<PushRequest> parse_streams(std::string_view body, AddStream add_stream) {
  TT_ASSIGN(const auto doc, json::Document::parse(body));
  const auto streams = json::get_array(doc.root(), "streams");
  if (!streams) return fail(ErrorKind::invalid_argument, "streams: expected a list");
  PushCollector out;
  for (const json::Value stream : *streams) add_stream(stream, out);
  return out.take();
}

std::string_view text_of(protozero::data_view view) { return {view.data(), view.size()}; }

std::int64_t proto_time(protozero::pbf_reader r) {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::varint):
        seconds = r.get_int64();
        break;
      case tag_and_type(2, pbf_wire_type::varint):
        nanos = r.get_int32();
        break;
      default:
        r.skip();
    }
  }
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, 1'000'000'000LL, &ns) || __builtin_add_overflow(ns, nanos, &ns))
    return INT64_MIN;
  return ns;
}

std::pair<std::string, std::string> proto_pair(protozero::pbf_reader r) {
  std::pair<std::string, std::string> out;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        out.first = clean(text_of(r.get_view()));
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        out.second = clean(text_of(r.get_view()));
        break;
      default:
        r.skip();
    }
  }
  return out;
}

Entry proto_entry(protozero::pbf_reader r) {
  Entry entry;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        entry.time.ns = proto_time(r.get_message());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        entry.line = clean(text_of(r.get_view()));
        break;
      case tag_and_type(3, pbf_wire_type::length_delimited):
        // PushCollector::add() refuses what has more.
        if (entry.structured_metadata.size() <= limits::kMaxAttributes)
          entry.structured_metadata.push_back(proto_pair(r.get_message()));
        else
          r.skip();
        break;
      default:
        r.skip();
    }
  }
  return entry;
}

void add_proto_stream(protozero::pbf_reader r, PushCollector& out) {
  // Twice: labels may stand behind the entries, and a list of those may be longer than their bytes.
  std::string_view labels_text;
  std::size_t entries = 0;
  for (protozero::pbf_reader first = r; first.next();) {
    switch (first.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        labels_text = text_of(first.get_view());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        ++entries;
        first.skip();
        break;
      default:
        first.skip();
    }
  }
  auto labels = parse_label_string(labels_text);
  if (!labels) return out.reject(labels.error().message());
  out.begin(*std::move(labels), entries);
  while (r.next(2, pbf_wire_type::length_delimited)) {
    const auto view = r.get_view();
    if (out.is_full()) continue;
    try {
      Entry entry = proto_entry(protozero::pbf_reader(view));
      if (entry.time.ns == INT64_MIN) {
        out.reject_entry("timestamp: out of range");
      } else {
        out.add(std::move(entry));
      }
    } catch (const protozero::exception& e) {
      out.reject_entry(std::string("entry: malformed protobuf: ") + e.what());
    }
  }
}

}  // namespace

Result<PushRequest> parse_push_json(std::string_view body) { return parse_streams(body, add_v1_stream); }

Result<PushRequest> parse_push_legacy_json(std::string_view body) {
  return parse_streams(body, add_legacy_stream);
}

Result<PushRequest> parse_push_protobuf(std::string_view body) {
  PushCollector out;
  try {
    protozero::pbf_reader r(body.data(), body.size());
    while (r.next()) {
      if (r.tag_and_type() != tag_and_type(1, pbf_wire_type::length_delimited)) {
        r.skip();
        continue;
      }
      const auto view = r.get_view();
      try {
        add_proto_stream(protozero::pbf_reader(view), out);
      } catch (const protozero::exception& e) {
        out.reject(std::string("stream: malformed protobuf: ") + e.what());
      }
    }
  } catch (const protozero::exception& e) {
    return fail(ErrorKind::invalid_argument, std::string("push request: malformed protobuf: ") + e.what());
  }
  return out.take();
}

Result<PushRequest> parse_push_snappy(std::string_view body) {
  TT_ASSIGN(const std::string raw, decompress(Codec::snappy, body, limits::kMaxDecodedBodyBytes));
  return parse_push_protobuf(raw);
}

}  // namespace telltale::wire::loki
