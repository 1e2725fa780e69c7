// Everything that changes the store: applying batches in memory; checkpoints, merges and retention on disk. A
// change on disk always goes: write new files, publish the manifest, switch the state in memory, drop old
// files.
#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "base/bytes.hpp"
#include "base/compress.hpp"
#include "tsdb/engine.hpp"

namespace telltale::tsdb {
namespace {

constexpr io::FileFormat kCatalogWriteFormat{{'T', 'T', 'S', 'C'}, 1, 1};
constexpr std::size_t kCatalogBlockEntries = 1024;
constexpr std::size_t kMaxCatalogFiles = 16;
constexpr std::uint64_t kWorthwhileSamples = 16;  // of each series, before a large head is written …
constexpr std::size_t kMostHeads = 4;             // … unless it is so many times as large as it should be
// A series without samples stays this long after it was last asked for: a writer may hold its id.
constexpr std::int64_t kUnusedSeriesMs = kDayMs;

/// Size class of a part: powers of four of its samples.
int size_tier(std::uint64_t samples) {
  int tier = 0;
  for (samples /= 100'000; samples > 0; samples /= 4) ++tier;
  return tier;
}

}  // namespace

Result<> Engine::apply(Sequence sequence, const storage::Batch& batch) {
  std::unique_lock lock(state_);
  if (sequence <= applied_) return {};
  const UnixMillis now = now_ms();
  for (const storage::SeriesDef& def : batch.new_series) {
    TT_TRY(catalog_.define(batch.project, def.id, def.labels, now));
  }
  if (head_->empty() && !batch.samples.empty()) head_since_ = clock_.steady().count();
  std::uint64_t unknown = 0;
  constexpr std::size_t kAhead = 8;  // samples whose series is asked for before its turn
  for (std::size_t i = 0; i < batch.samples.size(); ++i) {
    if (i + kAhead < batch.samples.size()) head_->prefetch(batch.samples[i + kAhead].series);
    const storage::SamplePoint& p = batch.samples[i];
    if (catalog_.project_of(p.series) != batch.project) {
      ++unknown;
      continue;
    }
    head_->add(p.series, p.sample);
  }
  applied_ = sequence;
  if (!batch.samples.empty()) {
    const auto first =
        std::min_element(batch.samples.begin(), batch.samples.end(),
                         [](const auto& a, const auto& b) { return a.sample.time < b.sample.time; });
    changes_.samples(batch.project, first->sample.time.ms);
  }
  if (unknown > 0) {
    unknown_series_.add(unknown);
    log_.error("tsdb samples of unknown series dropped",
               {{"samples", unknown}, {"sequence", sequence.value}, {"project", batch.project.value}});
  }
  return {};
}

Sequence Engine::applied() const {
  std::shared_lock lock(state_);
  return applied_;
}

Sequence Engine::durable() const {
  std::shared_lock lock(state_);
  return manifest_.applied;
}

bool Engine::wants_checkpoint() const {
  std::shared_lock lock(state_);
  if (head_->empty() && frozen_.empty()) return false;
  // Many series with a few samples each take the room of their beginnings: to write them at once would make a
  // part of every scrape, and the next head would be as large again.
  const std::size_t bytes = head_->bytes();
  const bool has_grown = head_->samples() >= kWorthwhileSamples * head_->series();
  return (bytes >= options_.head_max_bytes && has_grown) || bytes >= kMostHeads * options_.head_max_bytes ||
         clock_.steady().count() - head_since_ >= options_.head_max_age.count();
}

Result<SeriesId> Engine::resolve(ProjectId project, const Labels& labels,
                                 std::vector<storage::SeriesDef>& defs) {
  std::unique_lock lock(state_);
  const std::uint64_t before = catalog_.next_id();
  auto id = catalog_.resolve(project, labels, now_ms(), defs);
  if (catalog_.next_id() != before) created_series_.add();
  if (!id) {
    const SeriesUse used = catalog_.use(project, now_ms());
    (used.series >= used.limits.max_series ? refused_series_ : refused_churn_).add();
  }
  return id;
}

void Engine::set_series_limits(SeriesLimits limits) {
  std::unique_lock lock(state_);
  catalog_.set_limits(limits);
}

SeriesUse Engine::series_use(ProjectId project) const {
  std::shared_lock lock(state_);
  return catalog_.use(project, now_ms());
}

void Engine::journaled(std::span<const storage::SeriesDef> defs) {
  std::unique_lock lock(state_);
  catalog_.journaled(defs);
}

Result<> Engine::checkpoint() {
  std::lock_guard writer(writer_);
  return write_checkpoint();
}

Result<> Engine::write_checkpoint() {
  Manifest next;
  Frozen heads;
  std::vector<SeriesId> fresh;
  bool compact = false;
  {
    std::unique_lock lock(state_);
    if (applied_ == manifest_.applied && head_->empty() && frozen_.empty()) return {};
    if (!head_->empty()) {
      head_->settle();
      frozen_.push_back(std::exchange(head_, std::make_shared<Head>()));
    }
    next = manifest_;
    next.applied = applied_;
    next.next_series = catalog_.next_id();
    heads = frozen_;
    compact = manifest_.catalogs.size() >= kMaxCatalogFiles;
    fresh = compact ? catalog_.all_applied() : catalog_.unsaved();
  }
  if (compact) next.catalogs.clear();
  if (!fresh.empty()) {
    TT_ASSIGN(const std::uint64_t number, write_catalog(next, fresh));
    next.catalogs.push_back(number);
  }
  Parts added;
  if (auto written = write_heads(next, heads, added); !written) {
    // No manifest names them, and a full disk wants its space back.
    for (const auto& part : added) part->make_obsolete();
    if (!fresh.empty()) (void)fs_.remove(path(catalog_file(next.catalogs.back())));
    return written;
  }
  TT_TRY(commit(std::move(next), added, {}, heads.size()));
  std::unique_lock lock(state_);
  catalog_.mark_saved(fresh);
  checkpoints_.add();
  return {};
}

std::uint64_t Engine::new_file(Manifest& next) {
  const std::uint64_t number = std::max(next_file_, next.next_file);
  next_file_ = next.next_file = number + 1;
  return number;
}

Result<std::uint64_t> Engine::write_catalog(Manifest& next, std::span<const SeriesId> ids) {
  const std::uint64_t number = new_file(next);
  TT_ASSIGN(const auto file,
            io::BlockFileWriter::create(fs_, path(catalog_file(number)), kCatalogWriteFormat));
  std::vector<io::BlockHandle> blocks;
  std::vector<CatalogEntry> entries;
  for (std::size_t at = 0; at < ids.size(); at += kCatalogBlockEntries) {
    entries.clear();
    {
      // Only maintenance drops series, and there is one writer at a time.
      std::shared_lock lock(state_);
      for (const SeriesId id : ids.subspan(at, std::min(kCatalogBlockEntries, ids.size() - at)))
        entries.push_back(catalog_.entry(id));
    }
    TT_ASSIGN(const io::BlockHandle handle, file->append(compress(Codec::zstd, encode_entries(entries), 3)));
    blocks.push_back(handle);
  }
  ByteWriter footer;
  footer.varint(blocks.size());
  for (const io::BlockHandle& b : blocks) {
    footer.varint(b.offset);
    footer.varint(b.size);
  }
  TT_TRY(file->publish(footer.view()));
  return number;
}

Result<std::shared_ptr<Part>> Engine::open_written(const PartMeta& meta) {
  auto part = Part::open(fs_, dir_, meta);
  if (!part) (void)fs_.remove(path(meta.file()));
  return part;
}

Result<> Engine::write_heads(Manifest& next, const Frozen& heads, Parts& added) {
  std::vector<SeriesId> ids;
  for (const auto& head : heads) head->for_each([&ids](SeriesId id) { ids.push_back(id); });
  if (heads.size() > 1) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
  if (ids.empty()) return {};
  std::map<std::int64_t, std::unique_ptr<PartWriter>> days;
  const std::uint64_t order = next.next_order++;
  SampleRun run;
  for (const SeriesId id : ids) {
    run.clear();
    for (const auto& head : heads) head->read(id, kAllTime, run);
    for (std::size_t at = 0; at < run.size();) {
      const std::int64_t day = day_of(run.times[at]);
      std::size_t end = at;
      if (day_of(run.times.back()) == day) {
        end = run.size();
      } else {
        while (day_of(run.times[end]) == day) ++end;
      }
      auto& writer = days[day];
      if (!writer) {
        TT_ASSIGN(writer, PartWriter::create(fs_, dir_, new_file(next), day, order));
      }
      TT_TRY(writer->add(id, run.slice().part(at, end - at)));
      at = end;
    }
  }
  for (auto& [day, writer] : days) {
    TT_ASSIGN(const PartMeta meta, writer->publish());
    TT_ASSIGN(auto part, open_written(meta));
    next.parts.push_back(meta);
    added.push_back(std::move(part));
  }
  return {};
}

Result<> Engine::commit(Manifest next, const Parts& added, const std::set<std::uint64_t>& removed_parts,
                        std::size_t frozen_done, bool same_samples) {
  const auto by_day = [](const auto& a, const auto& b) {
    return std::tie(a.day, a.order) < std::tie(b.day, b.order);
  };
  std::erase_if(next.parts, [&](const PartMeta& p) { return removed_parts.count(p.number) > 0; });
  std::sort(next.parts.begin(), next.parts.end(), by_day);
  TT_TRY(publish_manifest(fs_, dir_, next));
  Parts dropped;  // destroyed, and so unlinked, after the lock
  std::vector<std::uint64_t> old_catalogs;
  {
    std::unique_lock lock(state_);
    std::swap(old_catalogs, manifest_.catalogs);
    manifest_ = std::move(next);
    if (!removed_parts.empty() && !same_samples) changes_.everything();
    frozen_.erase(frozen_.begin(), frozen_.begin() + static_cast<std::ptrdiff_t>(frozen_done));
    for (auto& p : parts_) {
      if (removed_parts.count(p->meta().number) > 0) dropped.push_back(p);
    }
    std::erase_if(parts_, [&](const auto& p) { return removed_parts.count(p->meta().number) > 0; });
    parts_.insert(parts_.end(), added.begin(), added.end());
    std::sort(parts_.begin(), parts_.end(),
              [&](const auto& a, const auto& b) { return by_day(a->meta(), b->meta()); });
    std::erase_if(holds_, [](const auto& h) { return h.expired(); });
    for (const std::uint64_t c : old_catalogs) {
      const auto& live = manifest_.catalogs;
      if (std::find(live.begin(), live.end(), c) == live.end()) held_files_.push_back(catalog_file(c));
    }
  }
  for (auto& p : dropped) p->make_obsolete();
  std::vector<std::string> unlink;
  {
    std::unique_lock lock(state_);
    if (holds_.empty()) std::swap(unlink, held_files_);
  }
  for (const std::string& file : unlink) (void)fs_.remove(path(file));
  return {};
}

Result<> Engine::maintenance() {
  std::lock_guard writer(writer_);
  TT_TRY(set_damaged_aside());
  TT_TRY(expire_parts());
  TT_TRY(merge_parts());
  return drop_series();
}

Result<> Engine::set_damaged_aside() {
  std::set<std::uint64_t> gone;
  std::vector<std::string> files;
  Manifest next;
  {
    std::shared_lock lock(state_);
    for (const auto& p : parts_) {
      if (!p->damaged()) continue;
      gone.insert(p->meta().number);
      files.push_back(p->meta().file());
    }
    next = manifest_;
  }
  if (gone.empty()) return {};
  // Moved first: commit() must not unlink it, and a crash between the two finds it missing and goes on.
  for (const std::string& f : files)
    quarantine(f, Error(ErrorKind::corruption, "damage found while reading"));
  return commit(std::move(next), {}, gone, 0);
}

Result<> Engine::merge_parts() {
  // One merge a day and call: neighbours in order, of about one size. Each is committed by itself.
  std::map<std::int64_t, Parts> days;
  {
    std::shared_lock lock(state_);
    for (const auto& p : parts_) days[p->meta().day].push_back(p);
  }
  for (const auto& [day, parts] : days) {
    for (std::size_t at = 0; at + options_.merge_fan_in <= parts.size(); ++at) {
      Parts inputs;
      std::uint64_t samples = 0;
      const int tier = size_tier(parts[at]->meta().samples);
      for (std::size_t i = at; i < parts.size() && size_tier(parts[i]->meta().samples) <= tier; ++i) {
        if (samples + parts[i]->meta().samples > options_.merge_max_samples) break;
        samples += parts[i]->meta().samples;
        inputs.push_back(parts[i]);
      }
      if (inputs.size() < std::max<std::size_t>(2, options_.merge_fan_in)) continue;
      Manifest next;
      {
        std::shared_lock lock(state_);
        next = manifest_;
      }
      Parts added;
      if (auto status = rewrite(next, inputs, {}, {}, added); !status) {
        // The damage is flagged on its part; the next round sets it aside.
        if (status.error().kind() == ErrorKind::corruption) break;
        return status;
      }
      std::set<std::uint64_t> gone;
      for (const auto& p : inputs) gone.insert(p->meta().number);
      TT_TRY(commit(std::move(next), added, gone, 0, true));
      merges_.add();
      break;
    }
  }
  return {};
}

Result<> Engine::drop_series() {
  Manifest next;
  std::vector<SeriesId> kept;
  {
    std::unique_lock lock(state_);
    const auto is_live = [this](SeriesId id) {
      return head_->contains(id) ||
             std::any_of(frozen_.begin(), frozen_.end(), [id](const auto& h) { return h->contains(id); }) ||
             std::any_of(parts_.begin(), parts_.end(),
                         [id](const auto& p) { return p->series().contains(id); });
    };
    // A definition that the manifest's sequence does not cover comes back with replay; it must not go before.
    std::unordered_set<SeriesId> unsaved;
    for (const SeriesId id : catalog_.unsaved()) unsaved.insert(id);
    const std::int64_t oldest = now_ms().ms - kUnusedSeriesMs;
    const std::size_t gone = catalog_.drop([&](SeriesId id, UnixMillis used) {
      return used.ms >= oldest || unsaved.count(id) > 0 || is_live(id);
    });
    if (gone == 0) return {};
    log_.info("tsdb series without samples dropped", {{"series", gone}});
    next = manifest_;
    next.catalogs.clear();
    next.next_series = catalog_.next_id();
    for (const SeriesId id : catalog_.all_applied()) {
      if (unsaved.count(id) == 0) kept.push_back(id);
    }
  }
  if (!kept.empty()) {
    TT_ASSIGN(const std::uint64_t number, write_catalog(next, kept));
    next.catalogs.push_back(number);
  }
  return commit(std::move(next), {}, {}, 0);
}

}  // namespace telltale::tsdb
