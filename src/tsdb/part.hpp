// An immutable file with the samples of one day, made by a checkpoint or by merging. Chunks stand in the
// order of (series, time), several to a zstd block; the footer is the index, one entry a chunk. Format:
// docs/formats/tsdb.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "io/block_file.hpp"
#include "tsdb/sample_run.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {

inline constexpr std::int64_t kDayMs = 86'400'000;
inline std::int64_t day_of(std::int64_t ms) { return ms >= 0 ? ms / kDayMs : -((-ms + kDayMs - 1) / kDayMs); }

/// What the manifest says of a part.
struct PartMeta {
  std::uint64_t number = 0;  // file part-<number>.ttp
  std::int64_t day = 0;
  std::uint64_t order = 0;  // of parts of one day, the samples of the greater order win
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  std::uint64_t series = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::string file() const { return "part-" + std::to_string(number) + ".ttp"; }
};

struct ChunkEntry {
  SeriesId series;
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  std::uint32_t samples = 0;
  std::uint32_t block = 0;   // index into the blocks
  std::uint32_t offset = 0;  // in the uncompressed block
  std::uint32_t size = 0;
};

class PartWriter {
 public:
  static Result<std::unique_ptr<PartWriter>> create(io::FileSystem& fs, const std::string& dir,
                                                    std::uint64_t number, std::int64_t day,
                                                    std::uint64_t order);
  /// Series ascending, each once, with samples of the part's day only.
  Result<> add(SeriesId series, std::span<const std::int64_t> times, std::span<const double> values);
  Result<PartMeta> publish();
  bool empty() const { return chunks_.empty(); }

 private:
  Result<> flush();
  std::unique_ptr<io::BlockFileWriter> file_;
  PartMeta meta_;
  std::string block_;
  std::vector<std::pair<io::BlockHandle, std::uint32_t>> blocks_;  // with uncompressed size
  std::vector<ChunkEntry> chunks_;
};

/// A cursor's recently used blocks. Not thread-safe.
class BlockCache {
 public:
  std::shared_ptr<const std::string> get(const void* part, std::uint32_t block) const;
  void put(const void* part, std::uint32_t block, std::shared_ptr<const std::string> bytes);

 private:
  struct Slot {
    const void* part = nullptr;
    std::uint32_t block = 0;
    std::shared_ptr<const std::string> bytes;
  };
  static constexpr std::size_t kSlots = 32;
  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
  std::size_t next_ = 0;
};

/// Immutable apart from its flags; thread-safe. The file is removed with the last reference once it is
/// obsolete.
class Part {
 public:
  static Result<std::shared_ptr<Part>> open(io::FileSystem& fs, std::string dir, PartMeta meta);
  ~Part();

  const PartMeta& meta() const { return meta_; }
  const std::vector<ChunkEntry>& chunks() const { return chunks_; }
  std::span<const ChunkEntry> chunks_of(SeriesId series) const;
  bool overlaps(const storage::MillisRange& r) const {
    return meta_.min_ms <= r.max.ms && meta_.max_ms >= r.min.ms;
  }
  /// Merges the samples of `series` in the range into `out`, as newer ones.
  Result<> read(SeriesId series, const storage::MillisRange& range, BlockCache& cache, SampleRun& out) const;
  Result<bool> has_samples(SeriesId series, const storage::MillisRange& range, BlockCache& cache) const;
  Result<> verify() const;
  std::size_t memory_bytes() const { return chunks_.size() * sizeof(ChunkEntry); }

  void make_obsolete() { obsolete_ = true; }
  /// Set by the first read that finds damage; maintenance sets the part aside.
  bool damaged() const { return damaged_; }

 private:
  Part(io::FileSystem& fs, std::string dir, PartMeta meta)
      : fs_(fs), dir_(std::move(dir)), meta_(std::move(meta)) {}
  Result<> load_index();
  Result<std::shared_ptr<const std::string>> block(std::uint32_t index, BlockCache& cache) const;
  Result<> read_chunk(const ChunkEntry& chunk, BlockCache& cache, SampleRun& out) const;
  Error damage(Error error) const;

  io::FileSystem& fs_;
  const std::string dir_;
  const PartMeta meta_;
  std::unique_ptr<io::BlockFileReader> file_;
  std::vector<std::pair<io::BlockHandle, std::uint32_t>> blocks_;
  std::vector<ChunkEntry> chunks_;
  std::atomic<bool> obsolete_{false};
  mutable std::atomic<bool> damaged_{false};
};

}  // namespace telltale::tsdb
