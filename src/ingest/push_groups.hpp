// What batch jobs push as they would to Prometheus' Pushgateway: the last numbers of a group (`job` and
// whatever labels its path names) go on being visible until they are replaced or deleted, because every group
// is written again once a minute. A series that goes from a group ends with a stale marker.
//
// Groups are kept in the records, so that they survive a restart; at most limits::kMaxPushGroups a project.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/mutex.hpp"
#include "ingest/ingest.hpp"
#include "storage/records.hpp"

namespace telltale::ingest {

/// Labels of a group from the rest of a path behind `/metrics/`: `job/<job>{/<label>/<value>}`, where a name
/// with `@base64` behind it has a value in base64 (`=` alone is the empty value). invalid_argument says what
/// is wrong.
Result<Labels> group_from_path(std::string_view path);

/// Thread-safe.
class PushGroups {
 public:
  /// Reads the groups that are kept. Everything outlives it.
  static Result<std::unique_ptr<PushGroups>> open(storage::RecordStore& records, Ingest& ingest,
                                                  const Clock& clock, const Logger& log);

  /// `replace`: the whole group, as PUT does; else only families of the same names, as POST does.
  /// invalid_argument with the line for what is no text format, for samples with a time of their own and for
  /// labels that are not labels; resource_exhausted over a limit. Nothing changes then.
  Result<> push(ProjectId project, const Labels& group, std::string_view body,
                wire::prometheus::TextFormat format, bool replace);
  /// A group that is not there is no error.
  Result<> remove(ProjectId project, const Labels& group);
  /// Writes what is due again.
  void tick();
  std::size_t size() const;

 private:
  struct Number {
    Labels labels;  // with the group's
    std::string family;
    double value = 0;
  };
  struct Group {
    std::vector<Number> numbers;
    UnixMillis pushed;
    UnixMillis written;
  };
  using Key = std::pair<ProjectId, Labels>;

  PushGroups(storage::RecordStore& records, Ingest& ingest, const Clock& clock, const Logger& log)
      : records_(records), ingest_(ingest), clock_(clock), log_(log) {}
  static std::string setting_of(const Key& key);
  static std::string text_of(const Key& key, const Group& group);
  static Result<std::pair<Key, Group>> group_of(ProjectId project, std::string_view text);
  Result<> write(const Key& key, const Group& group, const std::vector<Labels>& gone, UnixMillis now);

  storage::RecordStore& records_;
  Ingest& ingest_;
  const Clock& clock_;
  const Logger& log_;
  mutable Mutex mutex_;  // one change at a time: pushes are rare
  std::map<Key, Group> groups_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
