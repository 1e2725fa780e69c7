// One block open for reading, its columns decoded when first asked for: a filter reads the columns it names,
// the rest is read only for rows that are handed out.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.hpp"
#include "eventdb/bitmap.hpp"
#include "eventdb/block_source.hpp"
#include "eventdb/part_format.hpp"
#include "eventdb/skeleton.hpp"
#include "eventdb/text_codec.hpp"
#include "storage/event_fields.hpp"

namespace telltale::eventdb {

/// Numbers of an attribute; `values` of rows without one mean nothing.
struct NumberColumn {
  std::vector<std::int64_t> values;  // integers and booleans
  std::vector<double> reals;
  std::optional<Bitmap> presence;  // absent: every row has one
  bool has(std::size_t row) const { return !presence || presence->test(row); }
};

/// A column of numbers that are read one by one: what few rows cost. The order of the members matters.
struct NumberPoints {
  Bytes bytes;
  AttrType type = AttrType::integer;
  std::optional<Bitmap> presence;
  PackedInts ints;    // integers and booleans
  PackedReals reals;  // reals
  std::size_t reads = 0;
  bool has(std::size_t row) const { return !presence || presence->test(row); }
};

/// A text column by the rows that have it: an alias shows the fixed column's texts.
struct TextView {
  TextColumn* column = nullptr;  // never an alias
  const Bitmap* presence =
      nullptr;            // of the alias, or of the column itself; null: see the column's dictionary
  bool rendered = false;  // some rows are written anew from a skeleton: read them by text_at() only
  std::uint32_t number = UINT32_MAX;  // of `column` in the directory
};

/// The skeletons of a block's lines by code; 0 is none.
struct Skeletons {
  std::vector<Skeleton> list;
  std::size_t code_space = 0;
  /// Of each reference of each skeleton: columns of that name.
  std::vector<std::vector<std::vector<std::uint32_t>>> columns;
};

/// Not thread-safe. Charges the context for what it decodes and releases it when it goes.
class Block {
 public:
  static Result<std::unique_ptr<Block>> open(std::shared_ptr<const BlockSource> source, const BlockMeta& meta,
                                             WorkContext& context);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::size_t rows() const { return rows_; }
  const WordPlace& words() const { return words_; }
  const BlockDirectory& directory() const { return directory_; }
  /// Position of a fixed column in the directory; nullopt when no row has a value.
  std::optional<std::uint32_t> find(Column column) const { return fixed_[static_cast<std::size_t>(column)]; }

  Result<const std::vector<std::int64_t>*> ints(Column column);
  /// One of them; decodes the column when it is asked for many.
  Result<std::int64_t> int_at(Column column, std::size_t row);
  /// Of a text column, fixed or attribute.
  Result<TextView> text(std::uint32_t number);
  /// The message column without what is kept as skeletons.
  Result<TextView> raw_text(std::uint32_t number);
  std::optional<std::uint32_t> skeleton_column() const { return skeleton_; }
  Result<const Skeletons*> skeletons();
  /// Of every row; 0: its message is not kept as a skeleton.
  Result<const std::vector<std::uint16_t>*> skeleton_codes();
  /// What an alias or time column is derived from, if it is of that codec.
  Result<std::optional<std::uint8_t>> derivation(std::uint32_t number, TextCodec codec);
  Result<const NumberColumn*> numbers(std::uint32_t number);
  /// One of them; nullopt when the row has none.
  Result<std::optional<AttrValue>> number_at(std::uint32_t number, std::size_t row);
  /// The shape of each row; empty when all have the first.
  Result<const std::vector<std::int64_t>*> row_shapes();

  /// The text of a row in a text column; nullopt when it has none. Valid until the next call with `scratch`.
  Result<std::optional<std::string_view>> text_at(const TextView& view, std::size_t row,
                                                  std::string& scratch);
  /// Any attribute column's value as text.
  Result<std::optional<std::string_view>> attr_text_at(std::uint32_t number, std::size_t row,
                                                       std::string& scratch);
  /// Attributes that have no column of their own; empty for most rows.
  Result<std::vector<Attr>> residual(std::size_t row);
  std::optional<std::uint32_t> residual_column() const { return residual_; }
  /// Rows that have the attribute column.
  Result<Bitmap> presence(std::uint32_t number);

  /// Which columns materialise() reads; stays until asked anew.
  Result<> want(const storage::FieldSet& wanted, bool with_payload);
  /// Replaces `out` by what is wanted of the row.
  Result<> materialise(std::size_t row, EventRow& out);

  /// Lets go of pages of texts; they are read again when they are needed.
  void forget_pages();

  const BlockSource& source() const { return *source_; }
  const std::shared_ptr<const BlockSource>& shared_source() const { return source_; }
  Result<> check() const { return context_.check(); }
  WorkContext& context() const { return context_; }
  Result<> account(std::size_t bytes);

 private:
  Block(std::shared_ptr<const BlockSource> source, const BlockMeta& meta, WorkContext& context)
      : source_(std::move(source)), rows_(meta.rows), words_(meta.words), context_(context) {}
  Result<> load();
  Result<Bytes> read(const ColumnEntry& entry) const;
  tl::unexpected<Error> damaged(Error error) const {
    return tl::unexpected<Error>(source_->damage(std::move(error)));
  }
  Result<NumberPoints*> points(std::uint32_t number);
  Result<std::size_t> shape_at(std::size_t row);
  Result<TextColumn*> text_column(std::uint32_t number);
  Result<TextView> rendered_text(std::uint32_t number);
  Result<> render(std::uint16_t code, std::size_t row, std::string& out);
  Result<> take_text(Column column, bool wanted, std::size_t row, std::string& out);
  Result<> take_id(Column column, std::size_t row, std::string_view& raw);
  Result<> take_attributes(std::size_t row, EventRow& out);

  const std::shared_ptr<const BlockSource> source_;
  const std::size_t rows_;
  const WordPlace words_;
  WorkContext& context_;
  std::size_t charged_ = 0;
  BlockDirectory directory_;
  std::array<std::optional<std::uint32_t>, kColumns> fixed_;
  std::optional<std::uint32_t> shape_;
  std::optional<std::uint32_t> residual_;
  std::optional<std::uint32_t> skeleton_;
  std::unique_ptr<Skeletons> skeletons_;
  std::optional<Bitmap> message_presence_;  // of rows with skeletons, too
  std::string value_scratch_;
  std::array<std::unique_ptr<std::vector<std::int64_t>>, kColumns> ints_;
  std::vector<std::unique_ptr<TextColumn>> texts_;      // by directory position
  std::vector<std::unique_ptr<NumberColumn>> numbers_;  // by directory position
  std::vector<std::unique_ptr<NumberPoints>> points_;   // by directory position
  std::unique_ptr<std::vector<std::int64_t>> row_shapes_;
  std::string scratch_;

  // Of want().
  std::array<bool, kColumns> wanted_{};
  bool wants_received_ = false;
  bool wants_attributes_ = false;
  std::vector<bool> wanted_columns_;
  std::optional<storage::FieldSet> wanted_names_;
};

/// The column of a fixed field; nullopt for attributes.
std::optional<Column> fixed_column(std::string_view field);
bool is_int_column(Column column);
/// Whether the column's bytes are encode_text_column()'s.
bool holds_text(const ColumnEntry& column);
/// A fixed integer column's value as field_text() shows it; nullopt when absent.
std::optional<std::string> int_column_text(Column column, std::int64_t stored);

}  // namespace telltale::eventdb
