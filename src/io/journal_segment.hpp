// The bytes of one journal segment: encoding records, and scanning a file for them. The scan never stops at a
// bad record: it looks for the next one whose size, sequence and checksum are right, so that damage costs one
// record.
//
// Format: docs/formats/journal.md.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace telltale::io {

inline constexpr std::size_t kSegmentHeaderBytes = 24;

std::string segment_name(Sequence first);
/// 0 when `name` is not a segment's.
Sequence segment_first(std::string_view name);
std::string segment_header(Sequence first);

void append_record(std::string& out, Sequence sequence, UnixNanos accepted, std::span<const Id128> ids,
                   std::string_view payload);

struct SegmentRecord {
  Sequence sequence;
  UnixNanos accepted;
  std::string_view ids;  // 16 bytes each
  std::string_view payload;
  std::size_t id_count() const { return ids.size() / 16; }
  Id128 id(std::size_t i) const;
};

struct SegmentScan {
  Sequence last;                   // newest record found; first-1 when there is none
  std::uint64_t good_end = 0;      // offset after the last good record
  std::uint64_t first_damage = 0;  // offset of a bad record before a good one; 0 when there is none
};

/// Calls `visit` for each good record with a sequence in [first, limit), in order.
Result<SegmentScan> scan_segment(std::string_view bytes, Sequence first, Sequence limit,
                                 const std::function<Result<>(const SegmentRecord&)>& visit);

}  // namespace telltale::io
