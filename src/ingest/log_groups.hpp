// CloudWatch's log groups and streams, as far as they are things with a life: that they were created, when,
// with which tags and which wish for retention. Their events are rows like any other and do not depend on
// what is remembered here: a stream that is forgotten (the oldest, past limits::kMaxLogStreams) is created
// again by its shipper.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/records.hpp"
#include "wire/item_error.hpp"

namespace telltale::ingest {

struct LogGroup {
  std::string name;
  UnixNanos created;
  std::optional<std::int64_t> retention_days;  // as asked for; retention settings decide
  wire::TextPairs tags;
};

struct LogStream {
  std::string name;
  UnixNanos created;
};

/// Names are checked by the caller (wire/cloudwatch). not_found and conflict name the thing. Thread-safe.
class LogGroups {
 public:
  LogGroups(storage::RecordStore& records, const Clock& clock) : records_(records), clock_(clock) {}

  /// conflict when it exists; resource_exhausted past limits::kMaxLogGroups.
  Result<> create_group(ProjectId project, std::string_view group, const wire::TextPairs& tags);
  /// not_found for the group, conflict for the stream.
  Result<> create_stream(ProjectId project, std::string_view group, std::string_view stream);
  Result<> require_stream(ProjectId project, std::string_view group, std::string_view stream);
  Result<LogGroup> group(ProjectId project, std::string_view group);
  Result<> set_retention(ProjectId project, std::string_view group, std::optional<std::int64_t> days);
  /// Sets `tags` and removes `keys`. resource_exhausted past limits::kMaxCloudWatchTags.
  Result<> change_tags(ProjectId project, std::string_view group, const wire::TextPairs& tags,
                       const std::vector<std::string>& keys);
  /// Forgets the group and its streams, or the stream.
  Result<> forget_group(ProjectId project, std::string_view group);
  Result<> forget_stream(ProjectId project, std::string_view group, std::string_view stream);

  /// By name.
  Result<std::vector<LogGroup>> groups(ProjectId project, std::string_view prefix);
  Result<std::vector<LogStream>> streams(ProjectId project, std::string_view group, std::string_view prefix);

 private:
  Result<> put(ProjectId project, const LogGroup& group);
  Result<> forget_oldest_stream(ProjectId project);

  storage::RecordStore& records_;
  const Clock& clock_;
};

}  // namespace telltale::ingest
