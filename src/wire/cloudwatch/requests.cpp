#include "wire/cloudwatch/requests.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::cloudwatch {
namespace {

constexpr std::size_t kMaxNameBytes = 512;

tl::unexpected<Error> cw_bad(std::string what) { return fail(ErrorKind::invalid_argument, std::move(what)); }

/// The group in `arn:aws:logs:region:account:log-group:NAME[:*]`; anything else is a name itself.
std::string group_of_arn(std::string_view text) {
  constexpr std::string_view kMark = ":log-group:";
  const std::size_t at = text.find(kMark);
  if (!text.starts_with("arn:") || at == std::string_view::npos) return std::string(text);
  text.remove_prefix(at + kMark.size());
  return std::string(text.substr(0, text.find(':')));
}

Result<LogEvent> parse_event(json::Value value, std::size_t index) {
  const auto time = json::get_int(value, "timestamp");
  const auto message = json::get_string(value, "message");
  if (!time || *time < 0 || *time > INT64_MAX / 1'000'000)
    return cw_bad(fmt::format("logEvents[{}].timestamp: wants milliseconds since 1970", index));
  if (!message || message->empty()) return cw_bad(fmt::format("logEvents[{}].message: wants a text", index));
  return LogEvent{UnixNanos::from_millis({*time}), std::string(*message)};
}

}  // namespace

Result<PutLogEvents> parse_put_log_events(std::string_view body) {
  TT_ASSIGN(const auto doc, json::Document::parse(body));
  PutLogEvents out;
  out.group = group_of_arn(json::get_text(doc.root(), "logGroupName"));
  out.stream = json::get_text(doc.root(), "logStreamName");
  TT_TRY(check_group_name(out.group));
  TT_TRY(check_stream_name(out.stream));
  const auto events = json::get_array(doc.root(), "logEvents");
  if (!events || events->size() == 0) return cw_bad("logEvents: wants a list of events");
  // Not size(): a list of over 2^24 elements saturates it.
  std::size_t index = 0;
  for (const json::Value value : *events) {
    if (index >= limits::kMaxCloudWatchEvents)
      return cw_bad(fmt::format("logEvents: over {} events", limits::kMaxCloudWatchEvents));
    TT_ASSIGN(LogEvent event, parse_event(value, index));
    if (!out.events.empty() && event.time < out.events.back().time)
      return cw_bad("logEvents: Log events in a single PutLogEvents request must be in chronological order.");
    out.events.push_back(std::move(event));
    ++index;
  }
  return out;
}

Result<GroupRequest> parse_group_request(std::string_view body) {
  TT_ASSIGN(const auto doc, json::Document::parse(body.empty() ? std::string_view("{}") : body));
  const json::Value root = doc.root();
  if (!root.is_object()) return cw_bad("expected a JSON object");
  GroupRequest out;
  for (const auto* name : {"logGroupName", "logGroupIdentifier", "resourceArn"})
    if (out.group.empty()) out.group = group_of_arn(json::get_text(root, name));
  out.stream = json::get_text(root, "logStreamName");
  for (const auto* name : {"logGroupNamePrefix", "logStreamNamePrefix"})
    if (out.prefix.empty()) out.prefix = json::get_text(root, name);
  out.pattern = json::get_text(root, "logGroupNamePattern");
  out.next_token = json::get_text(root, "nextToken");
  out.limit = json::get_int(root, "limit");
  out.order_by = json::get_text(root, "orderBy");
  out.descending = json::get_bool(root, "descending").value_or(false);
  out.retention_days = json::get_int(root, "retentionInDays");
  if (const auto tags = json::get_object(root, "tags")) {
    for (const auto& [key, value] : *tags) {
      if (out.tags.size() >= limits::kMaxCloudWatchTags)
        return cw_bad(fmt::format("tags: over {} of them", limits::kMaxCloudWatchTags));
      if (key.size() > 128 || json::text_of(value).size() > 256)
        return cw_bad("tags: wants keys of up to 128 and values of up to 256 bytes");
      out.tags.emplace_back(std::string(key), json::text_of(value));
    }
  }
  for (const auto* name : {"tagKeys", "tags"}) {
    const auto keys = json::get_array(root, name);
    if (!keys) continue;
    for (const json::Value key : *keys) {
      if (out.tag_keys.size() >= limits::kMaxCloudWatchTags) break;
      out.tag_keys.push_back(json::text_of(key));
    }
  }
  return out;
}

Result<> check_group_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-/.#").find(c) != std::string_view::npos;
  };
  if (!name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), good)) return {};
  return cw_bad("logGroupName: wants 1 to 512 of a-z, A-Z, 0-9, '_', '-', '/', '.' and '#'");
}

Result<> check_stream_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && name.find_first_of(":*") == std::string_view::npos)
    return {};
  return cw_bad("logStreamName: wants 1 to 512 bytes without ':' and '*'");
}

bool is_retention(std::int64_t days) {
  constexpr std::int64_t kKnown[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                     365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
  return std::find(std::begin(kKnown), std::end(kKnown), days) != std::end(kKnown);
}

std::string arn_of(std::string_view region, std::string_view account, std::string_view group,
                   std::string_view stream) {
  std::string out = fmt::format("arn:aws:logs:{}:{}:log-group:{}", region, account, group);
  if (!stream.empty()) out += fmt::format(":log-stream:{}", stream);
  return out;
}

}  // namespace telltale::wire::cloudwatch
