// The most frequent values of some fields among the rows of a search, counted by the store over all of them.
// A field with more than limits::kMaxFacetValues values, or with very long ones, is described by the newest
// limits::kMaxFacetRows rows instead, and the answer says so.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::search {

struct FacetValue {
  std::string value;
  std::uint64_t count = 0;
};

struct Facet {
  std::string field;
  std::uint64_t rows = 0;          // that have the field
  std::uint64_t distinct = 0;      // values told apart, at most limits::kMaxFacetValues
  std::vector<FacetValue> values;  // most frequent first, then by value
};

struct Facets {
  std::vector<Facet> facets;
  std::uint64_t sampled_rows = 0;  // looked at: all, unless a field had too many values
  bool exact = true;
};

/// Counts values row by row. Values over limits::kMaxFacetValueBytes, and new ones once a field has
/// limits::kMaxFacetValues, count as rows only and make the answer inexact. Charges the context for what it
/// keeps.
class FacetCounter {
 public:
  FacetCounter(std::vector<std::string> fields, WorkContext& context);
  ~FacetCounter();
  FacetCounter(const FacetCounter&) = delete;
  FacetCounter& operator=(const FacetCounter&) = delete;

  Result<> add(const EventRow& row);
  std::uint64_t rows() const { return rows_; }
  /// At most `limit` values a field; fields in the order they were given.
  Facets take(std::size_t limit) const;

 private:
  struct Field {
    std::string name;
    std::uint64_t rows = 0;
    bool complete = true;
    std::unordered_map<std::string, std::uint64_t> values;
  };
  std::vector<Field> fields_;
  WorkContext& context_;
  std::size_t charged_ = 0;
  std::uint64_t rows_ = 0;
};

/// The fields worth a facet among these rows: the id columns first, then attributes, most frequent first.
/// Left out is what is different in every row by nature: messages, ids of requests, traces, spans and events,
/// durations.
std::vector<std::string> facet_fields(const std::vector<EventRow>& rows, std::size_t limit);

/// Of `rows`, table, projects, range and filter count. `fields` empty: those of facet_fields() for the newest
/// rows. Errors: the store's.
Result<Facets> facets(storage::EventStore& store, storage::EventQuery rows, std::vector<std::string> fields,
                      std::size_t limit, WorkContext& context);

}  // namespace telltale::search
