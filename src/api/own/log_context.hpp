// The lines around a line, of the same stream or service. Lines of one time stand in the order in which they
// were accepted, so that what is before, the line itself and what is after cut the log in two exactly:
// nothing is missing and nothing comes twice, however many lines share the time.
#pragma once

#include "storage/event_store.hpp"

namespace telltale::api {

enum class ContextScope : unsigned char { stream, service };

struct ContextQuery {
  storage::Projects projects;
  storage::EventFilter filter;  // that finds the line
  UnixNanos time;
  std::string message;    // of the line, when several have the time; empty: the first of them
  std::size_t place = 0;  // among those of that message
  ContextScope scope = ContextScope::stream;
  std::size_t before = 10;
  std::size_t after = 10;
  Nanos reach{0};  // how far to look on either side
};

struct ContextLines {
  std::vector<EventRow> before;  // oldest first
  EventRow line;
  std::vector<EventRow> after;
  bool more_before = false;
  bool more_after = false;
};

/// not_found when there is no such line; else the store's errors.
Result<ContextLines> log_context(storage::EventStore& store, const ContextQuery& query, WorkContext& context);

}  // namespace telltale::api
