// One forward walk over the bytes; items are views, so a 200 MiB envelope costs no copy.
#include "wire/sentry/envelope.hpp"

#include <utility>

#include "base/intake_limits.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::sentry {
namespace {

struct ItemName {
  std::string_view name;
  ItemType type;
  std::string_view category;
};

constexpr ItemName kItemNames[] = {
    {"event", ItemType::event, "error"},
    {"transaction", ItemType::transaction, "transaction"},
    {"attachment", ItemType::attachment, "attachment"},
    {"session", ItemType::session, "session"},
    {"sessions", ItemType::sessions, "session"},
    {"feedback", ItemType::feedback, "feedback"},
    {"user_report", ItemType::user_report, "feedback"},
    {"client_report", ItemType::client_report, "default"},
    {"replay_event", ItemType::replay_event, "replay"},
    {"replay_recording", ItemType::replay_recording, "replay"},
    {"replay_video", ItemType::replay_video, "replay"},
    {"profile", ItemType::profile, "profile"},
    {"profile_chunk", ItemType::profile_chunk, "profile_chunk"},
    {"check_in", ItemType::check_in, "monitor"},
    {"log", ItemType::log, "log_item"},
    {"trace_metric", ItemType::trace_metric, "trace_metric"},
    {"span", ItemType::span, "span"},
    {"otel_span", ItemType::otel_span, "span"},
    {"statsd", ItemType::statsd, "default"},
    {"metric_buckets", ItemType::metric_buckets, "default"},
    {"raw_security", ItemType::raw_security, "security"},
    {"nel", ItemType::nel, "security"},
    {"unreal_report", ItemType::unreal_report, "error"},
    {"form_data", ItemType::form_data, "default"},
};

/// The line up to the next "\n", which is consumed.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

std::optional<double> get_double(json::Value object, std::string_view key) {
  const auto v = json::get(object, key);
  return v ? json::double_of(*v) : std::nullopt;
}

TraceHeader read_trace(json::Value trace) {
  TraceHeader out;
  if (const auto id = json::get_string(trace, "trace_id")) out.trace_id = Id128::parse(*id).value_or(Id128{});
  out.public_key = json::get_text(trace, "public_key");
  out.release = json::get_text(trace, "release");
  out.environment = json::get_text(trace, "environment");
  out.transaction = json::get_text(trace, "transaction");
  out.sample_rate = get_double(trace, "sample_rate");
  out.sample_rand = get_double(trace, "sample_rand");
  out.sampled = json::get_bool(trace, "sampled");
  return out;
}

Result<EnvelopeHeader> read_header(std::string_view line) {
  if (line.size() > limits::kMaxEnvelopeHeaderBytes)
    return fail(ErrorKind::too_large,
                "envelope header: over " + std::to_string(limits::kMaxEnvelopeHeaderBytes) + " bytes");
  auto doc = json::Document::parse(line);
  if (!doc) return tl::unexpected(std::move(doc).error().within("envelope header"));
  const json::Value root = doc->root();
  if (!root.is_object()) return fail(ErrorKind::invalid_argument, "envelope header: expected a JSON object");
  EnvelopeHeader out;
  if (const auto id = json::get_string(root, "event_id")) out.event_id = Id128::parse(*id).value_or(Id128{});
  out.dsn = json::get_text(root, "dsn");
  out.sent_at = json::get_time(root, "sent_at");
  if (const auto trace = json::get(root, "trace"); trace && trace->is_object())
    out.trace = read_trace(*trace);
  if (const auto sdk = json::get(root, "sdk")) {
    out.sdk_name = json::get_text(*sdk, "name");
    out.sdk_version = json::get_text(*sdk, "version");
  }
  return out;
}

/// Reads one item off the front of `rest`.
Result<Item> take_item(std::string_view& rest) {
  Item item;
  item.headers = take_line(rest);
  if (item.headers.size() > limits::kMaxEnvelopeHeaderBytes)
    return fail(ErrorKind::too_large,
                "item header: over " + std::to_string(limits::kMaxEnvelopeHeaderBytes) + " bytes");
  auto doc = json::Document::parse(item.headers);
  if (!doc) return tl::unexpected(std::move(doc).error().within("item header"));
  const json::Value root = doc->root();
  if (!root.is_object()) return fail(ErrorKind::invalid_argument, "item header: expected a JSON object");
  item.type_name = json::get_text(root, "type");
  item.type = item_type_from(item.type_name);
  item.content_type = json::get_text(root, "content_type");
  item.filename = json::get_text(root, "filename");
  item.attachment_type = json::get_text(root, "attachment_type");
  if (const auto count = json::get(root, "item_count")) item.item_count = json::uint_of(*count);
  const auto length_field = json::get(root, "length");
  if (!length_field || length_field->is_null()) {
    item.payload = take_line(rest);
    return item;
  }
  const auto length = json::uint_of(*length_field);
  if (!length) return fail(ErrorKind::invalid_argument, "item header: length must be a whole number");
  if (*length > rest.size())
    return fail(ErrorKind::invalid_argument, "item payload: length says " + std::to_string(*length) +
                                                 " bytes, " + std::to_string(rest.size()) + " are left");
  item.payload = rest.substr(0, *length);
  rest.remove_prefix(*length);
  if (!rest.empty() && rest.front() != '\n')
    return fail(ErrorKind::invalid_argument, "item payload: no newline after its length");
  if (!rest.empty()) rest.remove_prefix(1);
  return item;
}

}  // namespace

std::string_view to_string(ItemType type) {
  for (const ItemName& n : kItemNames)
    if (n.type == type) return n.name;
  return "unknown";
}

ItemType item_type_from(std::string_view name) {
  for (const ItemName& n : kItemNames)
    if (n.name == name) return n.type;
  return ItemType::unknown;
}

std::string_view rate_limit_category(ItemType type) {
  for (const ItemName& n : kItemNames)
    if (n.type == type) return n.category;
  return "default";
}

Result<EnvelopeHeader> parse_envelope_header(std::string_view bytes) { return read_header(take_line(bytes)); }

Result<Envelope> parse_envelope(std::string_view bytes) {
  if (bytes.size() > limits::kMaxEnvelopeBytes)
    return fail(ErrorKind::too_large,
                "envelope: over " + std::to_string(limits::kMaxEnvelopeBytes) + " bytes");
  Envelope out;
  TT_ASSIGN(out.header, read_header(take_line(bytes)));
  std::size_t index = 0;
  while (!bytes.empty()) {
    if (bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    if (index == limits::kMaxEnvelopeItems) {
      out.errors.add(index, "envelope: over " + std::to_string(limits::kMaxEnvelopeItems) + " items");
      break;
    }
    auto item = take_item(bytes);
    if (!item) {
      if (out.items.empty()) return tl::unexpected(std::move(item).error());
      out.errors.add(index, item.error().message());
      break;
    }
    out.items.push_back(*std::move(item));
    ++index;
  }
  return out;
}

}  // namespace telltale::wire::sentry
