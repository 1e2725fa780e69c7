// The bodies of CloudWatch Logs' operations (AWS JSON 1.1) as plain structs, checked as the API reference
// asks: names by their alphabets, events in the order of time. invalid_argument names the parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::cloudwatch {

struct LogEvent {
  UnixNanos time;
  std::string message;
};

struct PutLogEvents {
  std::string group;
  std::string stream;
  std::vector<LogEvent> events;
};
Result<PutLogEvents> parse_put_log_events(std::string_view body);

/// Of every other operation; what one does not know is empty.
struct GroupRequest {
  std::string group;    // logGroupName, or the group in logGroupIdentifier or resourceArn
  std::string stream;   // logStreamName
  std::string prefix;   // logGroupNamePrefix, logStreamNamePrefix
  std::string pattern;  // logGroupNamePattern: a part of the name
  std::string next_token;
  std::optional<std::int64_t> limit;
  std::string order_by;
  bool descending = false;
  std::optional<std::int64_t> retention_days;
  TextPairs tags;
  std::vector<std::string> tag_keys;
};
Result<GroupRequest> parse_group_request(std::string_view body);

/// 1 to 512 of a-z, A-Z, 0-9 and `_-/.#`.
Result<> check_group_name(std::string_view name);
/// 1 to 512 bytes without ':' and '*'.
Result<> check_stream_name(std::string_view name);
/// One of the numbers of days that CloudWatch knows.
bool is_retention(std::int64_t days);

/// `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP`, with `:log-stream:STREAM` where one is given.
std::string arn_of(std::string_view region, std::string_view account, std::string_view group,
                   std::string_view stream = {});

}  // namespace telltale::wire::cloudwatch
