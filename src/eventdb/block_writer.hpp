// The columns of one block on their way to a sink: what BlockBuilder (from rows) and BlockMerger (from other
// blocks) have in common. Columns come in any order; the directory, the counts and the keys of the id index
// follow from them.
#pragma once

#include <map>
#include <span>

#include "eventdb/part_format.hpp"
#include "eventdb/signature.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

/// A finished block: its metadata, the sorted keys (block bits zero) of the ids in it, and what its texts are
/// made of.
struct WrittenBlock {
  BlockMeta meta;
  std::vector<std::uint64_t> index_keys;
  Signature signature;
};

/// An attribute column's identity.
struct AttrId {
  std::string name;
  AttrType type = AttrType::text;
  AttrKind kind = AttrKind::metadata;
  auto operator<=>(const AttrId&) const = default;
};

/// Not thread-safe; one block each.
class BlockWriter {
 public:
  BlockWriter(BlockSink& sink, std::size_t rows, Effort effort) : sink_(sink), rows_(rows), effort_(effort) {
    if (effort == Effort::thorough) grams_.emplace();
  }

  Result<> put_ints(Column column, std::span<const std::int64_t> values);
  /// Of ids 16 and 8 bytes: values are binary (TextValues::form). Empty values are absent ones; a column
  /// without any value is left out.
  Result<> put_text(Column column, TextValues& values);
  /// The message: values, and skeletons (a dictionary; entry 0 none) of rows that have no value for that.
  Result<> put_message(TextValues& values, TextValues& skeletons, std::size_t present);
  Result<> put_raw_ints(std::uint8_t id, std::span<const std::int64_t> values, std::size_t present);

  // Attributes: positions in the directory come back, for shapes.
  Result<std::uint32_t> put_text(const AttrId& id, TextValues& values, std::size_t present);
  Result<std::uint32_t> put_numbers(const AttrId& id, std::span<const std::int64_t> values,
                                    const Bitmap& presence);
  Result<std::uint32_t> put_reals(const AttrId& id, std::span<const double> values, const Bitmap& presence);
  Result<std::uint32_t> put_alias(const AttrId& id, Column of, const Bitmap& presence);
  Result<std::uint32_t> put_time(const AttrId& id, std::uint8_t style, const Bitmap& presence);
  Result<std::uint32_t> put_residual(TextValues& values, std::size_t present);
  Result<> put_shapes(std::vector<std::vector<std::uint32_t>> shapes,
                      std::span<const std::int64_t> row_shapes);

  /// Rows by project, service and level. `services` is empty where no row has one.
  void count_rows(std::span<const std::int64_t> projects, const TextValues& services,
                  std::span<const std::int64_t> levels);
  Result<WrittenBlock> finish(UnixNanos min_time, UnixNanos max_time);

 private:
  Result<std::uint32_t> add(ColumnEntry entry, std::string bytes);
  void count(ProjectId project, std::string_view service, Level level, std::uint64_t rows);
  void weigh(const TextValues& values);
  enum class Shown : std::uint8_t { as_it_is, in_lines };
  void sign(const TextValues& values, Shown shown);
  void sign_booleans();
  void index_text(std::string_view field, const TextValues& values);
  void index_entry(std::size_t field, FormSpec form, std::string_view value);

  BlockSink& sink_;
  const std::size_t rows_;
  const Effort effort_;
  BlockDirectory directory_;
  SharedCodes shared_;
  std::uint64_t text_bytes_ = 0;
  std::vector<std::uint64_t> keys_;
  std::optional<GramCollector> grams_;
  std::map<std::tuple<std::uint32_t, std::string, Level>, std::uint64_t> counts_;
};

/// The number of the indexed field that this attribute name is spelled like.
std::optional<std::size_t> indexed_spelling(std::string_view name);

}  // namespace telltale::eventdb
