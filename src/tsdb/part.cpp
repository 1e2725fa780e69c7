#include "tsdb/part.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"

namespace telltale::tsdb {
namespace {

constexpr io::FileFormat kPartFormat{{'T', 'T', 'S', 'P'}, 1, 1};
constexpr std::size_t kBlockBytes = 64 << 10;
constexpr std::size_t kMaxBlockBytes = 16 << 20;
constexpr std::size_t kMaxFooterBytes = std::size_t{2} << 30;
constexpr std::size_t kChunkSamples = 8192;

}  // namespace

Result<std::unique_ptr<PartWriter>> PartWriter::create(io::FileSystem& fs, const std::string& dir,
                                                       std::uint64_t number, std::int64_t day,
                                                       std::uint64_t order) {
  auto writer = std::make_unique<PartWriter>();
  writer->meta_.number = number;
  writer->meta_.day = day;
  writer->meta_.order = order;
  TT_ASSIGN(writer->file_,
            io::BlockFileWriter::create(fs, io::join_path(dir, writer->meta_.file()), kPartFormat));
  return writer;
}

Result<> PartWriter::add(SeriesId series, std::span<const std::int64_t> times,
                         std::span<const double> values) {
  if (times.empty()) return {};
  TT_CHECK(chunks_.empty() || chunks_.back().series < series);
  TT_CHECK(day_of(times.front()) == meta_.day && day_of(times.back()) == meta_.day);
  for (std::size_t at = 0; at < times.size(); at += kChunkSamples) {
    const std::size_t n = std::min(kChunkSamples, times.size() - at);
    const std::size_t start = block_.size();
    encode_chunk(times.subspan(at, n), values.subspan(at, n), block_);
    ChunkEntry entry{series,
                     times[at],
                     times[at + n - 1],
                     static_cast<std::uint32_t>(n),
                     static_cast<std::uint32_t>(blocks_.size()),
                     static_cast<std::uint32_t>(start),
                     static_cast<std::uint32_t>(block_.size() - start)};
    chunks_.push_back(entry);
    if (meta_.samples == 0 || entry.min_ms < meta_.min_ms) meta_.min_ms = entry.min_ms;
    if (meta_.samples == 0 || entry.max_ms > meta_.max_ms) meta_.max_ms = entry.max_ms;
    meta_.samples += n;
    if (block_.size() >= kBlockBytes) TT_TRY(flush());
  }
  ++meta_.series;
  return {};
}

Result<> PartWriter::flush() {
  if (block_.empty()) return {};
  TT_ASSIGN(const io::BlockHandle handle, file_->append(compress(Codec::zstd, block_, 3)));
  blocks_.emplace_back(handle, static_cast<std::uint32_t>(block_.size()));
  block_.clear();
  return {};
}

Result<PartMeta> PartWriter::publish() {
  TT_TRY(flush());
  ByteWriter out;
  out.varint(blocks_.size());
  for (const auto& [handle, size] : blocks_) {
    out.varint(handle.offset);
    out.varint(handle.size);
    out.varint(size);
  }
  out.varint(chunks_.size());
  std::uint64_t last_series = 0;
  std::int64_t last_min = 0;
  for (const ChunkEntry& c : chunks_) {
    out.varint(c.series.value - last_series);
    out.zigzag(c.min_ms - last_min);
    out.varint(static_cast<std::uint64_t>(c.max_ms - c.min_ms));
    out.varint(c.samples);
    out.varint(c.block);
    out.varint(c.offset);
    out.varint(c.size);
    last_series = c.series.value;
    last_min = c.min_ms;
  }
  TT_TRY(file_->publish(compress(Codec::zstd, out.view(), 3)));
  meta_.bytes = file_->bytes();
  return meta_;
}

std::shared_ptr<const std::string> BlockCache::get(const void* part, std::uint32_t block) const {
  for (const Slot& s : slots_) {
    if (s.bytes && s.part == part && s.block == block) return s.bytes;
  }
  return nullptr;
}

void BlockCache::put(const void* part, std::uint32_t block, std::shared_ptr<const std::string> bytes) {
  slots_[next_] = {part, block, std::move(bytes)};
  next_ = (next_ + 1) % kSlots;
}

Result<std::shared_ptr<Part>> Part::open(io::FileSystem& fs, std::string dir, PartMeta meta) {
  const std::string path = io::join_path(dir, meta.file());
  std::shared_ptr<Part> part(new Part(fs, std::move(dir), std::move(meta)));
  TT_ASSIGN(part->file_, io::BlockFileReader::open(fs, path, kPartFormat));
  TT_TRY(part->load_index());
  return part;
}

Part::~Part() {
  if (!obsolete_) return;
  // A failure leaves an orphan, which the next start removes.
  file_.reset();
  (void)fs_.remove(io::join_path(dir_, meta_.file()));
}

Result<> Part::load_index() {
  const auto bad = [this](std::string_view why) {
    return fail(ErrorKind::corruption, meta_.file() + ": index: " + std::string(why));
  };
  auto raw = decompress(Codec::zstd, file_->footer(), kMaxFooterBytes);
  if (!raw) return bad(raw.error().message());
  ByteReader in(*raw);
  const std::uint64_t blocks = in.varint();
  for (std::uint64_t i = 0; i < blocks && in.ok(); ++i) {
    io::BlockHandle handle;
    handle.offset = in.varint();
    handle.size = static_cast<std::uint32_t>(in.varint());
    blocks_.emplace_back(handle, static_cast<std::uint32_t>(in.varint()));
  }
  const std::uint64_t chunks = in.varint();
  if (chunks > in.remaining()) return bad("impossible count");
  chunks_.reserve(chunks);
  std::uint64_t series = 0;
  std::int64_t min = 0;
  for (std::uint64_t i = 0; i < chunks && in.ok(); ++i) {
    ChunkEntry c;
    series += in.varint();
    c.series.value = series;
    c.min_ms = min += in.zigzag();
    c.max_ms = c.min_ms + static_cast<std::int64_t>(in.varint());
    c.samples = static_cast<std::uint32_t>(in.varint());
    c.block = static_cast<std::uint32_t>(in.varint());
    c.offset = static_cast<std::uint32_t>(in.varint());
    c.size = static_cast<std::uint32_t>(in.varint());
    if (c.block >= blocks_.size() || std::uint64_t{c.offset} + c.size > blocks_[c.block].second) {
      return bad("chunk outside its block");
    }
    chunks_.push_back(c);
  }
  if (!in.ok() || !in.empty()) return bad("malformed");
  return {};
}

std::span<const ChunkEntry> Part::chunks_of(SeriesId series) const {
  const auto [first, last] =
      std::equal_range(chunks_.begin(), chunks_.end(), ChunkEntry{series},
                       [](const ChunkEntry& a, const ChunkEntry& b) { return a.series < b.series; });
  return {first, last};
}

Error Part::damage(Error error) const {
  if (error.kind() == ErrorKind::corruption) damaged_ = true;
  return std::move(error).within(meta_.file());
}

Result<std::shared_ptr<const std::string>> Part::block(std::uint32_t index, BlockCache& cache) const {
  if (auto hit = cache.get(this, index)) return hit;
  const auto& [handle, size] = blocks_[index];
  auto packed = file_->read(handle);
  if (!packed) return tl::unexpected<Error>(damage(std::move(packed.error())));
  if (size > kMaxBlockBytes)
    return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "block too large")));
  auto raw = decompress(Codec::zstd, *packed, size);
  if (!raw || raw->size() != size) {
    return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "a block does not decompress")));
  }
  auto bytes = std::make_shared<const std::string>(std::move(*raw));
  cache.put(this, index, bytes);
  return std::shared_ptr<const std::string>(bytes);
}

Result<> Part::read_chunk(const ChunkEntry& chunk, BlockCache& cache, SampleRun& out) const {
  TT_ASSIGN(const auto bytes, block(chunk.block, cache));
  auto status = decode_chunk(std::string_view(*bytes).substr(chunk.offset, chunk.size), chunk.samples, out);
  if (!status) return tl::unexpected<Error>(damage(std::move(status.error())));
  return {};
}

Result<> Part::read(SeriesId series, const storage::MillisRange& range, BlockCache& cache,
                    SampleRun& out) const {
  SampleRun chunk_samples;
  for (const ChunkEntry& c : chunks_of(series)) {
    if (c.min_ms > range.max.ms || c.max_ms < range.min.ms) continue;
    chunk_samples.clear();
    TT_TRY(read_chunk(c, cache, chunk_samples));
    const auto [first, last] = clip(chunk_samples.times, range);
    merge_newer(out, std::span(chunk_samples.times).subspan(first, last - first),
                std::span(chunk_samples.values).subspan(first, last - first));
  }
  return {};
}

Result<bool> Part::has_samples(SeriesId series, const storage::MillisRange& range, BlockCache& cache) const {
  for (const ChunkEntry& c : chunks_of(series)) {
    if (c.min_ms > range.max.ms || c.max_ms < range.min.ms) continue;
    // An end inside the range settles it; only a range between both ends needs the samples themselves.
    if (c.min_ms >= range.min.ms || c.max_ms <= range.max.ms) return true;
    SampleRun run;
    TT_TRY(read_chunk(c, cache, run));
    const auto [first, last] = clip(run.times, range);
    if (first != last) return true;
  }
  return false;
}

Result<> Part::verify() const { return file_->verify(); }

}  // namespace telltale::tsdb
