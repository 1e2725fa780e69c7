// Opening and closing: the manifest is the truth; what it does not name is removed, what it names but cannot
// be read is set aside under quarantine/ and reported.
#include <algorithm>

#include "base/bytes.hpp"
#include "base/compress.hpp"
#include "tsdb/engine.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::string_view kQuarantineDir = "quarantine";
constexpr const char* kRefusedHelp = "New series that were over a limit, counted each time they were sent.";
constexpr io::FileFormat kCatalogReadFormat{{'T', 'T', 'S', 'C'}, 1, 1};
constexpr std::size_t kMaxCatalogBlock = 64 << 20;

/// The footer of a catalog file: its blocks, as pairs of offset and size.
Result<> read_catalog(io::FileSystem& fs, const std::string& path,
                      const std::function<Result<>(CatalogEntry)>& each) {
  TT_ASSIGN(const auto file, io::BlockFileReader::open(fs, path, kCatalogReadFormat));
  ByteReader footer(file->footer());
  for (std::uint64_t n = footer.varint(); n > 0 && footer.ok(); --n) {
    io::BlockHandle handle;
    handle.offset = footer.varint();
    handle.size = static_cast<std::uint32_t>(footer.varint());
    if (!footer.ok()) break;
    TT_ASSIGN(const std::string packed, file->read(handle));
    auto raw = decompress(Codec::zstd, packed, kMaxCatalogBlock);
    if (!raw) return fail(ErrorKind::corruption, path + ": " + raw.error().message());
    TT_TRY(decode_entries(*raw, each));
  }
  if (!footer.ok() || !footer.empty()) return fail(ErrorKind::corruption, path + ": malformed footer");
  return {};
}

bool sets_aside(const Error& e) {
  return e.kind() == ErrorKind::corruption || e.kind() == ErrorKind::not_found;
}

}  // namespace

Engine::Engine(io::FileSystem& fs, std::string dir, TsdbOptions options, const Clock& clock,
               const Logger& log, MetricsRegistry& metrics)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      clock_(clock),
      log_(log),
      quarantined_(metrics.counter("telltale_tsdb_quarantined_files_total", "Damaged files set aside.")),
      unknown_series_(metrics.counter("telltale_tsdb_unknown_series_samples_total",
                                      "Samples dropped because their series' definition was lost.")),
      created_series_(
          metrics.counter("telltale_tsdb_new_series_total", "Series that were not there before.")),
      refused_series_(metrics.counter("telltale_tsdb_refused_series_total", kRefusedHelp,
                                      {{"limit", "metrics.max_series"}})),
      refused_churn_(metrics.counter("telltale_tsdb_refused_series_total", kRefusedHelp,
                                     {{"limit", "metrics.max_new_series_per_hour"}})),
      expired_(metrics.counter("telltale_tsdb_expired_samples_total", "Samples that were past their time.")),
      checkpoints_(metrics.counter("telltale_tsdb_checkpoints_total", "Checkpoints written.")),
      merges_(metrics.counter("telltale_tsdb_merges_total", "Merges of parts.")),
      cache_(options.block_cache_bytes),
      retention_(std::make_shared<const MetricRetention>(options_.retention)),
      catalog_(options_.series) {}

Result<> Engine::open() {
  TT_TRY(fs_.make_dirs(dir_));
  // A folder made just now goes in a crash, with all that is in it, until its parents are synced.
  for (std::string dir = dir_; dir != "." && dir != "/";) {
    dir = io::parent_dir(dir);
    TT_TRY(fs_.sync_dir(dir));
  }
  TT_ASSIGN(auto manifest, load_manifest(fs_, dir_));
  if (manifest) manifest_ = std::move(*manifest);
  applied_ = manifest_.applied;
  catalog_.reserve_ids(manifest_.next_series);
  bool changed = false;
  TT_TRY(load_catalogs(changed));
  TT_TRY(load_parts(changed));
  if (changed) TT_TRY(publish_manifest(fs_, dir_, manifest_));
  return remove_orphans();
}

Result<> Engine::load_catalogs(bool& changed) {
  std::vector<std::uint64_t> kept;
  for (const std::uint64_t number : manifest_.catalogs) {
    const std::string file = catalog_file(number);
    std::vector<SeriesId> loaded;
    auto status = read_catalog(fs_, path(file), [&](CatalogEntry e) -> Result<> {
      TT_TRY(catalog_.define(e.project, e.id, e.labels, e.used));
      loaded.push_back(e.id);
      return {};
    });
    if (status) {
      catalog_.mark_saved(loaded);
      kept.push_back(number);
    } else if (sets_aside(status.error())) {
      // What could be read of it stays in the catalog as unsaved, and the next checkpoint writes it again.
      quarantine(file, status.error());
      changed = true;
    } else {
      return status;
    }
  }
  manifest_.catalogs = std::move(kept);
  return {};
}

Result<> Engine::load_parts(bool& changed) {
  std::vector<PartMeta> kept;
  for (const PartMeta& meta : manifest_.parts) {
    auto part = Part::open(fs_, dir_, meta);
    if (part) {
      parts_.push_back(std::move(*part));
      kept.push_back(meta);
    } else if (sets_aside(part.error())) {
      quarantine(meta.file(), part.error());
      changed = true;
    } else {
      return tl::unexpected<Error>(std::move(part.error()));
    }
  }
  manifest_.parts = std::move(kept);
  return {};
}

Result<> Engine::remove_orphans() {
  std::set<std::string> named{std::string(kManifestFile)};
  for (const std::uint64_t c : manifest_.catalogs) named.insert(catalog_file(c));
  for (const PartMeta& p : manifest_.parts) named.insert(p.file());
  TT_ASSIGN(const auto files, fs_.list(dir_));
  for (const io::FileInfo& f : files) {
    if (f.is_dir || named.count(f.name) > 0) continue;
    TT_TRY(fs_.remove(path(f.name)));
    log_.info("tsdb orphan removed", {{"file", f.name}});
  }
  return {};
}

void Engine::quarantine(const std::string& file, const Error& why) {
  quarantined_.add();
  log_.error("tsdb file set aside", {{"file", path(file)}, {"reason", why.message()}});
  const std::string aside = path(kQuarantineDir);
  Result<> moved = fs_.make_dirs(aside);
  if (moved) moved = fs_.rename(path(file), io::join_path(aside, file));
  if (moved) moved = fs_.sync_dir(aside);
  if (!moved && moved.error().kind() != ErrorKind::not_found) {
    log_.error("tsdb file could not be moved aside",
               {{"file", path(file)}, {"reason", moved.error().message()}});
  }
}

Result<std::unique_ptr<Tsdb>> open_tsdb(io::FileSystem& fs, std::string dir, TsdbOptions options,
                                        const Clock& clock, const Logger& log, MetricsRegistry& metrics) {
  auto engine = std::make_unique<Engine>(fs, std::move(dir), options, clock, log, metrics);
  auto status = engine->open();
  if (!status) return tl::unexpected<Error>(std::move(status.error()).within("tsdb"));
  return std::unique_ptr<Tsdb>(std::move(engine));
}

}  // namespace telltale::tsdb
