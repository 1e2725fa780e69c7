#include "eventdb/part_format.hpp"

#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "eventdb/column.hpp"

namespace telltale::eventdb {

namespace {

void put_handle(ByteWriter& out, io::BlockHandle handle) {
  out.varint(handle.offset);
  out.varint(handle.size);
}

io::BlockHandle get_handle(ByteReader& in) {
  io::BlockHandle handle;
  handle.offset = in.varint();
  handle.size = static_cast<std::uint32_t>(in.varint());
  return handle;
}

void put_block_meta(ByteWriter& out, const BlockMeta& block) {
  out.varint(block.rows);
  out.zigzag(block.min_time.ns);
  out.zigzag(block.max_time.ns);
  for (const io::BlockHandle handle : block.columns) put_handle(out, handle);
  for (const std::uint32_t rows : block.present) out.varint(rows);
  out.u8(block.counted ? 1 : 0);
  out.varint(block.counts.size());
  for (const BlockCount& count : block.counts) {
    out.varint(count.project.value);
    out.string(count.service);
    out.u8(static_cast<std::uint8_t>(count.level));
    out.varint(count.rows);
  }
}

bool get_block_meta(ByteReader& in, BlockMeta& block) {
  block.rows = static_cast<std::uint32_t>(in.varint());
  block.min_time.ns = in.zigzag();
  block.max_time.ns = in.zigzag();
  for (io::BlockHandle& handle : block.columns) handle = get_handle(in);
  for (std::uint32_t& rows : block.present) rows = static_cast<std::uint32_t>(in.varint());
  block.counted = in.u8() != 0;
  const std::uint64_t counts = in.varint();
  if (!in.ok() || counts > kMaxBlockCounts) return false;
  block.counts.resize(counts);
  for (BlockCount& count : block.counts) {
    count.project.value = static_cast<std::uint32_t>(in.varint());
    count.service = std::string(in.string());
    count.level = static_cast<Level>(in.u8());
    count.rows = in.varint();
  }
  return in.ok() && block.rows > 0 && block.min_time <= block.max_time;
}

}  // namespace

std::string PartFooter::encode() const {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(table));
  out.zigzag(day);
  out.varint(rows);
  out.varint(blocks.size());
  for (const BlockMeta& block : blocks) put_block_meta(out, block);
  out.varint(index.size());
  for (const IndexPage& page : index) {
    out.u64(page.first);
    put_handle(out, page.handle);
  }
  return pack_bytes(out.view());
}

Result<PartFooter> PartFooter::decode(std::string_view bytes) {
  TT_ASSIGN(const std::string raw, unpack_bytes(bytes));
  ByteReader in(raw);
  PartFooter footer;
  footer.table = static_cast<Table>(in.u8());
  footer.day = in.zigzag();
  footer.rows = in.varint();
  const std::uint64_t blocks = in.varint();
  std::uint64_t rows = 0;
  bool good = in.ok() && blocks <= in.remaining();
  if (good) footer.blocks.resize(blocks);
  for (BlockMeta& block : footer.blocks) {
    good = good && get_block_meta(in, block);
    rows += block.rows;
  }
  const std::uint64_t pages = good ? in.varint() : 0;
  good = good && in.ok() && pages <= in.remaining();
  if (good) footer.index.resize(pages);
  for (IndexPage& page : footer.index) {
    page.first = in.u64();
    page.handle = get_handle(in);
  }
  if (!good || !in.ok() || !in.empty() || rows != footer.rows)
    return fail(ErrorKind::corruption, "part: bad footer");
  return footer;
}

std::size_t PartFooter::memory_bytes() const {
  std::size_t bytes = blocks.size() * sizeof(BlockMeta) + index.size() * sizeof(IndexPage);
  for (const BlockMeta& block : blocks) bytes += block.counts.size() * sizeof(BlockCount);
  return bytes;
}

std::optional<std::size_t> indexed_field(std::string_view field) {
  for (std::size_t i = 0; i < std::size(kIndexedFields); ++i)
    if (kIndexedFields[i] == field) return i;
  return std::nullopt;
}

std::uint64_t index_key(std::size_t field, std::string_view text) {
  return hash64(text, field + 1) & ~kIndexBlockMask;
}

std::int64_t day_of(UnixNanos time) {
  constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;
  return time.ns / kDayNs - (time.ns % kDayNs < 0 ? 1 : 0);
}

std::string day_name(std::int64_t day) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}{:02}{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

std::string part_name(Table table, std::int64_t day, ProjectId retention_class, std::uint64_t number) {
  std::string name = std::string(to_string(table)) + "-" + day_name(day) + "-";
  if (retention_class.value != 0) name += "p" + std::to_string(retention_class.value) + "-";
  return name + std::to_string(number) + ".part";
}

ProjectId retention_class_of(std::string_view part_name) {
  const auto mark = part_name.find("-p");
  if (mark == std::string_view::npos) return {};
  ProjectId project;
  const std::string_view digits = part_name.substr(mark + 2);
  std::from_chars(digits.data(), digits.data() + digits.size(), project.value);
  return project;
}

}  // namespace telltale::eventdb
