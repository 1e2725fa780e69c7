// What stands in a part file: blocks of rows, each with a directory of its columns, the id index, and the
// footer that lists both. Byte by byte: docs/formats/eventdb.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "io/block_file.hpp"
#include "model/event_row.hpp"
#include "storage/event_fields.hpp"

namespace telltale::eventdb {

/// Version 1 is read (legacy_part.hpp), and rewritten when its parts merge; version 2 is today's without
/// signatures and word indexes, version 3 without the latter, version 4 without ids in them, version 5
/// without the words of the part.
inline constexpr io::FileFormat kPartFormat{{'T', 'T', 'E', 'V'}, 6, 1};
inline constexpr std::uint32_t kSignedPartVersion = 3;
inline constexpr std::uint32_t kWordsPartVersion = 4;
inline constexpr std::uint32_t kIdsPartVersion = 5;
inline constexpr std::uint32_t kPartWordsVersion = 6;

/// Stored numbers: never renumber.
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
};
inline constexpr std::size_t kColumns = 16;
inline constexpr std::uint8_t kAttributeColumn = 255;
inline constexpr std::uint8_t kResidualColumn = 254;  // attributes beyond limits::kEventBlockColumns
inline constexpr std::uint8_t kShapeColumn = 253;     // a row's attributes, by number of shape
inline constexpr std::uint8_t kSkeletonColumn = 252;  // messages that are written anew from attributes

/// Types of attribute columns: positions in AttrValue.
enum class AttrType : std::uint8_t { text, integer, real, boolean };

/// Rows of one block by project, service and level: answers volumes without reading it.
struct BlockCount {
  ProjectId project;
  std::string service;
  Level level = Level::unknown;
  std::uint64_t rows = 0;
};

/// Where a block's word index (word_index.hpp) stands.
struct WordPlace {
  /// Stored numbers: never renumber.
  enum class State : std::uint8_t {
    none = 0,  // nobody made one
    made = 1,
    impossible = 2,  // a limit was passed, or rows say their group in a way that is not understood
  };
  State state = State::none;
  io::BlockHandle words;
  io::BlockHandle sets;
  io::BlockHandle ids;  // size 0: none were made, or there are none
  bool made() const { return state == State::made; }
};

struct BlockMeta {
  std::uint32_t rows = 0;
  UnixNanos min_time;
  UnixNanos max_time;
  io::BlockHandle directory;
  std::uint64_t text_bytes = 0;  // of texts as they are decoded; blocks are cut by it
  bool counted = false;          // false: too many distinct combinations, `counts` is empty
  std::vector<BlockCount> counts;
  WordPlace words;
};

/// A column of a block, as the block's directory lists it.
struct ColumnEntry {
  std::uint8_t id = 0;  // a Column, or one of the numbers above
  std::string name;     // of an attribute
  AttrType type = AttrType::text;
  AttrKind kind = AttrKind::metadata;
  std::uint32_t present = 0;  // rows that have a value
  std::string inlined;        // the column itself when it is small, else
  io::BlockHandle handle;

  bool is(Column column) const { return id == static_cast<std::uint8_t>(column); }
  bool is_attribute() const { return id == kAttributeColumn; }
};

struct BlockDirectory {
  std::vector<ColumnEntry> columns;
  /// Attributes in the source's order, as positions in `columns`; the residual column's stands for the row's
  /// next attribute in there. A row's shape is in the shape column; without one every row has the first.
  std::vector<std::vector<std::uint32_t>> shapes;

  std::string encode() const;
  static Result<BlockDirectory> decode(std::string_view bytes);
};

struct IndexPage {
  std::uint64_t first = 0;
  io::BlockHandle handle;
};

/// Where signatures of blocks of a part stand (signature_pages.hpp).
struct SignatureGroup {
  std::vector<std::uint32_t> blocks;  // rising
  std::uint32_t rows = 0;             // of each block's signature, a power of two
  std::uint32_t rows_a_page = 0;      // a power of two
  std::vector<io::BlockHandle> pages;
};

struct PartFooter {
  Table table = Table::logs;
  std::int64_t day = 0;  // days since 1970-01-01 UTC
  std::uint64_t rows = 0;
  std::vector<BlockMeta> blocks;
  std::vector<IndexPage> index;
  std::vector<SignatureGroup> signatures;  // a block is in one of them or in none
  io::BlockHandle words;                   // of the part (part_words.hpp); size 0: none

  std::string encode() const;
  /// Of the file's format version, not of version 1.
  static Result<PartFooter> decode(std::string_view bytes, std::uint32_t version);
  std::size_t memory_bytes() const;
};

void put_handle(ByteWriter& out, io::BlockHandle handle);
io::BlockHandle get_handle(ByteReader& in);
void put_counts(ByteWriter& out, const BlockMeta& block);
/// False when the bytes are not counts.
bool get_counts(ByteReader& in, BlockMeta& block);

inline constexpr std::size_t kMaxBlockCounts = 256;
/// Columns up to this encoded size stand inside the directory.
inline constexpr std::size_t kInlineColumnBytes = 256;

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

/// What decides how long rows are kept, as it was when they became a part.
struct RetentionClass {
  ProjectId project;       // that had a time of its own; 0: the table's
  std::uint32_t rule = 0;  // RetentionRule::id; 0: none
  auto operator<=>(const RetentionClass&) const = default;
};
/// `logs-20260108-17.part`, `logs-20260108-p2-17.part` for rows of a project with a time of its own, with
/// `r00c0ffee-` before the number for rows of a rule. The name is where the class is kept; the manifest
/// protects it.
std::string part_name(Table table, std::int64_t day, RetentionClass kept, std::uint64_t number);
RetentionClass retention_class_of(std::string_view part_name);

}  // namespace telltale::eventdb
