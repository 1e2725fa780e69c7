#include "ingest/series_cache.hpp"

#include <algorithm>

namespace telltale::ingest {
namespace {

constexpr std::size_t kFirstPlaces = 1024;
constexpr std::size_t kLookAhead = 8;  // keys whose place is fetched while others are looked up

std::uint32_t seconds_of(UnixNanos now) { return static_cast<std::uint32_t>(now.ns / 1'000'000'000); }

}  // namespace

const SeriesTable::Entry* SeriesTable::find(const Id128& key) const {
  if (entries_.empty()) return nullptr;
  for (std::size_t i = place(key);; i = (i + 1) & (entries_.size() - 1)) {
    if (entries_[i].key == key) return &entries_[i];
    if (!entries_[i].key.present()) return nullptr;
  }
}

void SeriesTable::prefetch(const Id128& key) const {
  if (!entries_.empty()) __builtin_prefetch(&entries_[place(key)]);
}

void SeriesTable::put(const Entry& entry) {
  if (entries_.size() * 3 <= size_ * 4) grow();
  for (std::size_t i = place(entry.key);; i = (i + 1) & (entries_.size() - 1)) {
    if (entries_[i].key == entry.key) {
      entries_[i] = entry;
      return;
    }
    if (entries_[i].key.present()) continue;
    entries_[i] = entry;
    ++size_;
    return;
  }
}

void SeriesTable::grow() {
  std::vector<Entry> old(std::max(kFirstPlaces, entries_.size() * 2));
  std::swap(old, entries_);
  size_ = 0;
  for (const Entry& e : old) {
    if (e.key.present()) put(e);
  }
}

void SeriesTable::clear() {
  entries_ = {};
  size_ = 0;
}

SeriesCache::Project& SeriesCache::of(ProjectId project) {
  const MutexLock lock(mutex_);
  auto& found = projects_[project];
  if (!found) found = std::make_unique<Project>();
  return *found;
}

void SeriesCache::match_rules(Project& project, const std::shared_ptr<const redact::Redactor>& rules) {
  // Ownership, not the address: another redactor may come to lie where one was.
  const bool same = !project.rules.owner_before(rules) && !rules.owner_before(project.rules);
  if (same) return;
  project.newer.clear();
  project.older.clear();
  project.rules = rules;
}

void SeriesCache::put(Project& project, const SeriesTable::Entry& entry) const {
  if (project.newer.size() >= max_series_ / 2 && project.newer.find(entry.key) == nullptr) {
    project.older = std::move(project.newer);
    project.newer.clear();
  }
  project.newer.put(entry);
}

std::vector<SeriesId> SeriesCache::find(ProjectId id, const std::shared_ptr<const redact::Redactor>& rules,
                                        std::span<const Id128> keys, UnixNanos now) {
  std::vector<SeriesId> ids(keys.size());
  const std::uint32_t now_s = seconds_of(now);
  Project& project = of(id);
  const MutexLock lock(project.mutex);
  match_rules(project, rules);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + kLookAhead < keys.size()) project.newer.prefetch(keys[i + kLookAhead]);
    const auto* entry = project.newer.find(keys[i]);
    const bool aged = entry == nullptr;
    if (aged) entry = project.older.find(keys[i]);
    if (entry == nullptr || now_s - entry->checked_s > limits::kSeriesRecheckSeconds) continue;
    ids[i] = entry->id;
    if (aged) put(project, SeriesTable::Entry(*entry));
  }
  return ids;
}

void SeriesCache::add(ProjectId id, const std::shared_ptr<const redact::Redactor>& rules,
                      std::span<const std::pair<Id128, SeriesId>> series, UnixNanos now) {
  if (series.empty()) return;
  Project& project = of(id);
  const MutexLock lock(project.mutex);
  match_rules(project, rules);
  for (const auto& [key, series_id] : series) put(project, {key, series_id, seconds_of(now)});
}

std::size_t SeriesCache::size() const {
  const MutexLock lock(mutex_);
  std::size_t total = 0;
  for (const auto& [id, project] : projects_) {
    const MutexLock project_lock(project->mutex);
    total += project->newer.size() + project->older.size();
  }
  return total;
}

}  // namespace telltale::ingest
