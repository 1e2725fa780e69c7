#include "eventdb/head.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "eventdb/block_builder.hpp"

namespace telltale::eventdb {

Result<std::vector<std::int64_t>> HeadBlock::ints(Column column) const {
  TT_ASSIGN(const Bytes packed, bytes->read(written.meta.directory));
  TT_ASSIGN(const BlockDirectory directory, BlockDirectory::decode(packed.view));
  for (const ColumnEntry& entry : directory.columns) {
    if (!entry.is(column)) continue;
    if (!entry.inlined.empty()) return decode_int_column(entry.inlined, written.meta.rows);
    TT_ASSIGN(const Bytes values, bytes->read(entry.handle));
    return decode_int_column(values.view, written.meta.rows);
  }
  return fail(ErrorKind::internal, "a block of the head without one of its columns");
}

std::vector<HeadRow> ordered_rows(const HeadSlice& slice) {
  std::vector<HeadRow> out;
  out.reserve(slice.rows);
  bool in_order = true;
  for (std::size_t i = 0; i < slice.rows; ++i) {
    out.push_back({slice.chunk->rows[i], slice.chunk->first_ordinal + i});
    in_order = in_order && (i == 0 || slice.chunk->times[i - 1] <= slice.chunk->times[i]);
  }
  if (in_order) return out;
  // By the times that stand together: a row's own would have to be fetched for every comparison.
  const auto& times = slice.chunk->times;
  const std::uint64_t first = slice.chunk->first_ordinal;
  std::sort(out.begin(), out.end(), [&](const HeadRow& a, const HeadRow& b) {
    const UnixNanos ta = times[a.ordinal - first];
    const UnixNanos tb = times[b.ordinal - first];
    return ta != tb ? ta < tb : a.ordinal < b.ordinal;
  });
  return out;
}

Result<std::shared_ptr<const HeadBlock>> make_head_block(const HeadSlice& slice,
                                                         const storage::WordIndexing* words) {
  auto out = std::make_shared<HeadBlock>();
  out->bytes = std::make_shared<MemoryBytes>();
  TT_ASSIGN(out->written, build_block(ordered_rows(slice), *out->bytes, Effort::quick, words));
  return std::shared_ptr<const HeadBlock>(std::move(out));
}

void Head::add(Table table, const std::shared_ptr<const storage::Batch>& batch, std::uint64_t& next_ordinal,
               std::vector<std::pair<Table, HeadSlice>>& full) {
  TableHead& head = tables_[index(table)];
  const std::size_t counted = batch->row_count() == 0 ? 0 : batch->row_bytes / batch->row_count();
  for (const EventRow& row : batch->rows(table)) {
    if (!head.open) {
      head.open = std::make_shared<HeadChunk>();
      head.open->first_ordinal = next_ordinal;
      head.open->rows.reserve(chunk_rows_);
      head.open->times.reserve(chunk_rows_);
      head.slices.push_back({head.open, nullptr, 0, row.time, row.time, 0});
    }
    if (head.open->batches.empty() || head.open->batches.back() != batch) head.open->batches.push_back(batch);
    head.open->rows.push_back(&row);
    head.open->times.push_back(row.time);
    ++next_ordinal;
    HeadSlice& slice = head.slices.back();
    const std::size_t bytes = counted != 0 ? counted : memory_bytes(row);
    ++slice.rows;
    slice.min_time = std::min(slice.min_time, row.time);
    slice.max_time = std::max(slice.max_time, row.time);
    slice.bytes += bytes;
    ++rows_;
    bytes_ += bytes;
    if (slice.rows < chunk_rows_ && slice.bytes < limits::kEventChunkBytes) continue;
    full.emplace_back(table, slice);
    head.open.reset();
  }
}

void Head::replace(Table table, const HeadSlice& slice, std::shared_ptr<const HeadBlock> block) {
  for (HeadSlice& s : tables_[index(table)].slices) {
    if (s.chunk != slice.chunk || s.chunk == nullptr) continue;
    bytes_ -= s.bytes;
    s.bytes = block->bytes->bytes() + block->written.index_keys.size() * sizeof(std::uint64_t);
    bytes_ += s.bytes;
    s.block = std::move(block);
    s.chunk.reset();
    return;
  }
}

void Head::seal() {
  for (TableHead& head : tables_) head.open.reset();
}

void Head::drop(Table table, std::size_t count) {
  auto& slices = tables_[index(table)].slices;
  for (std::size_t i = 0; i < count; ++i) {
    rows_ -= slices[i].rows;
    bytes_ -= slices[i].bytes;
  }
  slices.erase(slices.begin(), slices.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace telltale::eventdb
