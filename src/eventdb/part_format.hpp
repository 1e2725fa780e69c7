// What stands in a part file: which columns a block has, and the footer that lists the blocks and the pages
// of the id index. Byte by byte: docs/formats/eventdb.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/block_file.hpp"
#include "model/event_row.hpp"
#include "storage/event_fields.hpp"

namespace telltale::eventdb {

inline constexpr io::FileFormat kPartFormat{{'T', 'T', 'E', 'V'}, 1, 1};

/// Stored numbers (positions in a block's list of handles): never renumber.
enum class Column : std::uint8_t {
  time,
  ordinal,
  received,
  project,
  level,
  service,
  environment,
  release,
  host,
  transaction,
  trace_id,
  span_id,
  request_id,
  user_id,
  message,
  payload,
  attributes,  // the directory of attribute columns
};
inline constexpr std::size_t kColumns = 17;

/// Rows of one block by project, service and level: answers volumes without reading it.
struct BlockCount {
  ProjectId project;
  std::string service;
  Level level = Level::unknown;
  std::uint64_t rows = 0;
};

struct BlockMeta {
  std::uint32_t rows = 0;
  UnixNanos min_time;
  UnixNanos max_time;
  std::array<io::BlockHandle, kColumns> columns{};  // size 0: no row has a value
  std::array<std::uint32_t, storage::kFixedFieldCount> present{};
  bool counted = false;  // false: too many distinct combinations, `counts` is empty
  std::vector<BlockCount> counts;
};

struct IndexPage {
  std::uint64_t first = 0;
  io::BlockHandle handle;
};

struct PartFooter {
  Table table = Table::logs;
  std::int64_t day = 0;  // days since 1970-01-01 UTC
  std::uint64_t rows = 0;
  std::vector<BlockMeta> blocks;
  std::vector<IndexPage> index;

  std::string encode() const;
  static Result<PartFooter> decode(std::string_view bytes);
  std::size_t memory_bytes() const;
};

inline constexpr std::size_t kMaxBlockCounts = 256;

// The id index: sorted numbers, 40 bits of hash above 24 bits of block. The seed of the hash is the field.
inline constexpr std::string_view kIndexedFields[] = {"trace_id", "span_id", "request_id", "user_id",
                                                      attr::kEventId};
inline constexpr std::uint64_t kIndexBlockBits = 24;
inline constexpr std::uint64_t kIndexBlockMask = (std::uint64_t{1} << kIndexBlockBits) - 1;
inline constexpr std::size_t kIndexPageEntries = 512;
/// The number of an indexed field; nullopt for any other.
std::optional<std::size_t> indexed_field(std::string_view field);
/// The hash's 40 bits, block bits zero.
std::uint64_t index_key(std::size_t field, std::string_view text);

std::int64_t day_of(UnixNanos time);
/// `20260108`.
std::string day_name(std::int64_t day);
/// `logs-20260108-17.part`, or `logs-20260108-p2-17.part` for rows of a project with a retention of its own.
/// The name is where the class is kept; the manifest protects it.
std::string part_name(Table table, std::int64_t day, ProjectId retention_class, std::uint64_t number);
ProjectId retention_class_of(std::string_view part_name);

/// Types of attribute columns: positions in AttrValue.
enum class AttrType : std::uint8_t { text, integer, real, boolean };
/// Attribute columns up to this encoded size stand inside the directory.
inline constexpr std::size_t kInlineColumnBytes = 256;

}  // namespace telltale::eventdb
