// A search's rows by conditions and, with `logql=`, by a log query as well: what its selector and filters say
// is asked of the store, the rest of its pipeline runs on each row.
#pragma once

#include <initializer_list>
#include <optional>

#include "api/services.hpp"
#include "logql/pipeline.hpp"

namespace telltale::api {

class RowSearch {
 public:
  /// Of filter_params() (api/own/params.hpp) and `logql`. invalid_argument.
  static Result<RowSearch> of(const net::HttpRequest& request,
                              std::initializer_list<std::string_view> own = {});

  const storage::EventFilter& filter() const { return filter_; }
  /// Whether keep() has anything to do.
  bool has_pipeline() const { return pipeline_.has_value(); }
  /// False: not one of the search. The message becomes the line as the query shows it, and what the query
  /// extracted stands among the attributes.
  bool keep(EventRow& row);

 private:
  storage::EventFilter filter_;
  std::optional<logql::Pipeline> pipeline_;
  logql::LogEntry shown_;
};

struct FoundRows {
  std::vector<EventRow> rows;
  /// EventCursor::reached(): the search goes on there.
  std::optional<UnixNanos> reached;
};
/// As storage::collect(), of what the search keeps.
Result<FoundRows> collect_rows(storage::EventStore& store, storage::EventQuery query, RowSearch& search,
                               WorkContext& context);

}  // namespace telltale::api
