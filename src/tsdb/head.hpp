// The samples that are not in a part yet. A series' samples that come in order are a stream of a few bytes
// each, in pieces of 60 bytes from one arena: a million series cost no allocation each, and a sample touches
// two lines of memory. What comes late, and histograms, are set beside as they are; late ones are merged in
// when there is enough of them. Not thread-safe: the engine guards the active head, a frozen one is const.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/strong.hpp"
#include "model/sample.hpp"
#include "tsdb/id_table.hpp"
#include "tsdb/sample_run.hpp"

namespace telltale::tsdb {

/// Pieces of memory that form chains, found by number.
class PieceArena {
 public:
  static constexpr std::size_t kPieceBytes = 60;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Piece {
    char bytes[kPieceBytes];
    std::uint32_t next;
  };
  std::uint32_t take();
  void give_back(std::uint32_t first);
  Piece& at(std::uint32_t number) { return pages_[number / kPagePieces][number % kPagePieces]; }
  const Piece& at(std::uint32_t number) const { return pages_[number / kPagePieces][number % kPagePieces]; }
  std::size_t bytes() const { return pages_.size() * kPagePieces * sizeof(Piece); }

 private:
  static constexpr std::size_t kPagePieces = 4096;
  std::vector<std::unique_ptr<Piece[]>> pages_;
  std::uint32_t used_ = 0;
  std::uint32_t free_ = kNone;
};

class Head {
 public:
  /// Later calls win at equal times.
  void add(SeriesId id, const Sample& sample);
  /// Asks for the memory that add() will touch.
  void prefetch(SeriesId id) const {
    if (const std::uint32_t slot = slots_.get(id); slot != IdTable::kNone) __builtin_prefetch(&series_[slot]);
  }
  bool contains(SeriesId id) const { return slots_.get(id) != IdTable::kNone; }
  /// Newer than whatever `out` holds: merged into it, restricted to `range`.
  void read(SeriesId id, const storage::MillisRange& range, SampleRun& out) const;
  /// How far a series has come, so that a reader who comes later sees no more than there was.
  struct Mark {
    std::uint32_t slot = IdTable::kNone;  // kNone: nothing in the range
    std::uint32_t samples = 0;            // of the stream
    std::uint16_t rewrites = 0;
  };
  Mark mark(SeriesId id, const storage::MillisRange& range) const;
  /// The same as at the mark; of a series with late samples or histograms also what came since.
  void read(const Mark& mark, const storage::MillisRange& range, SampleRun& out) const;
  bool has_samples(SeriesId id, const storage::MillisRange& range) const {
    return time_within(id, range).has_value();
  }
  /// Of a sample in the range, the last one if that is in it.
  std::optional<UnixMillis> time_within(SeriesId id, const storage::MillisRange& range) const;
  /// Merges all late samples in; to be called before freezing.
  void settle();
  /// Ids, rising.
  template <class Visit>
  void for_each(Visit visit) const {
    slots_.for_each([&](SeriesId id, std::uint32_t) { visit(id); });
  }
  std::uint64_t samples() const { return samples_; }
  std::size_t series() const { return series_.size(); }
  std::size_t bytes() const {
    return pieces_.bytes() + series_.capacity() * sizeof(Series) + slots_.bytes() + beside_bytes_;
  }
  bool empty() const { return samples_ == 0; }

 private:
  /// The stream's end, and what its next sample is told against.
  struct Series {
    std::int64_t first_ms = 0;
    std::int64_t last_ms = 0;
    double value = 0;
    std::int64_t start_ms = 0;
    std::int64_t last_delta = 0;
    std::uint32_t first_piece = PieceArena::kNone;
    std::uint32_t piece = PieceArena::kNone;
    std::uint32_t samples = 0;   // in the stream
    std::uint8_t used = 0;       // bytes of the last piece
    bool beside = false;         // has samples in beside_
    std::uint16_t rewrites = 0;  // of the stream, from its beginning
  };
  /// What a series has that its stream does not hold.
  struct Beside {
    SampleRun run;             // in order, from the first histogram on; the stream is empty then
    std::vector<Sample> late;  // all at or before the series' last, newer than stream and run
    std::size_t counted = 0;   // bytes, in beside_bytes_
    std::size_t size() const;
  };

  static bool fits_stream(const Series& series, const Sample& sample);
  void append(Series& series, const Sample& sample);
  void put(Series& series, const char* bytes, std::size_t n);
  /// The first `samples` of the stream.
  void decode(const Series& series, std::uint32_t samples, SampleRun& out) const;
  void decode(const Series& series, SampleRun& out) const { decode(series, series.samples, out); }
  void read_slot(std::uint32_t slot, std::uint32_t samples, const storage::MillisRange& range,
                 SampleRun& out) const;
  /// In order, behind what the series has.
  void push_beside(Series& series, Beside& beside, const Sample& sample);
  void rewrite(Series& series, Beside& beside, const SampleRun& run);
  void settle(Series& series, Beside& beside);

  IdTable slots_;
  std::vector<Series> series_;
  PieceArena pieces_;
  std::unordered_map<std::uint32_t, Beside> beside_;  // by slot
  std::size_t beside_bytes_ = 0;
  std::uint64_t samples_ = 0;
};

}  // namespace telltale::tsdb
