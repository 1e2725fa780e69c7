#include "eventdb/part_format.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

namespace {

tl::unexpected<Error> bad_directory() { return fail(ErrorKind::corruption, "bad block directory"); }

bool known_column(std::uint8_t id) { return id < kColumns || id >= kSkeletonColumn; }

bool get_column_entry(ByteReader& in, ColumnEntry& column) {
  column.id = in.u8();
  if (!known_column(column.id)) return false;
  if (column.is_attribute()) {
    column.name = std::string(in.string());
    const std::uint8_t tag = in.u8();
    if ((tag & 0x0F) > static_cast<std::uint8_t>(AttrType::boolean) ||
        tag >> 4 >= static_cast<int>(kAttrKinds))
      return false;
    column.type = static_cast<AttrType>(tag & 0x0F);
    column.kind = static_cast<AttrKind>(tag >> 4);
  }
  column.present = static_cast<std::uint32_t>(in.varint());
  if (in.u8() != 0) {
    column.inlined = std::string(in.string());
    return in.ok() && !column.inlined.empty();
  }
  column.handle = get_handle(in);
  return in.ok();
}

bool get_shapes(ByteReader& in, BlockDirectory& out) {
  const std::uint64_t shapes = in.varint();
  if (!in.ok() || shapes > in.remaining()) return false;
  out.shapes.resize(shapes);
  for (auto& shape : out.shapes) {
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > in.remaining()) return false;
    shape.resize(size);
    for (std::uint32_t& c : shape) {
      const std::uint64_t number = in.varint();
      if (number >= out.columns.size()) return false;
      c = static_cast<std::uint32_t>(number);
      const ColumnEntry& column = out.columns[c];
      if (!column.is_attribute() && column.id != kResidualColumn) return false;
    }
  }
  return in.ok();
}

void put_signatures(ByteWriter& out, const std::vector<SignatureGroup>& groups) {
  out.varint(groups.size());
  for (const SignatureGroup& group : groups) {
    out.varint(group.blocks.size());
    std::uint32_t last = 0;
    for (const std::uint32_t block : group.blocks) {
      out.varint(block - last);
      last = block;
    }
    out.u8(static_cast<std::uint8_t>(std::countr_zero(group.rows)));
    out.u8(static_cast<std::uint8_t>(std::countr_zero(group.rows_a_page)));
    for (const io::BlockHandle page : group.pages) put_handle(out, page);
  }
}

bool get_signature_group(ByteReader& in, std::size_t blocks, SignatureGroup& group) {
  const std::uint64_t members = in.varint();
  if (!in.ok() || members == 0 || members > limits::kSignatureGroupBlocks) return false;
  std::uint64_t block = 0;
  for (std::uint64_t i = 0; i < members; ++i) {
    const std::uint64_t step = in.varint();
    if (i > 0 && step == 0) return false;
    block += step;
    if (!in.ok() || block >= blocks) return false;
    group.blocks.push_back(static_cast<std::uint32_t>(block));
  }
  const std::uint8_t rows = in.u8();
  const std::uint8_t rows_a_page = in.u8();
  if (!in.ok() || rows > std::countr_zero(limits::kSignatureRows) || rows_a_page > rows) return false;
  group.rows = std::uint32_t{1} << rows;
  group.rows_a_page = std::uint32_t{1} << rows_a_page;
  group.pages.resize(group.rows / group.rows_a_page);
  for (io::BlockHandle& page : group.pages) page = get_handle(in);
  return in.ok();
}

bool get_signatures(ByteReader& in, std::size_t blocks, std::vector<SignatureGroup>& groups) {
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > blocks) return false;
  groups.resize(count);
  return std::all_of(groups.begin(), groups.end(),
                     [&](SignatureGroup& group) { return get_signature_group(in, blocks, group); });
}

void put_words(ByteWriter& out, const std::vector<BlockMeta>& blocks) {
  for (const BlockMeta& block : blocks) {
    out.u8(static_cast<std::uint8_t>(block.words.state));
    if (!block.words.made()) continue;
    put_handle(out, block.words.words);
    put_handle(out, block.words.sets);
    put_handle(out, block.words.ids);
  }
}

bool get_words(ByteReader& in, std::uint32_t version, std::vector<BlockMeta>& blocks) {
  for (BlockMeta& block : blocks) {
    const std::uint8_t state = in.u8();
    if (!in.ok() || state > static_cast<std::uint8_t>(WordPlace::State::impossible)) return false;
    block.words.state = static_cast<WordPlace::State>(state);
    if (!block.words.made()) continue;
    block.words.words = get_handle(in);
    block.words.sets = get_handle(in);
    if (version >= kIdsPartVersion) block.words.ids = get_handle(in);
  }
  return in.ok();
}

}  // namespace

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

void put_counts(ByteWriter& out, const BlockMeta& block) {
  out.u8(block.counted ? 1 : 0);
  out.varint(block.counts.size());
  for (const BlockCount& count : block.counts) {
    out.varint(count.project.value);
    out.string(count.service);
    out.u8(static_cast<std::uint8_t>(count.level));
    out.varint(count.rows);
  }
}

bool get_counts(ByteReader& in, BlockMeta& block) {
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
  return in.ok();
}

std::string BlockDirectory::encode() const {
  ByteWriter out;
  out.varint(columns.size());
  for (const ColumnEntry& column : columns) {
    out.u8(column.id);
    if (column.is_attribute()) {
      out.string(column.name);
      out.u8(static_cast<std::uint8_t>(static_cast<int>(column.type) | static_cast<int>(column.kind) << 4));
    }
    out.varint(column.present);
    out.u8(column.inlined.empty() ? 0 : 1);
    if (column.inlined.empty()) {
      put_handle(out, column.handle);
    } else {
      out.string(column.inlined);
    }
  }
  out.varint(shapes.size());
  for (const auto& shape : shapes) {
    out.varint(shape.size());
    for (const std::uint32_t c : shape) out.varint(c);
  }
  return pack_bytes(out.view());
}

Result<BlockDirectory> BlockDirectory::decode(std::string_view bytes) {
  TT_ASSIGN(const std::string raw, unpack_bytes(bytes));
  ByteReader in(raw);
  BlockDirectory out;
  const std::uint64_t columns = in.varint();
  if (!in.ok() || columns > in.remaining()) return bad_directory();
  out.columns.resize(columns);
  for (ColumnEntry& column : out.columns)
    if (!get_column_entry(in, column)) return bad_directory();
  if (!get_shapes(in, out) || !in.empty()) return bad_directory();
  return out;
}

std::string PartFooter::encode() const {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(table));
  out.zigzag(day);
  out.varint(rows);
  out.varint(blocks.size());
  for (const BlockMeta& block : blocks) {
    out.varint(block.rows);
    out.zigzag(block.min_time.ns);
    out.zigzag(block.max_time.ns);
    put_handle(out, block.directory);
    out.varint(block.text_bytes);
    put_counts(out, block);
  }
  out.varint(index.size());
  for (const IndexPage& page : index) {
    out.u64(page.first);
    put_handle(out, page.handle);
  }
  put_signatures(out, signatures);
  put_words(out, blocks);
  put_handle(out, words);
  return pack_bytes(out.view());
}

Result<PartFooter> PartFooter::decode(std::string_view bytes, std::uint32_t version) {
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
    block.rows = static_cast<std::uint32_t>(in.varint());
    block.min_time.ns = in.zigzag();
    block.max_time.ns = in.zigzag();
    block.directory = get_handle(in);
    block.text_bytes = in.varint();
    good = good && get_counts(in, block) && block.rows > 0 && block.rows <= limits::kEventBlockRows &&
           block.min_time <= block.max_time;
    rows += block.rows;
  }
  const std::uint64_t pages = good ? in.varint() : 0;
  good = good && in.ok() && pages <= in.remaining();
  if (good) footer.index.resize(pages);
  for (IndexPage& page : footer.index) {
    page.first = in.u64();
    page.handle = get_handle(in);
  }
  if (good && version >= kSignedPartVersion)
    good = get_signatures(in, footer.blocks.size(), footer.signatures);
  if (good && version >= kWordsPartVersion) good = get_words(in, version, footer.blocks);
  if (good && version >= kPartWordsVersion) footer.words = get_handle(in);
  if (!good || !in.ok() || !in.empty() || rows != footer.rows)
    return fail(ErrorKind::corruption, "part: bad footer");
  return footer;
}

std::size_t PartFooter::memory_bytes() const {
  std::size_t bytes = blocks.size() * sizeof(BlockMeta) + index.size() * sizeof(IndexPage);
  for (const BlockMeta& block : blocks) bytes += block.counts.size() * sizeof(BlockCount);
  for (const SignatureGroup& group : signatures) bytes += group.pages.size() * sizeof(io::BlockHandle);
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

std::string part_name(Table table, std::int64_t day, RetentionClass kept, std::uint64_t number) {
  std::string name = std::string(to_string(table)) + "-" + day_name(day) + "-";
  if (kept.project.value != 0) name += fmt::format("p{}-", kept.project.value);
  if (kept.rule != 0) name += fmt::format("r{:08x}-", kept.rule);
  return name + std::to_string(number) + ".part";
}

RetentionClass retention_class_of(std::string_view part_name) {
  RetentionClass kept;
  const auto number = [part_name](std::string_view mark, int base, std::uint32_t& out) {
    const auto at = part_name.find(mark);
    if (at == std::string_view::npos) return;
    const std::string_view digits = part_name.substr(at + mark.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
  };
  number("-p", 10, kept.project.value);
  number("-r", 16, kept.rule);
  return kept;
}

}  // namespace telltale::eventdb
