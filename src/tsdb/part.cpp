#include "tsdb/part.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"

namespace telltale::tsdb {
namespace {

constexpr io::FileFormat kPartFormat{{'T', 'T', 'S', 'P'}, 3, 1};
constexpr std::size_t kBlockBytes = 48 << 10;
constexpr std::size_t kMaxBlockBytes = 64 << 20;  // one chunk of histograms may be a large one
constexpr std::size_t kMaxFooterBytes = std::size_t{1} << 30;
constexpr int kBlockLevel = 1;  // columns are packed already: higher levels find no more

class PartFile final : public Part {
 public:
  PartFile(io::FileSystem& fs, std::string dir, PartMeta meta, std::unique_ptr<io::BlockFileReader> file)
      : Part(fs, std::move(dir), std::move(meta), std::move(file)) {}

  Result<> load_index() {
    const auto bad = [this](std::string_view why) {
      return fail(ErrorKind::corruption, meta().file() + ": index: " + std::string(why));
    };
    auto raw = decompress(Codec::zstd, file_->footer(), kMaxFooterBytes);
    if (!raw) return bad(raw.error().message());
    ByteReader in(*raw);
    const std::uint64_t blocks = in.varint();
    if (blocks > in.remaining() / 7) return bad("impossible count");
    blocks_.reserve(blocks);
    std::uint64_t series = 0;
    std::int64_t min = 0;
    std::uint64_t offset = 0;
    for (std::uint64_t i = 0; i < blocks && in.ok(); ++i) {
      BlockEntry b;
      b.first.value = series += in.varint();
      b.last.value = series += in.varint();
      b.min_ms = min += in.zigzag();
      b.max_ms = b.min_ms + static_cast<std::int64_t>(in.varint());
      b.handle.offset = offset += in.varint();
      b.handle.size = static_cast<std::uint32_t>(in.varint());
      b.size = static_cast<std::uint32_t>(in.varint());
      if (b.size > kMaxBlockBytes || b.max_ms < b.min_ms) return bad("a block that cannot be");
      blocks_.push_back(b);
    }
    const std::uint64_t runs = in.varint();
    if (runs > in.remaining() / 2) return bad("impossible count");
    std::uint64_t id = 0;
    for (std::uint64_t i = 0; i < runs && in.ok(); ++i) {
      id += in.varint();
      const std::uint64_t more = in.varint();
      series_.add_run(id, id + more);
      id += more;
    }
    if (!in.ok() || !in.empty()) return bad("malformed");
    return {};
  }

  Result<> read(SeriesId series, const storage::MillisRange& range, BlockHold& hold, SampleRun& out,
                StandIns* instead) const override {
    if (!series_.contains(series)) return {};
    SampleRun& chunk = scratch();
    BlockHold::Last& place = hold.last(meta().number);
    for (std::size_t b = first_block(series, place); b < blocks_.size() && blocks_[b].first <= series; ++b) {
      if (!overlaps(blocks_[b], range)) continue;
      TT_ASSIGN(const PartBlock* const block, this->block(b, place, hold.cache()));
      for (const PartBlock::Chunk& c : block->chunks_of(series, place.chunk)) {
        const auto& column = block->column(c);
        if (column.min_ms > range.max.ms || column.max_ms < range.min.ms) continue;
        if (instead != nullptr && instead->may_stand_for(column.min_ms, column.max_ms, column.samples, out)) {
          const auto all = block->summaries();
          if (!all) return tl::unexpected<Error>(damage(Error(all.error())));
          if (!all->empty() &&
              instead->add(column.min_ms, column.max_ms, column.samples, (*all)[block->index_of(c)]))
            continue;
        }
        // Mostly the whole chunk is wanted and follows what is there.
        if (column.min_ms >= range.min.ms && column.max_ms <= range.max.ms &&
            (out.empty() || out.times.back() < column.min_ms)) {
          if (auto done = block->read(c, out); !done)
            return tl::unexpected<Error>(damage(std::move(done.error())));
          continue;
        }
        chunk.clear();
        if (auto done = block->read(c, chunk); !done)
          return tl::unexpected<Error>(damage(std::move(done.error())));
        merge_newer(out, clipped(chunk.slice(), range));
      }
    }
    return {};
  }

  Result<bool> has_samples(SeriesId series, const storage::MillisRange& range,
                           BlockHold& hold) const override {
    if (!Part::overlaps(range) || !series_.contains(series)) return false;
    if (within(range)) return true;
    BlockHold::Last& place = hold.last(meta().number);
    for (std::size_t b = first_block(series, place); b < blocks_.size() && blocks_[b].first <= series; ++b) {
      if (!overlaps(blocks_[b], range)) continue;
      TT_ASSIGN(const PartBlock* const block, this->block(b, place, hold.cache()));
      for (const PartBlock::Chunk& c : block->chunks_of(series, place.chunk)) {
        const auto& column = block->column(c);
        if (column.min_ms > range.max.ms || column.max_ms < range.min.ms) continue;
        // An end inside the range settles it; only a range between both ends needs the times themselves.
        if (column.min_ms >= range.min.ms || column.max_ms <= range.max.ms) return true;
        auto times = block->times(c);
        if (!times) return tl::unexpected<Error>(damage(std::move(times.error())));
        const auto [first, last] = clip(*times, range);
        if (first != last) return true;
      }
    }
    return false;
  }

  std::size_t memory_bytes() const override {
    return blocks_.capacity() * sizeof(BlockEntry) + series_.bytes();
  }

 private:
  static bool overlaps(const BlockEntry& b, const storage::MillisRange& range) {
    return b.min_ms <= range.max.ms && b.max_ms >= range.min.ms;
  }
  static SampleRun& scratch() {
    thread_local SampleRun run;
    return run;
  }
  /// The first block that may have the series; mostly the one that was read last, or the next.
  std::size_t first_block(SeriesId series, const BlockHold::Last& last) const {
    for (std::size_t b = last.block; b < std::min<std::size_t>(last.block + 2, blocks_.size()); ++b) {
      if (series > blocks_[b].last) continue;
      if (series > blocks_[b].first ||
          (series == blocks_[b].first && (b == 0 || blocks_[b - 1].last < series)))
        return b;
      break;
    }
    return static_cast<std::size_t>(
        std::partition_point(blocks_.begin(), blocks_.end(),
                             [&](const BlockEntry& b) { return b.last < series; }) -
        blocks_.begin());
  }
  /// Held by `last`.
  Result<const PartBlock*> block(std::size_t index, BlockHold::Last& last, BlockCache& cache) const {
    const auto number = static_cast<std::uint32_t>(index);
    if (last.value && last.block == number) return last.value.get();
    auto found = cache.get(meta().number, number);
    if (!found) {
      const BlockEntry& entry = blocks_[index];
      TT_ASSIGN(std::string bytes, load(entry.handle, entry.size, entry.size != entry.handle.size));
      auto parsed = PartBlock::parse(std::move(bytes));
      if (!parsed) return tl::unexpected<Error>(damage(std::move(parsed.error())));
      found = *std::move(parsed);
      cache.put(meta().number, number, found);
    }
    last.block = number;
    last.chunk = 0;
    last.value = std::move(found);
    return last.value.get();
  }

  std::vector<BlockEntry> blocks_;
};

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

Result<> PartWriter::add(SeriesId series, const SampleSlice& samples) {
  if (samples.empty()) return {};
  TT_CHECK(meta_.series == 0 || last_ < series);
  TT_CHECK(day_of(samples.times.front()) == meta_.day && day_of(samples.times.back()) == meta_.day);
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t n = chunk_length(samples.part(at, samples.size() - at));
    block_.add(series, samples.part(at, n));
    at += n;
    if (block_.bytes() >= kBlockBytes) TT_TRY(flush());
  }
  if (meta_.series == 0 || samples.times.front() < meta_.min_ms) meta_.min_ms = samples.times.front();
  if (meta_.series == 0 || samples.times.back() > meta_.max_ms) meta_.max_ms = samples.times.back();
  meta_.samples += samples.size();
  ++meta_.series;
  series_.add(series.value);
  last_ = series;
  return {};
}

Result<> PartWriter::flush() {
  if (block_.empty()) return {};
  BlockEntry entry{block_.first(), block_.last(), block_.min_ms(), block_.max_ms(), {}, 0};
  const std::string raw = block_.take();
  TT_CHECK(raw.size() <= kMaxBlockBytes);  // else nobody could read it
  const std::string packed = compress(Codec::zstd, raw, kBlockLevel);
  // Decompressing costs as much as all else a read does: for less than a tenth it is not worth it.
  const bool pays = packed.size() < raw.size() - raw.size() / 10;
  TT_ASSIGN(entry.handle, file_->append(pays ? packed : raw));
  entry.size = static_cast<std::uint32_t>(raw.size());
  blocks_.push_back(entry);
  return {};
}

Result<PartMeta> PartWriter::publish() {
  TT_TRY(flush());
  ByteWriter out;
  out.varint(blocks_.size());
  std::uint64_t series = 0;
  std::int64_t min = 0;
  std::uint64_t offset = 0;
  for (const BlockEntry& b : blocks_) {
    out.varint(b.first.value - series);
    out.varint(b.last.value - b.first.value);
    out.zigzag(b.min_ms - min);
    out.varint(static_cast<std::uint64_t>(b.max_ms - b.min_ms));
    out.varint(b.handle.offset - offset);
    out.varint(b.handle.size);
    out.varint(b.size);
    series = b.last.value;
    min = b.min_ms;
    offset = b.handle.offset;
  }
  out.varint(series_.runs().size());
  std::uint64_t id = 0;
  for (const auto& [first, last] : series_.runs()) {
    out.varint(first - id);
    out.varint(last - first);
    id = last;
  }
  TT_TRY(file_->publish(compress(Codec::zstd, out.view(), 3)));
  meta_.bytes = file_->bytes();
  return meta_;
}

BlockHold::Last& BlockHold::last(std::uint64_t part) {
  for (std::size_t i = 0; i < last_.size(); ++i, ++at_) {
    if (at_ >= last_.size()) at_ = 0;
    if (last_[at_].part == part) return last_[at_];
  }
  at_ = last_.size();
  return last_.emplace_back(Last{part, 0, 0, nullptr});
}

Result<std::shared_ptr<Part>> Part::open(io::FileSystem& fs, std::string dir, PartMeta meta) {
  TT_ASSIGN(auto file, io::BlockFileReader::open(fs, io::join_path(dir, meta.file()), kPartFormat));
  if (file->version() < 2) return open_part_before_2(fs, std::move(dir), std::move(meta), std::move(file));
  auto part = std::make_shared<PartFile>(fs, std::move(dir), std::move(meta), std::move(file));
  TT_TRY(part->load_index());
  return std::shared_ptr<Part>(std::move(part));
}

Part::~Part() {
  if (!obsolete_) return;
  // A failure leaves an orphan, which the next start removes.
  file_.reset();
  (void)fs_.remove(io::join_path(dir_, meta_.file()));
}

Error Part::damage(Error error) const {
  if (error.kind() == ErrorKind::corruption) damaged_ = true;
  return std::move(error).within(meta_.file());
}

Result<std::string> Part::load(io::BlockHandle handle, std::uint32_t size, bool compressed) const {
  auto bytes = file_->read(handle);
  if (!bytes) return tl::unexpected<Error>(damage(std::move(bytes.error())));
  if (!compressed) return bytes;
  auto raw = decompress_sized(*bytes, size);
  if (!raw) return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "a block does not decompress")));
  return raw;
}

}  // namespace telltale::tsdb
