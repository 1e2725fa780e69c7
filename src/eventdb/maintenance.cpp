// What happens between checkpoints: expired days go, damaged parts are moved aside, small parts of a day
// become larger ones. Every step publishes a manifest, so that a crash between steps costs nothing.
#include <algorithm>
#include <map>

#include "eventdb/engine.hpp"
#include "eventdb/partitions.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kMergeAtLeast = 4;
constexpr std::size_t kMergeAtMost = 16;
constexpr int kMergesPerRun = 8;
constexpr std::int64_t kDaySeconds = 86'400;

/// Parts of like size merge with each other: a row is rewritten once a tier, and tiers grow fourfold.
int merge_tier(std::uint64_t rows) {
  int tier = 0;
  for (std::uint64_t bound = 4096; rows > bound; bound *= 4) ++tier;
  return tier;
}

bool expired(const Part& part, const EventRetention& retention, UnixNanos now) {
  const Nanos keep = time_to_keep(retention, part.table(), part.retention_class());
  return keep.count() > 0 && UnixNanos::from_seconds((part.day() + 1) * kDaySeconds) <= now - keep;
}

bool holds(const std::vector<std::shared_ptr<Part>>& parts, const std::shared_ptr<Part>& part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

}  // namespace

Result<> Engine::maintenance() {
  MutexLock upkeep(upkeep_mutex_);
  TT_TRY(quarantine_damaged());
  TT_TRY(drop_expired());
  TT_TRY(merge_small());
  // A merge reads whole parts and may have found damage.
  TT_TRY(quarantine_damaged());
  word_cache_.forget(clock_.steady() - std::chrono::minutes(kPartWordCacheMinutes));
  update_gauges();
  return {};
}

Result<> Engine::replace_parts(const Parts& gone, const Parts& fresh) {
  MutexLock writer(writer_mutex_);
  Parts next;
  {
    MutexLock lock(mutex_);
    for (const auto& part : parts_)
      if (!holds(gone, part)) next.push_back(part);
  }
  next.insert(next.end(), fresh.begin(), fresh.end());
  TT_TRY(publish(durable(), durable_ordinal_, next, gone));
  MutexLock lock(mutex_);
  parts_ = std::move(next);
  return {};
}

EventRetention Engine::retention() const {
  MutexLock lock(mutex_);
  return retention_;
}

void Engine::set_retention(EventRetention retention) {
  MutexLock lock(mutex_);
  retention_ = std::move(retention);
}

Result<> Engine::drop_expired() {
  Parts gone;
  const UnixNanos now = clock_.now();
  {
    MutexLock lock(mutex_);
    for (const auto& part : parts_)
      if (expired(*part, retention_, now)) gone.push_back(part);
  }
  if (gone.empty()) return {};
  for (const auto& part : gone)
    log_.info("event part expired", {{"file", part->name()}, {"rows", part->rows()}});
  return replace_parts(gone, {});
}

Result<std::uint64_t> Engine::drop_oldest_day(Table table) {
  MutexLock upkeep(upkeep_mutex_);
  std::map<std::int64_t, Parts> days;
  {
    MutexLock lock(mutex_);
    for (const auto& part : parts_)
      if (part->table() == table && !part->damaged()) days[part->day()].push_back(part);
  }
  if (days.size() < 2) return 0;
  std::uint64_t bytes = 0;
  const Parts& gone = days.begin()->second;
  for (const auto& part : gone) {
    bytes += part->file_bytes();
    log_.warn("event part dropped for the disk budget", {{"file", part->name()}, {"rows", part->rows()}});
  }
  TT_TRY(replace_parts(gone, {}));
  update_gauges();
  return bytes;
}

Result<> Engine::quarantine_damaged() {
  MutexLock writer(writer_mutex_);
  Parts damaged;
  Parts next;
  {
    MutexLock lock(mutex_);
    for (const auto& part : parts_) (part->damaged() ? damaged : next).push_back(part);
  }
  if (damaged.empty()) return {};
  // Moved first: a part that is gone from the folder but still in the manifest is only reported again.
  for (const auto& part : damaged) {
    TT_TRY(set_aside(part->name()));
    MutexLock lock(mutex_);
    parts_.erase(std::remove(parts_.begin(), parts_.end(), part), parts_.end());
  }
  return publish(durable(), durable_ordinal_, next, {});
}

Result<> Engine::merge_small() {
  for (int run = 0; run < kMergesPerRun; ++run) {
    std::map<std::tuple<Table, std::int64_t, RetentionClass, int>, Parts> groups;
    {
      MutexLock lock(mutex_);
      for (const auto& part : parts_)
        if (!part->damaged())
          groups[{part->table(), part->day(), part->retention_class(), merge_tier(part->rows())}].push_back(
              part);
    }
    Parts inputs;
    for (auto& [key, parts] : groups) {
      if (parts.size() < kMergeAtLeast) continue;
      std::uint64_t rows = 0;
      for (const auto& part : parts) {
        if (inputs.size() == kMergeAtMost || rows + part->rows() > limits::kEventPartRows) break;
        rows += part->rows();
        inputs.push_back(part);
      }
      if (inputs.size() >= kMergeAtLeast) break;
      inputs.clear();
    }
    if (inputs.empty()) return {};
    auto done = merge(inputs);
    if (!done && done.error().kind() != ErrorKind::corruption) return done;
  }
  return {};
}

Result<> Engine::merge(const Parts& inputs) {
  const Nanos start = clock_.steady();
  std::vector<MergeInput> sources;
  for (const auto& part : inputs) {
    MergeInput source;
    for (std::uint32_t b = 0; b < part->blocks().size(); ++b) source.blocks.push_back({part, nullptr, b});
    sources.push_back(std::move(source));
  }
  const Part& first = *inputs.front();
  TT_ASSIGN(auto merged, write_part(first.table(), first.day(), first.retention_class(), std::move(sources)));
  TT_TRY(replace_parts(inputs, {merged}));
  merge_seconds_.observe(std::chrono::duration<double>(clock_.steady() - start).count());
  return {};
}

Result<VerifyReport> Engine::verify() {
  MutexLock upkeep(upkeep_mutex_);
  Parts parts;
  {
    MutexLock lock(mutex_);
    parts = parts_;
  }
  VerifyReport report;
  if (durable().value > 0) {
    auto bytes = io::read_file(fs_, io::join_path(dir_, kManifestName));
    if (!bytes && bytes.error().kind() != ErrorKind::not_found)
      return tl::unexpected<Error>(std::move(bytes).error());
    if (!bytes || !Manifest::decode(*bytes)) report.damaged.emplace_back(kManifestName);
  }
  for (const auto& part : parts) {
    ++report.files;
    report.bytes += part->file_bytes();
    auto good = part->verify();
    if (good) continue;
    if (good.error().kind() != ErrorKind::corruption) return tl::unexpected<Error>(std::move(good).error());
    report.damaged.push_back(part->name());
  }
  TT_TRY(quarantine_damaged());
  update_gauges();
  return report;
}

}  // namespace telltale::eventdb
