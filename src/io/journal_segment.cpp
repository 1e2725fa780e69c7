#include "io/journal_segment.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace telltale::io {
namespace {

constexpr std::string_view kSegmentPrefix = "journal-";
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::size_t kRecordHeaderBytes = 16;

std::optional<SegmentRecord> decode_record(std::string_view bytes, std::size_t& size) {
  ByteReader header(bytes);
  const std::uint32_t body_size = header.u32();
  const std::uint32_t checksum = header.u32();
  SegmentRecord record;
  record.sequence.value = header.u64();
  const std::string_view body = header.bytes(body_size);
  if (!header.ok() || body_size == 0 || record.sequence.value == 0) return std::nullopt;
  const std::string_view sized = bytes.substr(0, 4);
  if (crc32c(bytes.substr(8, 8 + std::size_t{body_size}), crc32c(sized)) != checksum) return std::nullopt;
  ByteReader in(body);
  record.accepted.ns = static_cast<std::int64_t>(in.u64());
  const std::uint64_t id_count = in.varint();
  if (id_count > body.size()) return std::nullopt;
  record.ids = in.bytes(id_count * 16);
  if (!in.ok()) return std::nullopt;
  record.payload = in.bytes(in.remaining());
  size = kRecordHeaderBytes + body_size;
  return record;
}

/// Cheap look before a checksum is worth its time, while hunting byte by byte.
bool plausible(std::string_view bytes, Sequence next, std::size_t remaining) {
  ByteReader in(bytes);
  const std::uint32_t body_size = in.u32();
  in.u32();
  const std::uint64_t sequence = in.u64();
  return in.ok() && body_size != 0 && body_size + kRecordHeaderBytes <= remaining && sequence >= next.value &&
         sequence - next.value <= remaining;
}

}  // namespace

std::string segment_name(Sequence first) {
  return fmt::format("{}{:020}{}", kSegmentPrefix, first.value, kSegmentSuffix);
}

Sequence segment_first(std::string_view name) {
  if (!name.starts_with(kSegmentPrefix) || !name.ends_with(kSegmentSuffix)) return {};
  name.remove_prefix(kSegmentPrefix.size());
  name.remove_suffix(kSegmentSuffix.size());
  Sequence first;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), first.value);
  return code == std::errc() && end == name.data() + name.size() ? first : Sequence{};
}

std::string segment_header(Sequence first) {
  ByteWriter out;
  out.bytes("TTJS");
  out.u32(kSegmentVersion);
  out.u64(first.value);
  out.u32(0);  // reserved
  out.u32(crc32c(out.view()));
  return out.take();
}

void append_record(std::string& out, Sequence sequence, UnixNanos accepted, std::span<const Id128> ids,
                   std::string_view payload) {
  ByteWriter body;
  body.u64(static_cast<std::uint64_t>(accepted.ns));
  body.varint(ids.size());
  for (const Id128& id : ids) {
    body.u64(id.hi);
    body.u64(id.lo);
  }
  ByteWriter size;
  size.u32(static_cast<std::uint32_t>(body.size() + payload.size()));
  ByteWriter number;
  number.u64(sequence.value);
  ByteWriter checksum;
  checksum.u32(crc32c(payload, crc32c(body.view(), crc32c(number.view(), crc32c(size.view())))));
  for (const std::string_view part : {size.view(), checksum.view(), number.view(), body.view(), payload})
    out += part;
}

Id128 SegmentRecord::id(std::size_t i) const {
  ByteReader in(ids.substr(i * 16, 16));
  Id128 out;
  out.hi = in.u64();
  out.lo = in.u64();
  return out;
}

Result<SegmentScan> scan_segment(std::string_view bytes, Sequence first, Sequence limit,
                                 const std::function<Result<>(const SegmentRecord&)>& visit) {
  SegmentScan scan;
  scan.last.value = first.value - 1;
  scan.good_end = kSegmentHeaderBytes;
  std::size_t offset = kSegmentHeaderBytes;
  std::size_t damage = 0;
  if (bytes.substr(0, kSegmentHeaderBytes) != segment_header(first)) {
    // Only a header that checks is believed when it says "newer"; any other is damage.
    ByteReader in(bytes);
    const bool magic_ok = in.bytes(4) == "TTJS";
    const std::uint32_t version = in.u32();
    ByteReader checksum(bytes.substr(std::min<std::size_t>(bytes.size(), kSegmentHeaderBytes - 4)));
    const bool checks = checksum.u32() == crc32c(bytes.substr(0, kSegmentHeaderBytes - 4)) && checksum.ok();
    if (magic_ok && checks && version > kSegmentVersion)
      return fail(ErrorKind::unsupported,
                  fmt::format("journal format {} is newer than this program", version));
    damage = 1;  // the name says where it begins; good records count all the same
  }
  while (offset < bytes.size() && scan.last.value + 1 < limit.value) {
    std::size_t size = 0;
    const Sequence next{scan.last.value + 1};
    const std::string_view rest = bytes.substr(offset);
    const bool look = damage == 0 || plausible(rest, next, rest.size());
    const auto record = look ? decode_record(rest, size) : std::nullopt;
    if (!record || record->sequence < next || record->sequence >= limit) {
      if (damage == 0) damage = offset;
      ++offset;
      continue;
    }
    if (damage != 0 || record->sequence != next) {
      if (scan.first_damage == 0) scan.first_damage = damage != 0 ? damage : offset;
    }
    damage = 0;
    TT_TRY(visit(*record));
    scan.last = record->sequence;
    offset += size;
    scan.good_end = offset;
  }
  return scan;
}

}  // namespace telltale::io
