#include "api/cloudwatch/operations.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "wire/cloudwatch/requests.hpp"

namespace telltale::api::cloudwatch {
namespace {

using wire::cloudwatch::GroupRequest;

/// Twelve digits, as AWS has them.
std::string account_of(const Caller& caller) {
  return fmt::format("{:012}", caller.principal.default_project().value);
}

enum class Names : unsigned char { none, group, stream };

/// Names are checked as they were sent; from there on they are the masked ones, as the rows have them.
Result<GroupRequest> read_request(const Call& call, Names required) {
  TT_ASSIGN(GroupRequest request, wire::cloudwatch::parse_group_request(call.body));
  if (required != Names::none) TT_TRY(wire::cloudwatch::check_group_name(request.group));
  if (required == Names::stream) TT_TRY(wire::cloudwatch::check_stream_name(request.stream));
  const auto mask = [&](std::string_view key, std::string& text) {
    call.services.ingest.mask_name(call.project(), key, text);
  };
  for (std::string* name : {&request.group, &request.stream, &request.prefix, &request.pattern})
    mask("", *name);
  for (auto& [key, value] : request.tags) {
    mask(key, value);
    mask("", key);
  }
  for (std::string& key : request.tag_keys) mask("", key);
  return request;
}

Result<GroupRequest> group_request(const Call& call) { return read_request(call, Names::group); }
Result<GroupRequest> stream_request(const Call& call) { return read_request(call, Names::stream); }

/// Where the events stopped and began to be too old or too new; nothing when all were taken.
void write_rejected(JsonWriter& w, const wire::cloudwatch::PutLogEvents& put, const ingest::Outcome& outcome,
                    UnixNanos now) {
  if (outcome.rejected.empty()) return;
  std::optional<std::size_t> too_old_end;
  std::optional<std::size_t> too_new_start;
  for (const auto& r : outcome.rejected) {
    if (r.index >= put.events.size()) continue;
    if (put.events[r.index].time < now) {
      too_old_end = std::max(too_old_end.value_or(0), r.index + 1);
    } else {
      too_new_start = std::min(too_new_start.value_or(r.index), r.index);
    }
  }
  w.key("rejectedLogEventsInfo").begin_object();
  if (too_old_end) w.field("tooOldLogEventEndIndex", static_cast<std::uint64_t>(*too_old_end));
  if (too_new_start) w.field("tooNewLogEventStartIndex", static_cast<std::uint64_t>(*too_new_start));
  w.end_object();
}

Result<std::string> put_log_events(const Call& call) {
  TT_ASSIGN(auto put, wire::cloudwatch::parse_put_log_events(call.body));
  for (std::string* name : {&put.group, &put.stream})
    call.services.ingest.mask_name(call.project(), "", *name);
  TT_TRY(call.groups.require_stream(call.project(), put.group, put.stream));
  TT_ASSIGN(const auto outcome, call.services.ingest.cloudwatch_put(call.project(), put));
  JsonWriter w;
  w.begin_object().field("nextSequenceToken", "49590302938470293847203948720394872039487203948720394872");
  write_rejected(w, put, outcome, call.services.clock.now());
  w.end_object();
  return w.take();
}

Result<std::string> create_log_group(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  TT_TRY(call.groups.create_group(call.project(), request.group, request.tags));
  return std::string();
}

Result<std::string> create_log_stream(const Call& call) {
  TT_ASSIGN(const auto request, stream_request(call));
  TT_TRY(call.groups.create_stream(call.project(), request.group, request.stream));
  return std::string();
}

std::size_t page_size(const GroupRequest& request) {
  const auto limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(request.limit.value_or(limits::kMaxDescribed), 1, limits::kMaxDescribed));
  return limit;
}

/// Writes the page of `all` (sorted by name) behind the token, and the next token.
template <class Named, class Write>
void write_page(JsonWriter& w, std::string_view key, const std::vector<Named>& all,
                const GroupRequest& request, Write write) {
  auto it = request.next_token.empty()
                ? all.begin()
                : std::upper_bound(all.begin(), all.end(), request.next_token,
                                   [](const std::string& token, const Named& n) { return token < n.name; });
  w.key(key).begin_array();
  std::string last;
  for (std::size_t n = page_size(request); it != all.end() && n > 0; ++it, --n) {
    write(*it);
    last = it->name;
  }
  w.end_array();
  if (it != all.end()) w.field("nextToken", last);
}

Result<std::string> describe_log_groups(const Call& call) {
  TT_ASSIGN(const auto request, read_request(call, Names::none));
  TT_ASSIGN(auto all, call.groups.groups(call.project(), request.prefix));
  if (!request.pattern.empty())
    std::erase_if(all, [&](const auto& g) { return g.name.find(request.pattern) == std::string::npos; });
  JsonWriter w;
  w.begin_object();
  write_page(w, "logGroups", all, request, [&](const ingest::LogGroup& group) {
    const std::string arn = wire::cloudwatch::arn_of(call.caller.region, account_of(call.caller), group.name);
    w.begin_object().field("logGroupName", group.name).field("creationTime", group.created.to_millis().ms);
    if (group.retention_days) w.field("retentionInDays", *group.retention_days);
    w.field("metricFilterCount", 0).field("arn", arn + ":*").field("logGroupArn", arn).end_object();
  });
  w.end_object();
  return w.take();
}

Result<std::string> describe_log_streams(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  if (!request.order_by.empty() && request.order_by != "LogStreamName")
    return fail(ErrorKind::invalid_argument, "orderBy: only LogStreamName is known here");
  TT_ASSIGN(auto all, call.groups.streams(call.project(), request.group, request.prefix));
  JsonWriter w;
  w.begin_object();
  write_page(w, "logStreams", all, request, [&](const ingest::LogStream& stream) {
    w.begin_object().field("logStreamName", stream.name).field("creationTime", stream.created.to_millis().ms);
    w.field("arn", wire::cloudwatch::arn_of(call.caller.region, account_of(call.caller), request.group,
                                            stream.name));
    w.end_object();
  });
  w.end_object();
  return w.take();
}

Result<std::string> put_retention(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  if (!request.retention_days || !wire::cloudwatch::is_retention(*request.retention_days))
    return fail(ErrorKind::invalid_argument, "retentionInDays: wants a number of days that CloudWatch knows");
  TT_TRY(call.groups.set_retention(call.project(), request.group, request.retention_days));
  return std::string();
}

Result<std::string> delete_retention(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  TT_TRY(call.groups.set_retention(call.project(), request.group, std::nullopt));
  return std::string();
}

Result<std::string> tag(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  TT_TRY(call.groups.change_tags(call.project(), request.group, request.tags, {}));
  return std::string();
}

Result<std::string> untag(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  TT_TRY(call.groups.change_tags(call.project(), request.group, {}, request.tag_keys));
  return std::string();
}

Result<std::string> list_tags(const Call& call) {
  TT_ASSIGN(const auto request, group_request(call));
  TT_ASSIGN(const auto group, call.groups.group(call.project(), request.group));
  JsonWriter w;
  w.begin_object().key("tags").begin_object();
  for (const auto& [key, value] : group.tags) w.field(key, value);
  w.end_object().end_object();
  return w.take();
}

/// Only what never got an event can be deleted truly.
Result<> require_no_events(const Call& call, const GroupRequest& request) {
  using storage::EventFilter;
  using storage::FilterOp;
  storage::EventQuery query;
  query.projects = {call.project()};
  query.filter = EventFilter::all_of({EventFilter::leaf(FilterOp::eq, "log_group", request.group)});
  if (!request.stream.empty())
    query.filter.children.push_back(EventFilter::leaf(FilterOp::eq, "log_stream", request.stream));
  query.limit = 1;
  query.fields = {"log_group"};
  TT_ASSIGN(const auto rows, storage::collect(call.services.events, query, call.context));
  if (rows.empty()) return {};
  return fail(ErrorKind::conflict,
              "OperationAbortedException: log events go by retention only; what has events is not deleted");
}

Result<std::string> delete_log_group(const Call& call) {
  TT_ASSIGN(auto request, group_request(call));
  request.stream.clear();
  TT_TRY(call.groups.group(call.project(), request.group));
  TT_TRY(require_no_events(call, request));
  TT_TRY(call.groups.forget_group(call.project(), request.group));
  return std::string();
}

Result<std::string> delete_log_stream(const Call& call) {
  TT_ASSIGN(const auto request, stream_request(call));
  TT_TRY(call.groups.require_stream(call.project(), request.group, request.stream));
  TT_TRY(require_no_events(call, request));
  TT_TRY(call.groups.forget_stream(call.project(), request.group, request.stream));
  return std::string();
}

struct Operation {
  std::string_view name;
  Result<std::string> (*run)(const Call&);
};

constexpr Operation kOperations[] = {
    {"PutLogEvents", put_log_events},
    {"CreateLogGroup", create_log_group},
    {"CreateLogStream", create_log_stream},
    {"DescribeLogGroups", describe_log_groups},
    {"DescribeLogStreams", describe_log_streams},
    {"PutRetentionPolicy", put_retention},
    {"DeleteRetentionPolicy", delete_retention},
    {"TagResource", tag},
    {"TagLogGroup", tag},
    {"UntagResource", untag},
    {"UntagLogGroup", untag},
    {"ListTagsForResource", list_tags},
    {"ListTagsLogGroup", list_tags},
    {"DeleteLogGroup", delete_log_group},
    {"DeleteLogStream", delete_log_stream},
};

}  // namespace

Result<std::string> run_operation(std::string_view name, const Call& call) {
  for (const Operation& operation : kOperations)
    if (operation.name == name) return operation.run(call);
  return fail(ErrorKind::not_found, fmt::format("UnknownOperationException: {}", name.substr(0, 100)));
}

std::string caller_identity(const Caller& caller) {
  // A token's name may have any characters; as an id it is its number.
  const std::string account = account_of(caller);
  return fmt::format(
      "<GetCallerIdentityResponse "
      "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
      "<Arn>arn:aws:iam::{0}:user/token-{1}</Arn><UserId>token-{1}</UserId><Account>{0}</Account>"
      "</GetCallerIdentityResult><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</"
      "RequestId>"
      "</ResponseMetadata></GetCallerIdentityResponse>",
      account, caller.principal.token);
}

}  // namespace telltale::api::cloudwatch
