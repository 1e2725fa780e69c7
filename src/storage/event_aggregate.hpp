// What every EventStore needs for aggregate(): the meaning of buckets and measures, once, and a plain
// aggregator that looks at one row after the other. Engines use the same MeasureState on columns.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/sketch.hpp"
#include "storage/event_store.hpp"

namespace telltale::storage {

/// invalid_argument, naming what is wrong with the query.
Result<> check_aggregate(const EventAggregateQuery& query);

/// The start of the bucket that `time` is in.
UnixNanos bucket_start(const EventAggregateQuery& query, UnixNanos time);

/// One measure of one group. Independent of the order of rows, the rounding of sums excepted.
class MeasureState {
 public:
  /// For `count` and `distinct`.
  void add_text(MeasureOp op, std::string_view text);
  void add_hash(std::uint64_t hash) {
    ++count_;
    sketches().distinct.add_hash(hash);
  }
  void add_to_quantile(double value) {
    ++count_;
    sketches().quantiles.add(value);
  }
  void add_rows(std::uint64_t rows) { count_ += rows; }
  /// For the others; not NaN.
  void add_number(MeasureOp op, double value, UnixNanos time, std::uint64_t ordinal);
  void merge(MeasureOp op, const MeasureState& other);
  double result(const Measure& measure) const;
  std::size_t memory_bytes() const;

 private:
  struct Sketches {
    QuantileSketch quantiles;
    DistinctSketch distinct;
  };
  Sketches& sketches() {
    if (!sketches_) sketches_ = std::make_unique<Sketches>();
    return *sketches_;
  }

  std::uint64_t count_ = 0;
  double value_ = 0;  // sum, least, greatest, first or last
  std::int64_t time_ = 0;
  std::uint64_t ordinal_ = 0;
  std::unique_ptr<Sketches> sketches_;
};

/// The error of a query with more groups than it allows.
Error too_many_groups(const EventAggregateQuery& query);

/// Not thread-safe. Charges the context for groups and their states and releases it when it goes.
class RowAggregator {
 public:
  RowAggregator(const EventAggregateQuery& query, WorkContext& context) : query_(query), context_(context) {}
  ~RowAggregator() { context_.release(charged_); }
  RowAggregator(const RowAggregator&) = delete;
  RowAggregator& operator=(const RowAggregator&) = delete;

  /// `ordinal`: the row's place in the order of acceptance.
  Result<> add(const EventRow& row, std::uint64_t ordinal);
  std::vector<EventAggregateRow> take();

 private:
  using Group = std::vector<std::string>;
  std::optional<std::string> text(const EventRow& row, const std::string& field) const;

  const EventAggregateQuery& query_;
  WorkContext& context_;
  std::size_t charged_ = 0;
  std::map<Group, std::size_t> groups_;
  std::map<std::pair<std::int64_t, std::size_t>, std::vector<MeasureState>> cells_;
};

}  // namespace telltale::storage
