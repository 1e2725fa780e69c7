// Which series there are: id ⇄ (project, labels), and postings (name → value → series) for each project. Ids
// are stable and never reused. A series made by resolve() counts as journaled once its definition has its
// place in the journal, and as applied once the journal's record reached this store; only applied ones are
// saved, since replay brings the others.
//
// Labels are pairs of symbols in an arena that readers may hold on to: what they took under the engine's lock
// they can read, sort and print without it. Dropped series leave their texts there until the catalog is built
// anew, which happens when most of it is such.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"
#include "storage/batch.hpp"
#include "storage/matcher.hpp"
#include "tsdb/id_table.hpp"
#include "tsdb/postings.hpp"
#include "tsdb/symbols.hpp"
#include "tsdb/tsdb.hpp"
#include "tsdb/value_order.hpp"

namespace telltale::tsdb {

/// As a catalog file has it.
struct CatalogEntry {
  SeriesId id;
  ProjectId project;
  Labels labels;
  UnixMillis used;  // last time it was asked for, so that a series in use is not dropped
};

/// Name and value, as symbols.
struct SymbolPair {
  std::uint32_t name;
  std::uint32_t value;
};

/// What label references point into; lives as long as somebody reads there.
struct LabelArena {
  Symbols symbols;
  std::vector<std::unique_ptr<SymbolPair[]>> pages;
  std::size_t room = 0;
  SymbolPair* at = nullptr;
};

/// A label's values: in order if somebody has put them so since the last one came or went, else as they lie.
struct LabelValues {
  std::uint64_t version = 0;  // 0: there are none
  std::shared_ptr<const ValueOrder> order;
  std::vector<ValueOrder::Value> unordered;
};

/// A series' labels, in order of their names.
class LabelRef {
 public:
  LabelRef() = default;
  LabelRef(const LabelArena& arena, std::span<const SymbolPair> pairs) : arena_(&arena), pairs_(pairs) {}
  std::span<const SymbolPair> pairs() const { return pairs_; }
  Labels labels() const;
  /// Empty when absent.
  std::string_view get(std::string_view name) const;
  std::string_view name(std::size_t i) const { return arena_->symbols.text(pairs_[i].name); }
  std::string_view value(std::size_t i) const { return arena_->symbols.text(pairs_[i].value); }
  /// The order of Labels.
  std::strong_ordering compare(const LabelRef& other) const;
  bool equals(const Labels& labels) const;

 private:
  const LabelArena* arena_ = nullptr;
  std::span<const SymbolPair> pairs_;
};

/// Not thread-safe: the engine guards it.
class Catalog {
 public:
  explicit Catalog(SeriesLimits limits);

  void set_limits(SeriesLimits limits) { limits_ = limits; }
  /// Of the hour of `now`.
  SeriesUse use(ProjectId project, UnixMillis now) const;
  std::vector<ProjectId> projects() const;

  /// See MetricStore::resolve. The error names the setting that is the limit.
  Result<SeriesId> resolve(ProjectId project, const Labels& labels, UnixMillis now,
                           std::vector<storage::SeriesDef>& defs);
  void journaled(std::span<const storage::SeriesDef> defs);
  /// corruption when the id means another series.
  Result<> define(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now);
  /// Zero: there is none.
  ProjectId project_of(SeriesId id) const {
    const std::uint32_t slot = slots_.get(id);
    return slot == IdTable::kNone ? ProjectId{} : series_[slot].project;
  }
  /// Of a series that exists.
  LabelRef labels(SeriesId id) const { return labels_of(series_[slots_.get(id)]); }
  /// Keeps what LabelRefs point to.
  std::shared_ptr<const void> hold() const { return arena_; }

  /// Ids of the project's series that all matchers hold for, ascending.
  std::vector<SeriesId> match(ProjectId project, const std::vector<storage::LabelMatcher>& matchers) const;
  /// The values of a label in the project. Also beside other readers.
  LabelValues values(ProjectId project, std::string_view name) const;
  /// For those who ask next, if the values are those of that version still. Also beside other readers.
  void keep_order(ProjectId project, std::string_view name, std::uint64_t version,
                  std::shared_ptr<const ValueOrder> order) const;
  SeriesId id_of(std::uint32_t slot) const { return series_[slot].id; }
  /// Whether some series may have two ids, which is so after a catalog was lost.
  bool has_twins() const { return has_twins_; }

  /// Applied series that were not saved yet; ascending.
  std::vector<SeriesId> unsaved() const;
  void mark_saved(std::span<const SeriesId> ids);
  std::vector<SeriesId> all_applied() const;
  CatalogEntry entry(SeriesId id) const;
  /// Drops applied series that `keep` refuses; returns how many.
  std::size_t drop(const std::function<bool(SeriesId, UnixMillis used)>& keep);

  std::uint64_t next_id() const { return next_id_; }
  void reserve_ids(std::uint64_t next) { next_id_ = std::max(next_id_, next); }
  std::size_t size() const { return live_; }
  std::size_t bytes() const;

 private:
  struct Series {
    SeriesId id;
    const SymbolPair* pairs = nullptr;  // null: dropped
    ProjectId project;
    std::uint32_t used_s = 0;
    std::uint32_t hash = 0;
    std::uint16_t count = 0;
    bool journaled = false;
    bool applied = false;
  };
  struct HashSlot {
    std::uint32_t hash = 0;
    std::uint32_t slot = UINT32_MAX;
  };
  struct NameIndex {
    std::unordered_map<std::uint32_t, PostingList> values;  // by symbol
    std::uint64_t version = 0;                              // another one when a value comes or goes
    mutable std::shared_ptr<const ValueOrder> order;        // of this version; see order_mutex_
  };
  struct ProjectIndex {
    std::unordered_map<std::uint32_t, NameIndex> names;  // by symbol
    PostingList all;
    std::size_t live = 0;
  };

  /// Series that resolve() made in one hour of the clock.
  struct Made {
    std::int64_t hour = INT64_MIN;  // since 1970
    std::size_t series = 0;
  };

  LabelRef labels_of(const Series& s) const { return {*arena_, {s.pairs, s.count}}; }
  const ProjectIndex* index_of(ProjectId project) const;
  const NameIndex* index_of(ProjectId project, std::string_view name) const;
  Series* lookup(ProjectId project, const Labels& labels, std::uint32_t hash);
  Series& insert(ProjectId project, SeriesId id, const Labels& labels, std::uint32_t hash, UnixMillis now);
  void put_hash(std::uint32_t hash, std::uint32_t slot);
  void index(std::uint32_t slot);
  void rebuild();

  Result<> admit(ProjectId project, UnixMillis now);

  SeriesLimits limits_;
  std::uint64_t next_id_ = 1;
  std::shared_ptr<LabelArena> arena_;
  std::vector<Series> series_;  // in the order in which they came
  IdTable slots_;
  std::vector<HashSlot> by_hash_;
  std::size_t hashed_ = 0;
  std::unordered_map<ProjectId, ProjectIndex> projects_;
  mutable Mutex order_mutex_;  // over every NameIndex's order, which readers make
  std::uint64_t value_changes_ = 0;
  std::unordered_map<ProjectId, Made> made_;
  std::unordered_set<SeriesId> unsaved_;
  std::size_t live_ = 0;
  bool has_twins_ = false;
};

/// Entries as blocks of a catalog file.
std::string encode_entries(std::span<const CatalogEntry> entries);
Result<> decode_entries(std::string_view bytes, const std::function<Result<>(CatalogEntry)>& each);

}  // namespace telltale::tsdb
