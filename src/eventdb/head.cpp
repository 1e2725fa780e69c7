#include "eventdb/head.hpp"

#include <algorithm>

namespace telltale::eventdb {

std::size_t memory_bytes(const EventRow& row) {
  const auto heap = [](const std::string& s) { return s.capacity() > 15 ? s.capacity() + 17 : 0; };
  const EventIds& ids = row.ids;
  std::size_t bytes = sizeof row + heap(row.message) + heap(row.payload) + heap(ids.environment) +
                      heap(ids.release) + heap(ids.service) + heap(ids.host) + heap(ids.request_id) +
                      heap(ids.user_id) + heap(ids.transaction) + row.attributes.capacity() * sizeof(Attr);
  for (const Attr& a : row.attributes) {
    bytes += heap(a.name);
    if (const auto* s = std::get_if<std::string>(&a.value)) bytes += heap(*s);
  }
  return bytes;
}

void Head::add(Table table, const std::vector<EventRow>& rows, std::uint64_t& next_ordinal) {
  TableHead& head = tables_[index(table)];
  for (const EventRow& row : rows) {
    if (!head.open || head.open->rows.size() == HeadChunk::kRows) {
      head.open = std::make_shared<HeadChunk>();
      head.open->first_ordinal = next_ordinal;
      head.open->rows.reserve(HeadChunk::kRows);
      head.slices.push_back({head.open, 0, row.time, row.time, 0});
    }
    head.open->rows.push_back(row);
    ++next_ordinal;
    HeadSlice& slice = head.slices.back();
    const std::size_t bytes = memory_bytes(head.open->rows.back());
    ++slice.rows;
    slice.min_time = std::min(slice.min_time, row.time);
    slice.max_time = std::max(slice.max_time, row.time);
    slice.bytes += bytes;
    ++rows_;
    bytes_ += bytes;
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
