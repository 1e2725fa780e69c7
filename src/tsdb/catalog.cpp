#include "tsdb/catalog.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::size_t kArenaPairs = 8192;
constexpr std::size_t kFirstHashSlots = 1024;  // a power of two
constexpr std::size_t kRebuildFloor = 10'000;  // dropped series that are not worth building anew for
constexpr std::int64_t kHourMs = 3'600'000;

std::uint32_t short_hash(ProjectId project, const Labels& labels) {
  const std::uint64_t h = labels.hash() ^ (std::uint64_t{project.value} * 0x9E3779B97F4A7C15ULL);
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

std::span<const SymbolPair> keep_pairs(LabelArena& arena, const Labels& labels) {
  if (labels.size() > arena.room) {
    const std::size_t size = std::max(kArenaPairs, labels.size());
    arena.pages.push_back(std::make_unique_for_overwrite<SymbolPair[]>(size));
    arena.at = arena.pages.back().get();
    arena.room = size;
  }
  SymbolPair* const first = arena.at;
  for (const Label& l : labels) *arena.at++ = {arena.symbols.intern(l.name), arena.symbols.intern(l.value)};
  arena.room -= labels.size();
  return {first, labels.size()};
}

}  // namespace

Labels LabelRef::labels() const {
  std::vector<Label> out;
  out.reserve(pairs_.size());
  for (std::size_t i = 0; i < pairs_.size(); ++i)
    out.push_back({std::string(name(i)), std::string(value(i))});
  return Labels(std::move(out));
}

std::string_view LabelRef::get(std::string_view wanted) const {
  for (std::size_t i = 0; i < pairs_.size(); ++i)
    if (name(i) == wanted) return value(i);
  return {};
}

std::strong_ordering LabelRef::compare(const LabelRef& other) const {
  const std::size_t both = std::min(pairs_.size(), other.pairs_.size());
  const bool one_arena = arena_ == other.arena_;
  for (std::size_t i = 0; i < both; ++i) {
    if (!one_arena || pairs_[i].name != other.pairs_[i].name)
      if (const auto c = name(i) <=> other.name(i); c != 0) return c;
    if (!one_arena || pairs_[i].value != other.pairs_[i].value)
      if (const auto c = value(i) <=> other.value(i); c != 0) return c;
  }
  return pairs_.size() <=> other.pairs_.size();
}

bool LabelRef::equals(const Labels& labels) const {
  if (labels.size() != pairs_.size()) return false;
  std::size_t i = 0;
  for (const Label& l : labels) {
    if (name(i) != l.name || value(i) != l.value) return false;
    ++i;
  }
  return true;
}

Catalog::Catalog(SeriesLimits limits)
    : limits_(limits), arena_(std::make_shared<LabelArena>()), by_hash_(kFirstHashSlots) {}

const Catalog::ProjectIndex* Catalog::index_of(ProjectId project) const {
  const auto it = projects_.find(project);
  return it == projects_.end() ? nullptr : &it->second;
}

Catalog::Series* Catalog::lookup(ProjectId project, const Labels& labels, std::uint32_t hash) {
  const std::size_t mask = by_hash_.size() - 1;
  for (std::size_t at = hash & mask; by_hash_[at].slot != UINT32_MAX; at = (at + 1) & mask) {
    if (by_hash_[at].hash != hash) continue;
    Series& s = series_[by_hash_[at].slot];
    if (s.pairs != nullptr && s.project == project && labels_of(s).equals(labels)) return &s;
  }
  return nullptr;
}

void Catalog::put_hash(std::uint32_t hash, std::uint32_t slot) {
  if (hashed_ >= by_hash_.size() / 4 * 3) {
    std::vector<HashSlot> old(by_hash_.size() * 2);
    old.swap(by_hash_);
    hashed_ = 0;
    for (const HashSlot& h : old)
      if (h.slot != UINT32_MAX) put_hash(h.hash, h.slot);
  }
  const std::size_t mask = by_hash_.size() - 1;
  std::size_t at = hash & mask;
  while (by_hash_[at].slot != UINT32_MAX) at = (at + 1) & mask;
  by_hash_[at] = {hash, slot};
  ++hashed_;
}

void Catalog::index(std::uint32_t slot) {
  const Series& s = series_[slot];
  ProjectIndex& project = projects_[s.project];
  for (const SymbolPair& p : labels_of(s).pairs()) {
    NameIndex& name = project.names[p.name];
    const auto [value, is_new] = name.values.try_emplace(p.value);
    if (is_new) {
      name.version = ++value_changes_;
      name.order = nullptr;
    }
    value->second.add(slot);
  }
  project.all.add(slot);
  ++project.live;
}

Catalog::Series& Catalog::insert(ProjectId project, SeriesId id, const Labels& labels, std::uint32_t hash,
                                 UnixMillis now) {
  const auto slot = static_cast<std::uint32_t>(series_.size());
  const auto pairs = keep_pairs(*arena_, labels);
  Series& s = series_.emplace_back();
  s.id = id;
  s.pairs = pairs.data();
  s.count = static_cast<std::uint16_t>(pairs.size());
  s.project = project;
  s.hash = hash;
  s.used_s = static_cast<std::uint32_t>(std::max<std::int64_t>(now.ms, 0) / 1000);
  slots_.set(id, slot);
  put_hash(hash, slot);
  index(slot);
  next_id_ = std::max(next_id_, id.value + 1);
  ++live_;
  return s;
}

SeriesUse Catalog::use(ProjectId project, UnixMillis now) const {
  SeriesUse out{0, 0, limits_};
  if (const ProjectIndex* index = index_of(project)) out.series = index->live;
  const auto made = made_.find(project);
  if (made != made_.end() && made->second.hour == now.ms / kHourMs) out.new_this_hour = made->second.series;
  return out;
}

std::vector<ProjectId> Catalog::projects() const {
  std::vector<ProjectId> out;
  for (const auto& [project, index] : projects_) out.push_back(project);
  std::sort(out.begin(), out.end());
  return out;
}

Result<> Catalog::admit(ProjectId project, UnixMillis now) {
  const SeriesUse used = use(project, now);
  const std::string who = "project " + std::to_string(project.value);
  if (used.series >= limits_.max_series)
    return fail(ErrorKind::resource_exhausted, who + " has reached its limit of " +
                                                   std::to_string(limits_.max_series) +
                                                   " series (metrics.max_series)");
  if (used.new_this_hour >= limits_.max_new_per_hour)
    return fail(ErrorKind::resource_exhausted, who + " has reached its limit of " +
                                                   std::to_string(limits_.max_new_per_hour) +
                                                   " new series an hour (metrics.max_new_series_per_hour)");
  made_[project] = {now.ms / kHourMs, used.new_this_hour + 1};
  return {};
}

Result<SeriesId> Catalog::resolve(ProjectId project, const Labels& labels, UnixMillis now,
                                  std::vector<storage::SeriesDef>& defs) {
  const std::uint32_t hash = short_hash(project, labels);
  Series* s = lookup(project, labels, hash);
  if (s == nullptr) {
    TT_TRY(admit(project, now));
    s = &insert(project, SeriesId{next_id_}, labels, hash, now);
  }
  s->used_s = std::max(s->used_s, static_cast<std::uint32_t>(std::max<std::int64_t>(now.ms, 0) / 1000));
  if (!s->journaled) defs.push_back({s->id, labels});
  return s->id;
}

void Catalog::journaled(std::span<const storage::SeriesDef> defs) {
  for (const storage::SeriesDef& def : defs) {
    if (const std::uint32_t slot = slots_.get(def.id); slot != IdTable::kNone) series_[slot].journaled = true;
  }
}

Result<> Catalog::define(ProjectId project, SeriesId id, const Labels& labels, UnixMillis now) {
  const std::uint32_t slot = slots_.get(id);
  if (slot != IdTable::kNone &&
      (series_[slot].project != project || !labels_of(series_[slot]).equals(labels))) {
    return fail(ErrorKind::corruption, "series " + std::to_string(id.value) + " is defined twice: as " +
                                           labels_of(series_[slot]).labels().to_string() + " and as " +
                                           labels.to_string());
  }
  const std::uint32_t hash = short_hash(project, labels);
  if (slot == IdTable::kNone && lookup(project, labels, hash) != nullptr) has_twins_ = true;
  Series& s = slot != IdTable::kNone ? series_[slot] : insert(project, id, labels, hash, now);
  s.journaled = true;
  if (!s.applied) unsaved_.insert(id);
  s.applied = true;
  s.used_s = std::max(s.used_s, static_cast<std::uint32_t>(std::max<std::int64_t>(now.ms, 0) / 1000));
  return {};
}

std::vector<SeriesId> Catalog::match(ProjectId project,
                                     const std::vector<storage::LabelMatcher>& matchers) const {
  const ProjectIndex* index = index_of(project);
  if (index == nullptr) return {};
  // Exact values first: each is one look-up, and what they leave is often so small that the other matchers
  // are cheaper asked of each series than of each value of the label.
  bool narrowed = false;
  SlotSet slots;
  std::vector<const storage::LabelMatcher*> rest;
  const auto name_of = [&](const storage::LabelMatcher& m) { return index_of(project, m.name()); };
  for (const storage::LabelMatcher& m : matchers) {
    if (m.op() != storage::MatchOp::eq || m.value().empty()) {
      rest.push_back(&m);
      continue;
    }
    const NameIndex* name = name_of(m);
    const auto symbol = arena_->symbols.find(m.value());
    if (name == nullptr || !symbol) return {};
    const auto value = name->values.find(*symbol);
    if (value == name->values.end()) return {};
    SlotSet of_value;
    value->second.add_to(of_value);
    if (narrowed) {
      slots &= of_value;
    } else {
      slots = std::move(of_value);
    }
    narrowed = true;
  }
  if (!narrowed) index->all.add_to(slots);
  for (const storage::LabelMatcher* m : rest) {
    const bool empty_matches = m->matches_empty();
    const NameIndex* name = name_of(*m);
    if (name == nullptr) {
      if (empty_matches) continue;
      return {};
    }
    if (const auto* words = m->alternatives();
        words != nullptr && m->op() == storage::MatchOp::re && !empty_matches) {
      SlotSet of_words;
      for (const std::string& word : *words) {
        const auto symbol = arena_->symbols.find(word);
        const auto value = symbol ? name->values.find(*symbol) : name->values.end();
        if (value != name->values.end()) value->second.add_to(of_words);
      }
      slots &= of_words;
      continue;
    }
    if (slots.cardinality() < name->values.size()) {
      SlotSet left;
      for (const std::uint32_t slot : slots)
        if (m->matches(labels_of(series_[slot]).get(m->name()))) left.add(slot);
      slots = std::move(left);
      continue;
    }
    // The values that decide: those that match, or, when absence matches too, those that do not.
    SlotSet deciding;
    for (const auto& [value, list] : name->values) {
      if (m->matches(arena_->symbols.text(value)) != empty_matches) list.add_to(deciding);
    }
    if (empty_matches) {
      slots -= deciding;
    } else {
      slots &= deciding;
    }
  }
  std::vector<SeriesId> out;
  out.reserve(slots.cardinality());
  for (const std::uint32_t slot : slots) out.push_back(series_[slot].id);
  if (!std::is_sorted(out.begin(), out.end())) std::sort(out.begin(), out.end());
  return out;
}

const Catalog::NameIndex* Catalog::index_of(ProjectId project, std::string_view name) const {
  const ProjectIndex* index = index_of(project);
  const auto symbol = arena_->symbols.find(name);
  if (index == nullptr || !symbol) return nullptr;
  const auto found = index->names.find(*symbol);
  return found == index->names.end() ? nullptr : &found->second;
}

LabelValues Catalog::values(ProjectId project, std::string_view name) const {
  LabelValues out;
  const NameIndex* index = index_of(project, name);
  if (index == nullptr) return out;
  out.version = index->version;
  {
    MutexLock lock(order_mutex_);
    out.order = index->order;
  }
  if (out.order) return out;
  out.unordered.reserve(index->values.size());
  for (const auto& [value, list] : index->values)
    out.unordered.push_back({arena_->symbols.text(value), &list});
  return out;
}

void Catalog::keep_order(ProjectId project, std::string_view name, std::uint64_t version,
                         std::shared_ptr<const ValueOrder> order) const {
  const NameIndex* index = index_of(project, name);
  if (index == nullptr || index->version != version) return;
  MutexLock lock(order_mutex_);
  index->order = std::move(order);
}

std::vector<SeriesId> Catalog::unsaved() const {
  std::vector<SeriesId> out(unsaved_.begin(), unsaved_.end());
  std::sort(out.begin(), out.end());
  return out;
}

void Catalog::mark_saved(std::span<const SeriesId> ids) {
  for (const SeriesId id : ids) unsaved_.erase(id);
}

std::vector<SeriesId> Catalog::all_applied() const {
  std::vector<SeriesId> out;
  for (const Series& s : series_)
    if (s.pairs != nullptr && s.applied) out.push_back(s.id);
  std::sort(out.begin(), out.end());
  return out;
}

CatalogEntry Catalog::entry(SeriesId id) const {
  const Series& s = series_[slots_.get(id)];
  return {id, s.project, labels_of(s).labels(), {std::int64_t{s.used_s} * 1000}};
}

std::size_t Catalog::drop(const std::function<bool(SeriesId, UnixMillis used)>& keep) {
  std::size_t gone = 0;
  for (std::uint32_t slot = 0; slot < series_.size(); ++slot) {
    Series& s = series_[slot];
    if (s.pairs == nullptr || !s.applied || keep(s.id, {std::int64_t{s.used_s} * 1000})) continue;
    ProjectIndex& project = projects_[s.project];
    for (const SymbolPair& p : labels_of(s).pairs()) {
      const auto name = project.names.find(p.name);
      const auto value = name->second.values.find(p.value);
      value->second.remove(slot);
      if (value->second.empty()) {
        name->second.values.erase(value);
        name->second.version = ++value_changes_;
        name->second.order = nullptr;
      }
      if (name->second.values.empty()) project.names.erase(name);
    }
    project.all.remove(slot);
    --project.live;
    slots_.set(s.id, IdTable::kNone);
    unsaved_.erase(s.id);
    s.pairs = nullptr;
    --live_;
    ++gone;
  }
  if (series_.size() - live_ > std::max(kRebuildFloor, live_)) rebuild();
  return gone;
}

void Catalog::rebuild() {
  const std::shared_ptr<LabelArena> old = std::move(arena_);
  arena_ = std::make_shared<LabelArena>();
  std::vector<Series> before;
  before.swap(series_);
  series_.reserve(live_);
  slots_ = {};
  by_hash_.assign(kFirstHashSlots, {});
  hashed_ = 0;
  projects_.clear();
  for (Series& s : before) {
    if (s.pairs == nullptr) continue;
    const Labels labels = LabelRef(*old, {s.pairs, s.count}).labels();
    const auto slot = static_cast<std::uint32_t>(series_.size());
    s.pairs = keep_pairs(*arena_, labels).data();
    series_.push_back(s);
    slots_.set(s.id, slot);
    put_hash(s.hash, slot);
    index(slot);
  }
}

std::size_t Catalog::bytes() const {
  std::size_t out = series_.capacity() * sizeof(Series) + slots_.bytes() +
                    by_hash_.capacity() * sizeof(HashSlot) + arena_->symbols.bytes() +
                    arena_->pages.size() * kArenaPairs * sizeof(SymbolPair);
  constexpr std::size_t kNode = 48;  // of a hash map with its value
  for (const auto& [id, project] : projects_) {
    out += project.all.bytes();
    for (const auto& [name, index] : project.names) out += index.values.size() * kNode;
  }
  // A list of many is a bitmap; each series is in as many as it has labels, at two bytes or so.
  return out + live_ * 16;
}

std::string encode_entries(std::span<const CatalogEntry> entries) {
  ByteWriter out;
  out.varint(entries.size());
  for (const CatalogEntry& e : entries) {
    out.varint(e.id.value);
    out.varint(e.project.value);
    out.zigzag(e.used.ms);
    out.varint(e.labels.size());
    for (const Label& l : e.labels) {
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
    e.labels = Labels(std::move(labels));
    TT_TRY(each(std::move(e)));
  }
  if (!in.ok() || !in.empty()) return fail(ErrorKind::corruption, "catalog block: malformed");
  return {};
}

}  // namespace telltale::tsdb
