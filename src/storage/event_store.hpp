// The contract of the store for wide events. A query names one table, a set of projects, a time range and a
// filter tree over fields; rows come back in batches, newest or oldest first, late materialised: only the
// columns asked for are filled. One contract test suite (event_store_contract.hpp) runs on the embedded
// engine and on the in-memory implementation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.hpp"
#include "base/result.hpp"
#include "model/event_row.hpp"
#include "storage/derived_store.hpp"
#include "storage/event_words.hpp"
#include "storage/metric_store.hpp"

namespace telltale::storage {

enum class FilterOp : unsigned char {
  all,        // children: every one holds; with no children, true
  any,        // children: at least one holds
  none,       // children: not one holds
  eq,         // field's text equals value; with an empty value: the field is absent or empty
  contains,   // field's text contains value, byte for byte
  icontains,  // the same, ASCII case ignored
  regex,      // RE2 somewhere in the field's text; an absent field is empty text
  gt,
  ge,
  lt,
  le,         // field is a number and compares with value read as a number
  exists,     // the field is present and not empty
  in,         // field's text equals one of values
  json_line,  // line_says_field() of storage/json_line.hpp; field is a spelling or empty, value empty or
              // `number`
};

/// A tree. Field names are those of field_text() (model/event_row.hpp); `*` in a contains, icontains or regex
/// leaf means message, payload or any attribute.
struct EventFilter {
  FilterOp op = FilterOp::all;
  std::string field;
  std::string value;
  std::vector<EventFilter> children;
  std::vector<std::string> values;
  /// Of a leaf: the field is a spelling and its text spelled_text() (model/event_row.hpp). Not before `*`.
  bool any_spelling = false;

  static EventFilter all_of(std::vector<EventFilter> children) {
    return {FilterOp::all, {}, {}, std::move(children), {}, false};
  }
  static EventFilter leaf(FilterOp op, std::string field, std::string value = {}) {
    return {op, std::move(field), std::move(value), {}, {}, false};
  }
  static EventFilter spelled(FilterOp op, std::string spelling, std::string value = {}) {
    return {op, std::move(spelling), std::move(value), {}, {}, true};
  }
  /// The line is JSON and says of the spelling what the row's fields say.
  static EventFilter says(std::string spelling, bool as_number = false) {
    return {FilterOp::json_line, std::move(spelling), as_number ? "number" : "", {}, {}, true};
  }
  static EventFilter one_of(std::string field, std::vector<std::string> values) {
    return {FilterOp::in, std::move(field), {}, {}, std::move(values), false};
  }
};

/// A filter made ready to run on rows; the plain evaluator, and the oracle for faster ones.
class CompiledFilter {
 public:
  /// invalid_argument for a bad regular expression or number, naming the field.
  static Result<CompiledFilter> compile(const EventFilter& filter);
  bool matches(const EventRow& row) const;
  ~CompiledFilter();
  CompiledFilter(CompiledFilter&&) noexcept;
  CompiledFilter& operator=(CompiledFilter&&) noexcept;

 private:
  struct Node;
  explicit CompiledFilter(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

enum class Order : unsigned char { newest_first, oldest_first };

struct EventQuery {
  Table table = Table::logs;
  Projects projects;
  TimeRange range;
  EventFilter filter;
  Order order = Order::newest_first;
  std::size_t limit = 0;      // 0: none
  bool with_payload = false;  // payloads are large; left out unless asked for
  /// Of fields(): only attributes of this kind, and no fixed columns.
  std::optional<AttrKind> kind;
  /// Longer than zero: a cursor that has looked at some of the range may end after this time, see
  /// EventCursor::reached().
  Nanos patience{0};
  /// Names of field_text(): the only fields that rows carry, beside project and time. Empty: every field.
  std::vector<std::string> fields;
  /// As this store gave them (WordGroups::places): of the rows that it knew then, others may be left out.
  std::shared_ptr<const RowPlaces> places;
};

/// Rows with equal times come in the order of their acceptance (reversed for newest_first).
class EventCursor {
 public:
  virtual ~EventCursor() = default;
  /// Replaces `out` by the next rows (at most 1,024); empty at the end.
  virtual Result<> next(std::vector<EventRow>& out) = 0;
  /// Of a cursor that ended because its patience did: rows of later times (newest first; of earlier ones
  /// otherwise) were handed out, all others may be missing. A search that goes on from there has looked at
  /// more each time.
  virtual std::optional<UnixNanos> reached() const { return std::nullopt; }
};

/// Rows by time bucket and by the text of one field: a histogram of log volume, errors a minute, …
struct EventCountQuery {
  Table table = Table::logs;
  Projects projects;
  TimeRange range;
  EventFilter filter;
  Nanos bucket{0};       // 0: one bucket for the whole range; else buckets start at multiples of it
  std::string group_by;  // field name; empty: one group with an empty value
  std::size_t max_groups = 1000;
};
struct EventCount {
  UnixNanos bucket;  // its start
  std::string group;
  std::uint64_t count = 0;
};

/// What an aggregation computes of each group's rows. A row's number in a field is number_of() its text
/// (storage/event_filter.hpp); rows without one are left out. `count` of a field counts rows that have it not
/// empty, with an empty field it counts rows; `distinct` its distinct texts (DistinctSketch). `first` and
/// `last` are by time, then order of acceptance. `quantile`: QuantileSketch, within 1 %.
enum class MeasureOp : unsigned char { count, sum, min, max, first, last, quantile, distinct };
struct Measure {
  MeasureOp op = MeasureOp::count;
  std::string field;
  double q = 0;
};

struct EventAggregateQuery {
  Table table = Table::logs;
  Projects projects;
  TimeRange range;
  EventFilter filter;
  std::vector<std::string> group_by;  // field names; at most limits::kMaxGroupFields
  bool any_spelling = false;          // group_by and the measures' fields are spellings
  Nanos bucket{0};                    // 0: one bucket, range.from; else [origin + k * bucket, + bucket)
  UnixNanos origin{};
  std::vector<Measure> measures;  // at most limits::kMaxMeasures
  std::size_t max_groups = 10'000;
};
struct EventAggregateRow {
  UnixNanos bucket;                // its start
  std::vector<std::string> group;  // as group_by; absent is empty
  std::vector<double> values;      // as measures; NaN: no value
};

class EventStore : public DerivedStore {
 public:
  virtual Result<std::unique_ptr<EventCursor>> select(const EventQuery& query, WorkContext& context) = 0;
  /// Sorted by bucket, then group. resource_exhausted over max_groups.
  virtual Result<std::vector<EventCount>> count(const EventCountQuery& query, WorkContext& context) = 0;
  /// One row a bucket and group that has rows, sorted by bucket, then group. resource_exhausted over
  /// max_groups distinct groups or the context's memory; invalid_argument for too many fields, a negative
  /// bucket or q outside [0, 1].
  virtual Result<std::vector<EventAggregateRow>> aggregate(const EventAggregateQuery& query,
                                                           WorkContext& context) = 0;
  /// Field names seen in the range with an estimate of rows that have them, most frequent first.
  virtual Result<std::vector<std::pair<std::string, std::uint64_t>>> fields(const EventQuery& query,
                                                                            WorkContext& context) = 0;
  /// Which groups have rows that say words; rows without a group are left out. nullopt: the store has no such
  /// index, or not of this table and group, or cannot look for these needles (one that is not a whole text
  /// needs a letter or digit).
  virtual Result<std::optional<WordGroups>> word_groups(const WordQuery& query, WorkContext& context) {
    (void)query;
    (void)context;
    return std::optional<WordGroups>();
  }
};

/// All rows of a query, charged to `context` and never released; for small answers and tests.
Result<std::vector<EventRow>> collect(EventStore& store, const EventQuery& query, WorkContext& context);

}  // namespace telltale::storage
