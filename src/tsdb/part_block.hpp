// A block of a part: chunks of neighbouring series in the order of (series, time). Series of one scrape have
// the same times, so a block keeps each column of times once and its chunks name theirs. Summaries of chunks
// stand behind all of it. Layout: docs/formats/tsdb.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "tsdb/chunk.hpp"
#include "tsdb/chunk_summary.hpp"

namespace telltale::tsdb {

/// Collects chunks; not thread-safe.
class BlockBuilder {
 public:
  /// Of one chunk (chunk_length()); not before the chunk added last.
  void add(SeriesId series, const SampleSlice& samples);
  bool empty() const { return chunks_ == 0; }
  /// Of what has been added, about.
  std::size_t bytes() const { return times_.size() + values_.size() + head_.size(); }
  SeriesId first() const { return first_; }
  SeriesId last() const { return last_; }
  std::int64_t min_ms() const { return min_ms_; }
  std::int64_t max_ms() const { return max_ms_; }
  /// The block's bytes; empty again afterwards.
  std::string take();

 private:
  std::size_t column_of(std::span<const std::int64_t> times);

  std::unordered_map<std::string, std::size_t> columns_;  // by their bytes and count
  std::string last_key_;
  std::size_t last_column_ = 0;
  ByteWriter column_list_;
  std::string times_;
  ByteWriter head_;
  std::string values_;
  std::vector<ChunkSummary> summaries_;  // one for each chunk
  std::size_t chunks_ = 0;
  SeriesId first_;
  SeriesId last_;
  std::int64_t last_min_ = 0;
  std::int64_t min_ms_ = 0;
  std::int64_t max_ms_ = 0;
};

/// A block's bytes, taken apart. Immutable but for columns of times and summaries, which are decoded when
/// first asked for; thread-safe.
class PartBlock {
 public:
  struct Chunk {
    SeriesId series;
    std::uint32_t column = 0;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Column {
    std::int64_t min_ms = 0;
    std::int64_t max_ms = 0;
    std::uint32_t samples = 0;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  PartBlock() = default;
  ~PartBlock();
  PartBlock(const PartBlock&) = delete;
  PartBlock& operator=(const PartBlock&) = delete;
  /// corruption when the bytes are no block.
  static Result<std::shared_ptr<const PartBlock>> parse(std::string bytes);

  /// `from`: where they may begin, if a reader goes on from series to series; set to the end of those found.
  std::span<const Chunk> chunks_of(SeriesId series, std::uint32_t& from) const;
  std::span<const Chunk> chunks() const { return chunks_; }
  std::size_t index_of(const Chunk& chunk) const { return static_cast<std::size_t>(&chunk - chunks_.data()); }
  const Column& column(const Chunk& chunk) const { return columns_[chunk.column]; }
  Result<std::span<const std::int64_t>> times(const Chunk& chunk) const;
  /// One for each of chunks(), or none: the block has none.
  Result<std::span<const ChunkSummary>> summaries() const;
  /// Appends the chunk's samples to `out`.
  Result<> read(const Chunk& chunk, SampleRun& out) const;
  /// What it may come to occupy.
  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  bool parse();

  std::string bytes_;
  std::vector<Column> columns_;
  std::vector<Chunk> chunks_;
  std::uint32_t summaries_at_ = 0;  // in bytes_
  std::size_t memory_bytes_ = 0;
  // By column; null: not yet.
  using Times = std::vector<std::int64_t>;
  mutable std::vector<std::atomic<const Times*>> decoded_;
  using Summaries = std::vector<ChunkSummary>;
  mutable std::atomic<const Summaries*> summaries_{nullptr};  // null: not yet
};

}  // namespace telltale::tsdb
