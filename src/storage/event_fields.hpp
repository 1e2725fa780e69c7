// The two small aggregations every EventStore needs, so that stores agree on buckets, groups and order.
#pragma once

#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::storage {

/// The fixed fields fields() reports, when a row has them: message, level and the id columns.
inline constexpr std::string_view kFixedFields[] = {"message",    "level",   "environment", "release",
                                                    "service",    "host",    "trace_id",    "span_id",
                                                    "request_id", "user_id", "transaction"};
inline constexpr std::size_t kFixedFieldCount = std::size(kFixedFields);

/// Counts by bucket and group. The bucket of a count without bucket size starts at range.from.
class EventCounter {
 public:
  explicit EventCounter(const EventCountQuery& query);
  UnixNanos bucket_of(UnixNanos time) const;
  /// resource_exhausted over max_groups distinct groups.
  Result<> add(UnixNanos time, std::string_view group, std::uint64_t rows);
  std::vector<EventCount> take();

 private:
  const std::int64_t bucket_ns_;
  const std::int64_t from_ns_;
  const std::size_t max_groups_;
  const std::string group_by_;
  std::map<std::string, std::size_t, std::less<>> groups_;
  std::map<std::pair<std::int64_t, std::size_t>, std::uint64_t> counts_;
};

class FieldCounter {
 public:
  /// With `kind`, of rows only attributes of that kind count.
  explicit FieldCounter(std::optional<AttrKind> kind = std::nullopt) : kind_(kind) {}
  std::optional<AttrKind> kind() const { return kind_; }
  void add(const EventRow& row);
  void add(std::string_view field, std::uint64_t rows);
  /// Most frequent first, then by name; `limit` 0: all.
  std::vector<std::pair<std::string, std::uint64_t>> take(std::size_t limit);

 private:
  std::array<std::uint64_t, kFixedFieldCount> fixed_{};
  std::unordered_map<std::string, std::uint64_t> named_;
  const std::optional<AttrKind> kind_;
};

/// The fields a query wants (EventQuery::fields), so that stores agree on what rows carry.
class FieldSet {
 public:
  explicit FieldSet(const std::vector<std::string>& fields);
  bool all() const { return all_; }
  /// By its number in kFixedFields.
  bool fixed(std::size_t i) const { return all_ || fixed_[i]; }
  bool attribute(std::string_view name) const { return all_ || attributes_.contains(name); }
  bool any_attribute() const { return all_ || !attributes_.empty(); }
  /// Replaces `to` by what is wanted of `from`; the payload stays out.
  void copy(const EventRow& from, EventRow& to) const;

 private:
  bool all_;
  std::array<bool, kFixedFieldCount> fixed_{};
  std::set<std::string, std::less<>> attributes_;
};

/// Whether the row has the fixed field number `i`.
bool has_fixed_field(const EventRow& row, std::size_t i);

}  // namespace telltale::storage
