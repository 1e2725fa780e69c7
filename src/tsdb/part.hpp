// An immutable file with the samples of one day, made by a checkpoint or by merging: blocks of chunks in the
// order of (series, time), and a footer that says of each block which series and times it holds. Format:
// docs/formats/tsdb.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/block_file.hpp"
#include "tsdb/block_cache.hpp"
#include "tsdb/id_runs.hpp"
#include "tsdb/stand_in.hpp"
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

/// Which samples a block holds, and where it stands.
struct BlockEntry {
  SeriesId first;
  SeriesId last;
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  io::BlockHandle handle;
  std::uint32_t size = 0;  // as parsed; that of the handle when the block is not compressed
};

class PartWriter {
 public:
  static Result<std::unique_ptr<PartWriter>> create(io::FileSystem& fs, const std::string& dir,
                                                    std::uint64_t number, std::int64_t day,
                                                    std::uint64_t order);
  /// Series ascending, each once, with samples of the part's day only.
  Result<> add(SeriesId series, const SampleSlice& samples);
  bool empty() const { return meta_.series == 0; }
  Result<PartMeta> publish();

 private:
  Result<> flush();
  std::unique_ptr<io::BlockFileWriter> file_;
  PartMeta meta_;
  BlockBuilder block_;
  IdRuns series_;
  SeriesId last_;
  std::vector<BlockEntry> blocks_;
};

/// What a reader that goes on from series to series keeps: where it read last in each part. Cheap when series
/// rise and parts come in the same order for each. Not thread-safe.
class BlockHold {
 public:
  explicit BlockHold(BlockCache& cache) : cache_(cache) {}
  BlockCache& cache() { return cache_; }
  struct Last {
    std::uint64_t part = 0;
    std::uint32_t block = 0;
    std::uint32_t chunk = 0;  // the next one in there
    std::shared_ptr<const PartBlock> value;
  };
  Last& last(std::uint64_t part);

 private:
  BlockCache& cache_;
  std::vector<Last> last_;
  std::size_t at_ = 0;  // the one asked for last
};

/// Immutable apart from its flags; thread-safe. The file is removed with the last reference once it is
/// obsolete.
class Part {
 public:
  /// Of any version that is still read.
  static Result<std::shared_ptr<Part>> open(io::FileSystem& fs, std::string dir, PartMeta meta);
  virtual ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  const PartMeta& meta() const { return meta_; }
  const IdRuns& series() const { return series_; }
  bool overlaps(const storage::MillisRange& r) const {
    return meta_.min_ms <= r.max.ms && meta_.max_ms >= r.min.ms;
  }
  /// Every series of the part has samples in the range.
  bool within(const storage::MillisRange& r) const {
    return meta_.min_ms >= r.min.ms && meta_.max_ms <= r.max.ms;
  }
  /// Merges the samples of `series` in the range into `out`, as newer ones; but for chunks that go to
  /// `instead`, if that is not null, as they are.
  virtual Result<> read(SeriesId series, const storage::MillisRange& range, BlockHold& hold, SampleRun& out,
                        StandIns* instead) const = 0;
  virtual Result<bool> has_samples(SeriesId series, const storage::MillisRange& range,
                                   BlockHold& hold) const = 0;
  virtual std::size_t memory_bytes() const = 0;
  /// Reads and checks every byte.
  Result<> verify() const { return file_->verify(); }

  void make_obsolete() { obsolete_ = true; }
  /// Set by the first read that finds damage; maintenance sets the part aside.
  bool damaged() const { return damaged_; }

 protected:
  Part(io::FileSystem& fs, std::string dir, PartMeta meta, std::unique_ptr<io::BlockFileReader> file)
      : file_(std::move(file)), fs_(fs), dir_(std::move(dir)), meta_(std::move(meta)) {}
  /// The error, of this file; remembers damage.
  Error damage(Error error) const;
  /// A block's bytes; `size` is theirs when they are not compressed.
  Result<std::string> load(io::BlockHandle handle, std::uint32_t size, bool compressed) const;

  std::unique_ptr<io::BlockFileReader> file_;
  IdRuns series_;

 private:
  io::FileSystem& fs_;
  const std::string dir_;
  const PartMeta meta_;
  std::atomic<bool> obsolete_{false};
  mutable std::atomic<bool> damaged_{false};
};

/// Parts as format version 1 wrote them (part_before_2.cpp): read until a merge writes them anew.
Result<std::shared_ptr<Part>> open_part_before_2(io::FileSystem& fs, std::string dir, PartMeta meta,
                                                 std::unique_ptr<io::BlockFileReader> file);

}  // namespace telltale::tsdb
