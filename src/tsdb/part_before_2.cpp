// Parts of format version 1: chunks of up to 8,192 floats, several to a zstd block; the footer has an entry
// for each chunk. Only read; a merge writes the samples in the present format.
#include <algorithm>
#include <bit>

#include "base/bytes.hpp"
#include "base/compress.hpp"
#include "tsdb/part.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::size_t kMaxOldBlockBytes = 16 << 20;
constexpr std::size_t kMaxOldFooterBytes = std::size_t{2} << 30;

enum OldValueForm : std::uint8_t { kOldConstant = 0, kOldIntegers = 1, kOldXor = 2 };

std::int64_t add_wrapping(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

bool decode_old_values(ByteReader& in, std::uint64_t count, std::vector<double>& out) {
  switch (in.u8()) {
    case kOldConstant:
      out.insert(out.end(), count, in.f64());
      return in.ok();
    case kOldIntegers: {
      std::int64_t last = 0;
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        last = add_wrapping(last, in.zigzag());
        out.push_back(static_cast<double>(last));
      }
      return in.ok();
    }
    case kOldXor: {
      std::uint64_t last = 0;
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        last ^= __builtin_bswap64(in.varint());
        out.push_back(std::bit_cast<double>(last));
      }
      return in.ok();
    }
    default:
      return false;
  }
}

bool decode_old_chunk(std::string_view bytes, std::uint64_t count, SampleRun& out) {
  ByteReader in(bytes);
  if (count == 0 || count > bytes.size()) return false;
  std::int64_t last = 0;
  std::int64_t delta = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    delta = add_wrapping(delta, in.zigzag());
    const std::int64_t t = add_wrapping(last, delta);
    if (i > 0 && t <= last) return false;
    out.times.push_back(t);
    last = t;
  }
  return in.ok() && decode_old_values(in, count, out.values) && in.empty();
}

class OldPart final : public Part {
 public:
  OldPart(io::FileSystem& fs, std::string dir, PartMeta meta, std::unique_ptr<io::BlockFileReader> file)
      : Part(fs, std::move(dir), std::move(meta), std::move(file)) {}

  Result<> load_index() {
    const auto bad = [this](std::string_view why) {
      return fail(ErrorKind::corruption, meta().file() + ": index: " + std::string(why));
    };
    auto raw = decompress(Codec::zstd, file_->footer(), kMaxOldFooterBytes);
    if (!raw) return bad(raw.error().message());
    ByteReader in(*raw);
    const std::uint64_t blocks = in.varint();
    for (std::uint64_t i = 0; i < blocks && in.ok(); ++i) {
      io::BlockHandle handle;
      handle.offset = in.varint();
      handle.size = static_cast<std::uint32_t>(in.varint());
      blocks_.emplace_back(handle, static_cast<std::uint32_t>(in.varint()));
      if (blocks_.back().second > kMaxOldBlockBytes) return bad("block too large");
    }
    const std::uint64_t chunks = in.varint();
    if (chunks > in.remaining()) return bad("impossible count");
    chunks_.reserve(chunks);
    std::uint64_t series = 0;
    std::int64_t min = 0;
    for (std::uint64_t i = 0; i < chunks && in.ok(); ++i) {
      Chunk c;
      c.series.value = series += in.varint();
      c.min_ms = min += in.zigzag();
      c.max_ms = c.min_ms + static_cast<std::int64_t>(in.varint());
      c.samples = static_cast<std::uint32_t>(in.varint());
      c.block = static_cast<std::uint32_t>(in.varint());
      c.offset = static_cast<std::uint32_t>(in.varint());
      c.size = static_cast<std::uint32_t>(in.varint());
      if (c.block >= blocks_.size() || std::uint64_t{c.offset} + c.size > blocks_[c.block].second)
        return bad("chunk outside its block");
      chunks_.push_back(c);
      series_.add(series);
    }
    if (!in.ok() || !in.empty()) return bad("malformed");
    return {};
  }

  Result<> read(SeriesId series, const storage::MillisRange& range, BlockHold&, SampleRun& out,
                StandIns*) const override {
    SampleRun run;
    for (const Chunk& c : chunks_of(series)) {
      if (c.min_ms > range.max.ms || c.max_ms < range.min.ms) continue;
      run.clear();
      TT_TRY(read_chunk(c, run));
      merge_newer(out, clipped(run.slice(), range));
    }
    return {};
  }
  Result<bool> has_samples(SeriesId series, const storage::MillisRange& range, BlockHold&) const override {
    for (const Chunk& c : chunks_of(series)) {
      if (c.min_ms > range.max.ms || c.max_ms < range.min.ms) continue;
      if (c.min_ms >= range.min.ms || c.max_ms <= range.max.ms) return true;
      SampleRun run;
      TT_TRY(read_chunk(c, run));
      if (!clipped(run.slice(), range).empty()) return true;
    }
    return false;
  }
  std::size_t memory_bytes() const override { return chunks_.capacity() * sizeof(Chunk) + series_.bytes(); }

 private:
  struct Chunk {
    SeriesId series;
    std::int64_t min_ms = 0;
    std::int64_t max_ms = 0;
    std::uint32_t samples = 0;
    std::uint32_t block = 0;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  std::span<const Chunk> chunks_of(SeriesId series) const {
    const auto [first, last] =
        std::equal_range(chunks_.begin(), chunks_.end(), Chunk{series},
                         [](const Chunk& a, const Chunk& b) { return a.series < b.series; });
    return {first, last};
  }
  Result<> read_chunk(const Chunk& chunk, SampleRun& out) const {
    const auto& [handle, size] = blocks_[chunk.block];
    std::shared_ptr<const std::string> bytes;
    {
      // Neighbouring series stand in one block.
      const std::lock_guard lock(mutex_);
      if (last_bytes_ && last_block_ == chunk.block) bytes = last_bytes_;
    }
    if (!bytes) {
      TT_ASSIGN(std::string raw, load(handle, size, true));
      bytes = std::make_shared<const std::string>(std::move(raw));
      const std::lock_guard lock(mutex_);
      last_bytes_ = bytes;
      last_block_ = chunk.block;
    }
    if (decode_old_chunk(std::string_view(*bytes).substr(chunk.offset, chunk.size), chunk.samples, out))
      return {};
    return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "chunk: malformed")));
  }

  std::vector<std::pair<io::BlockHandle, std::uint32_t>> blocks_;  // with uncompressed size
  std::vector<Chunk> chunks_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::string> last_bytes_;
  mutable std::uint32_t last_block_ = 0;
};

}  // namespace

Result<std::shared_ptr<Part>> open_part_before_2(io::FileSystem& fs, std::string dir, PartMeta meta,
                                                 std::unique_ptr<io::BlockFileReader> file) {
  auto part = std::make_shared<OldPart>(fs, std::move(dir), std::move(meta), std::move(file));
  TT_TRY(part->load_index());
  return std::shared_ptr<Part>(std::move(part));
}

}  // namespace telltale::tsdb
