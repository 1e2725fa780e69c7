// Records from before it was noted in which environments an issue was seen: what their events say is read
// once, beside running work, and until it is all there, searches by environment ask the events.
#pragma once

#include "storage/event_store.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

/// One thread.
class EnvironmentLearner {
 public:
  EnvironmentLearner(storage::EventStore& events, storage::RecordStore& records)
      : events_(events), records_(records) {}
  /// Reads on for about a second, newest first; true when the records know, at once if they did. Another
  /// process begins anew and comes to the same.
  Result<bool> step(WorkContext& context);

 private:
  storage::EventStore& events_;
  storage::RecordStore& records_;
  UnixNanos before_{INT64_MAX};  // what is left to read
  bool known_ = false;
};

}  // namespace telltale::errors
