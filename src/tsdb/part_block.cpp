#include "tsdb/part_block.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace telltale::tsdb {
namespace {

Error malformed() { return Error(ErrorKind::corruption, "block: malformed"); }

}  // namespace

std::size_t BlockBuilder::column_of(std::span<const std::int64_t> times) {
  ByteWriter column;
  column.varint(times.size());
  const std::size_t before = column.size();
  encode_ints(times, column);
  if (column.view() == last_key_) return last_column_;
  last_key_ = column.take();
  const auto [at, fresh] = columns_.try_emplace(last_key_, columns_.size());
  last_column_ = at->second;
  if (!fresh) return last_column_;
  const std::string_view bytes = std::string_view(last_key_).substr(before);
  column_list_.varint(times.size());
  column_list_.zigzag(times.front() - last_min_);
  column_list_.varint(static_cast<std::uint64_t>(times.back() - times.front()));
  column_list_.varint(bytes.size());
  last_min_ = times.front();
  times_ += bytes;
  return last_column_;
}

void BlockBuilder::add(SeriesId series, const SampleSlice& samples) {
  if (chunks_ == 0) {
    first_ = last_ = series;
    min_ms_ = samples.times.front();
    max_ms_ = samples.times.back();
    head_.varint(series.value);
  } else {
    TT_CHECK(last_ <= series);
    head_.varint(series.value - last_.value);
  }
  head_.varint(column_of(samples.times));
  const std::size_t before = values_.size();
  encode_chunk(samples, values_);
  head_.varint(values_.size() - before);
  summaries_.push_back(summarize(samples));
  last_ = series;
  min_ms_ = std::min(min_ms_, samples.times.front());
  max_ms_ = std::max(max_ms_, samples.times.back());
  ++chunks_;
}

std::string BlockBuilder::take() {
  ByteWriter out;
  out.varint(columns_.size());
  out.bytes(column_list_.view());
  out.varint(chunks_);
  out.bytes(head_.view());
  out.bytes(times_);
  out.bytes(values_);
  if (std::any_of(summaries_.begin(), summaries_.end(), [](const auto& s) { return s.known; }))
    encode_summaries(summaries_, out);
  *this = BlockBuilder();
  return out.take();
}

Result<std::shared_ptr<const PartBlock>> PartBlock::parse(std::string bytes) {
  auto block = std::make_shared<PartBlock>();
  block->bytes_ = std::move(bytes);
  if (!block->parse()) return tl::unexpected<Error>(malformed());
  return std::shared_ptr<const PartBlock>(std::move(block));
}

bool PartBlock::parse() {
  ByteReader in(bytes_);
  const std::uint64_t columns = in.varint();
  if (columns > in.remaining() / 4) return false;
  columns_.reserve(columns);
  std::int64_t min = 0;
  std::uint64_t times_bytes = 0;
  std::size_t samples = 0;
  for (std::uint64_t i = 0; i < columns; ++i) {
    Column c;
    const std::uint64_t n = in.varint();
    min =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(min) + static_cast<std::uint64_t>(in.zigzag()));
    c.min_ms = min;
    const std::uint64_t span = in.varint();
    if (n == 0 || n > kMaxColumnValues ||
        span > static_cast<std::uint64_t>(INT64_MAX - std::max<std::int64_t>(min, 0)))
      return false;
    c.max_ms = min + static_cast<std::int64_t>(span);
    c.samples = static_cast<std::uint32_t>(n);
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > in.remaining()) return false;
    c.offset = static_cast<std::uint32_t>(times_bytes);
    c.size = static_cast<std::uint32_t>(size);
    times_bytes += size;
    samples += n;
    columns_.push_back(c);
  }
  const std::uint64_t chunks = in.varint();
  if (!in.ok() || chunks > in.remaining() / 3) return false;
  chunks_.reserve(chunks);
  std::uint64_t series = 0;
  std::uint64_t values_bytes = 0;
  for (std::uint64_t i = 0; i < chunks; ++i) {
    Chunk c;
    series += in.varint();
    c.series.value = series;
    const std::uint64_t column = in.varint();
    const std::uint64_t size = in.varint();
    if (!in.ok() || column >= columns || size > in.remaining()) return false;
    c.column = static_cast<std::uint32_t>(column);
    c.offset = static_cast<std::uint32_t>(values_bytes);
    c.size = static_cast<std::uint32_t>(size);
    values_bytes += size;
    chunks_.push_back(c);
  }
  // What is left behind them is summaries; version 2 has none.
  if (!in.ok() || in.remaining() < times_bytes + values_bytes) return false;
  const auto begin = static_cast<std::uint32_t>(bytes_.size() - in.remaining());
  for (Column& c : columns_) c.offset += begin;
  for (Chunk& c : chunks_) c.offset += begin + static_cast<std::uint32_t>(times_bytes);
  summaries_at_ = begin + static_cast<std::uint32_t>(times_bytes + values_bytes);
  decoded_ = std::vector<std::atomic<const Times*>>(columns_.size());
  memory_bytes_ = bytes_.size() + columns_.size() * (sizeof(Column) + sizeof(decoded_[0])) +
                  chunks_.size() * sizeof(Chunk) + samples * sizeof(std::int64_t);
  if (summaries_at_ < bytes_.size()) memory_bytes_ += chunks_.size() * sizeof(ChunkSummary);
  return true;
}

PartBlock::~PartBlock() {
  for (const auto& times : decoded_) delete times.load();
  delete summaries_.load();
}

std::span<const PartBlock::Chunk> PartBlock::chunks_of(SeriesId series, std::uint32_t& from) const {
  const Chunk* const begin = chunks_.data();
  const Chunk* const end = begin + chunks_.size();
  const auto before = [](const Chunk& chunk, SeriesId id) { return chunk.series < id; };
  const Chunk* first = begin + std::min<std::size_t>(from, chunks_.size());
  if (first == begin || first[-1].series < series) {
    // From here on, in steps that double.
    std::ptrdiff_t step = 1;
    const Chunk* to = first;
    while (to < end && to->series < series) {
      first = to + 1;
      to += std::min(step, end - to);
      step *= 2;
    }
    first = std::lower_bound(first, to, series, before);
  } else {
    first = std::lower_bound(begin, end, series, before);
  }
  const Chunk* last = first;
  while (last != end && last->series == series) ++last;
  from = static_cast<std::uint32_t>(last - begin);
  return {first, last};
}

Result<std::span<const std::int64_t>> PartBlock::times(const Chunk& chunk) const {
  std::atomic<const Times*>& slot = decoded_[chunk.column];
  if (const Times* times = slot.load(std::memory_order_acquire)) return std::span<const std::int64_t>(*times);
  const Column& column = columns_[chunk.column];
  auto fresh = std::make_unique<Times>(column.samples);
  ByteReader in(std::string_view(bytes_).substr(column.offset, column.size));
  if (!decode_ints(in, *fresh) || !in.empty() || fresh->front() != column.min_ms ||
      fresh->back() != column.max_ms ||
      std::adjacent_find(fresh->begin(), fresh->end(), std::greater_equal<>()) != fresh->end())
    return fail(ErrorKind::corruption, "block: times do not rise");
  const Times* there = nullptr;
  if (slot.compare_exchange_strong(there, fresh.get(), std::memory_order_acq_rel)) there = fresh.release();
  return std::span<const std::int64_t>(*there);
}

Result<std::span<const ChunkSummary>> PartBlock::summaries() const {
  if (const Summaries* all = summaries_.load(std::memory_order_acquire))
    return std::span<const ChunkSummary>(*all);
  if (summaries_at_ == bytes_.size()) return std::span<const ChunkSummary>();
  std::vector<std::uint32_t> samples;
  samples.reserve(chunks_.size());
  for (const Chunk& c : chunks_) samples.push_back(columns_[c.column].samples);
  auto fresh = std::make_unique<Summaries>();
  ByteReader in(std::string_view(bytes_).substr(summaries_at_));
  if (!decode_summaries(in, samples, *fresh))
    return fail(ErrorKind::corruption, "block: malformed summaries");
  const Summaries* there = nullptr;
  if (summaries_.compare_exchange_strong(there, fresh.get(), std::memory_order_acq_rel))
    there = fresh.release();
  return std::span<const ChunkSummary>(*there);
}

Result<> PartBlock::read(const Chunk& chunk, SampleRun& out) const {
  TT_ASSIGN(const auto at, times(chunk));
  return decode_chunk(std::string_view(bytes_).substr(chunk.offset, chunk.size), at, out);
}

}  // namespace telltale::tsdb
