#include "tsdb/catalog.hpp"

#include <algorithm>
#include <iterator>

#include "base/bytes.hpp"

namespace telltale::tsdb {
namespace {

using SortedIds = std::vector<SeriesId>;

void insert_sorted(SortedIds& ids, SeriesId id) {
  if (ids.empty() || ids.back() < id) {
    ids.push_back(id);
    return;
  }
  const auto it = std::lower_bound(ids.begin(), ids.end(), id);
  if (*it != id) ids.insert(it, id);
}

void erase_sorted(SortedIds& ids, SeriesId id) {
  const auto it = std::lower_bound(ids.begin(), ids.end(), id);
  if (it != ids.end() && *it == id) ids.erase(it);
}

SortedIds intersect(const SortedIds& a, const SortedIds& b) {
  SortedIds out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

SortedIds subtract(const SortedIds& a, const SortedIds& b) {
  SortedIds out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

std::size_t entry_bytes(const Labels& labels) {
  std::size_t n = 200;
  for (const Label& l : labels) n += 2 * sizeof(Label) + l.name.size() + l.value.size();
  return n;
}

}  // namespace

CatalogEntry* Catalog::lookup(const ProjectIndex& index, const Labels& labels, std::uint64_t hash) {
  const auto it = index.by_hash.find(hash);
  if (it == index.by_hash.end()) return nullptr;
  for (const SeriesId id : it->second) {
    CatalogEntry& entry = entries_.at(id);
    if (*entry.labels == labels) return &entry;
  }
  return nullptr;
}

CatalogEntry& Catalog::insert(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now) {
  ProjectIndex& index = projects_[project];
  CatalogEntry& entry = entries_[id];
  entry = {id, project, std::make_shared<const Labels>(labels), false, false, now};
  index.by_hash[labels.hash()].push_back(id);
  for (const Label& l : labels) insert_sorted(index.postings[l.name][l.value], id);
  insert_sorted(index.all, id);
  next_id_ = std::max(next_id_, id.value + 1);
  bytes_ += entry_bytes(labels);
  return entry;
}

Result<SeriesId> Catalog::resolve(ProjectId project, const Labels& labels, UnixMillis now,
                                  std::vector<storage::SeriesDef>& defs) {
  ProjectIndex& index = projects_[project];
  CatalogEntry* entry = lookup(index, labels, labels.hash());
  if (entry == nullptr) {
    if (index.all.size() >= max_series_) {
      return fail(ErrorKind::resource_exhausted, "project " + std::to_string(project.value) +
                                                     " has reached its limit of " +
                                                     std::to_string(max_series_) + " series");
    }
    entry = &insert(project, SeriesId{next_id_}, labels, now);
  }
  entry->used = std::max(entry->used, now);
  if (!entry->journaled) defs.push_back({entry->id, labels});
  return entry->id;
}

void Catalog::journaled(std::span<const storage::SeriesDef> defs) {
  for (const storage::SeriesDef& def : defs) {
    if (const auto it = entries_.find(def.id); it != entries_.end()) it->second.journaled = true;
  }
}

Result<> Catalog::define(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now) {
  const auto it = entries_.find(id);
  if (it != entries_.end() && (it->second.project != project || *it->second.labels != labels)) {
    return fail(ErrorKind::corruption, "series " + std::to_string(id.value) + " is defined twice: as " +
                                           it->second.labels->to_string() + " and as " + labels.to_string());
  }
  CatalogEntry& entry = it != entries_.end() ? it->second : insert(project, id, labels, now);
  entry.journaled = true;
  if (!entry.applied) unsaved_.insert(id);
  entry.applied = true;
  entry.used = std::max(entry.used, now);
  return {};
}

const CatalogEntry* Catalog::find(SeriesId id) const {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : &it->second;
}

std::vector<SeriesId> Catalog::match(ProjectId project,
                                     const std::vector<storage::LabelMatcher>& matchers) const {
  const auto it = projects_.find(project);
  if (it == projects_.end()) return {};
  const ProjectIndex& index = it->second;
  // Exact values first: each is one look-up, and what they leave is often so small that the other matchers
  // are cheaper asked of each series than of each value of the label.
  bool narrowed = false;
  SortedIds ids;
  std::vector<const storage::LabelMatcher*> rest;
  for (const storage::LabelMatcher& m : matchers) {
    if (m.op() != storage::MatchOp::eq || m.value().empty()) {
      rest.push_back(&m);
      continue;
    }
    const auto name = index.postings.find(m.name());
    if (name == index.postings.end()) return {};
    const auto value = name->second.find(m.value());
    if (value == name->second.end()) return {};
    ids = narrowed ? intersect(ids, value->second) : value->second;
    narrowed = true;
  }
  if (!narrowed) ids = index.all;
  for (const storage::LabelMatcher* m : rest) {
    const bool empty_matches = m->matches_empty();
    const auto name = index.postings.find(m->name());
    if (name == index.postings.end()) {
      if (empty_matches) continue;
      return {};
    }
    if (ids.size() < name->second.size()) {
      std::erase_if(ids, [&](SeriesId id) { return !m->matches(*entries_.at(id).labels); });
      continue;
    }
    // The values that decide: those that match, or, when absence matches too, those that do not.
    SortedIds deciding;
    for (const auto& [value, of_value] : name->second) {
      if (m->matches(value) != empty_matches)
        deciding.insert(deciding.end(), of_value.begin(), of_value.end());
    }
    std::sort(deciding.begin(), deciding.end());
    ids = empty_matches ? subtract(ids, deciding) : intersect(ids, deciding);
  }
  return ids;
}

std::vector<const CatalogEntry*> Catalog::unsaved() const {
  std::vector<const CatalogEntry*> out;
  for (const SeriesId id : unsaved_) out.push_back(&entries_.at(id));
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  return out;
}

void Catalog::mark_saved(std::span<const SeriesId> ids) {
  for (const SeriesId id : ids) unsaved_.erase(id);
}

std::vector<const CatalogEntry*> Catalog::all_applied() const {
  std::vector<const CatalogEntry*> out;
  for (const auto& [id, entry] : entries_) {
    if (entry.applied) out.push_back(&entry);
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  return out;
}

void Catalog::remove(const CatalogEntry& entry) {
  ProjectIndex& index = projects_[entry.project];
  const SeriesId id = entry.id;
  const std::uint64_t hash = entry.labels->hash();
  std::erase(index.by_hash[hash], id);
  if (index.by_hash[hash].empty()) index.by_hash.erase(hash);
  for (const Label& l : *entry.labels) {
    const auto name = index.postings.find(l.name);
    const auto value = name->second.find(l.value);
    erase_sorted(value->second, id);
    if (value->second.empty()) name->second.erase(value);
    if (name->second.empty()) index.postings.erase(name);
  }
  erase_sorted(index.all, id);
  bytes_ -= entry_bytes(*entry.labels);
  unsaved_.erase(id);
  entries_.erase(id);
}

std::size_t Catalog::drop(const std::function<bool(const CatalogEntry&)>& keep) {
  std::vector<SeriesId> gone;
  for (const auto& [id, entry] : entries_) {
    if (entry.applied && !keep(entry)) gone.push_back(id);
  }
  for (const SeriesId id : gone) remove(entries_.at(id));
  return gone.size();
}

std::string encode_entries(std::span<const CatalogEntry> entries) {
  ByteWriter out;
  out.varint(entries.size());
  for (const CatalogEntry& e : entries) {
    out.varint(e.id.value);
    out.varint(e.project.value);
    out.zigzag(e.used.ms);
    out.varint(e.labels->size());
    for (const Label& l : *e.labels) {
      out.string(l.name);
      out.string(l.value);
    }
  }
  return out.take();
}

Result<> decode_entries(std::string_view bytes, const std::function<Result<>(CatalogEntry)>& each) {
  ByteReader in(bytes);
  const std::uint64_t n = in.varint();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i) {
    CatalogEntry e;
    e.id.value = in.varint();
    e.project.value = static_cast<std::uint32_t>(in.varint());
    e.used.ms = in.zigzag();
    const std::uint64_t count = in.varint();
    std::vector<Label> labels;
    for (std::uint64_t k = 0; k < count && in.ok(); ++k) {
      std::string name(in.string());
      labels.push_back({std::move(name), std::string(in.string())});
    }
    if (!in.ok()) break;
    e.labels = std::make_shared<const Labels>(std::move(labels));
    TT_TRY(each(std::move(e)));
  }
  if (!in.ok() || !in.empty()) return fail(ErrorKind::corruption, "catalog block: malformed");
  return {};
}

}  // namespace telltale::tsdb
