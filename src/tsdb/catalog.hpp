// Which series there are: id ⇄ (project, labels), and postings (name → value → sorted ids) for each project.
// Ids are stable and never reused. A series made by resolve() counts as journaled once its definition has its
// place in the journal, and as applied once the journal's record reached this store; only applied ones are
// saved, since replay brings the others. Not thread-safe: the engine guards it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"
#include "storage/batch.hpp"
#include "storage/matcher.hpp"

namespace telltale::tsdb {

struct CatalogEntry {
  SeriesId id;
  ProjectId project;
  std::shared_ptr<const Labels> labels;
  bool journaled = false;
  bool applied = false;
  UnixMillis used;  // last time it was asked for, so that a series in use is not dropped
};

class Catalog {
 public:
  explicit Catalog(std::size_t max_series_per_project) : max_series_(max_series_per_project) {}

  /// See MetricStore::resolve.
  Result<SeriesId> resolve(ProjectId project, const Labels& labels, UnixMillis now,
                           std::vector<storage::SeriesDef>& defs);
  void journaled(std::span<const storage::SeriesDef> defs);
  /// corruption when the id means another series.
  Result<> define(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now);
  const CatalogEntry* find(SeriesId id) const;
  /// Ids of the project's series that all matchers hold for, ascending.
  std::vector<SeriesId> match(ProjectId project, const std::vector<storage::LabelMatcher>& matchers) const;

  /// Applied series that were not returned before.
  std::vector<const CatalogEntry*> unsaved() const;
  void mark_saved(std::span<const SeriesId> ids);
  std::vector<const CatalogEntry*> all_applied() const;
  /// Drops applied series that `keep` refuses; returns how many.
  std::size_t drop(const std::function<bool(const CatalogEntry&)>& keep);

  std::uint64_t next_id() const { return next_id_; }
  void reserve_ids(std::uint64_t next) { next_id_ = std::max(next_id_, next); }
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  using Ids = std::vector<SeriesId>;
  struct ProjectIndex {
    std::unordered_map<std::uint64_t, Ids> by_hash;
    std::map<std::string, std::map<std::string, Ids, std::less<>>, std::less<>> postings;
    Ids all;
  };
  CatalogEntry* lookup(const ProjectIndex& index, const Labels& labels, std::uint64_t hash);
  CatalogEntry& insert(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now);
  void remove(const CatalogEntry& entry);

  const std::size_t max_series_;
  std::uint64_t next_id_ = 1;
  std::size_t bytes_ = 0;
  std::unordered_map<SeriesId, CatalogEntry> entries_;
  std::unordered_map<ProjectId, ProjectIndex> projects_;
  std::unordered_set<SeriesId> unsaved_;
};

/// Entries as blocks of a catalog file.
std::string encode_entries(std::span<const CatalogEntry> entries);
Result<> decode_entries(std::string_view bytes, const std::function<Result<>(CatalogEntry)>& each);

}  // namespace telltale::tsdb
