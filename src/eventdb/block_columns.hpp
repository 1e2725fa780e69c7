// One block of a part, its columns decoded when first asked for: a filter reads the columns it names, the
// rest is read only if a row matches and is handed out.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.hpp"
#include "eventdb/part.hpp"
#include "storage/event_fields.hpp"

namespace telltale::eventdb {

/// Not thread-safe. Charges the context for what it decodes and releases it when it goes.
class BlockColumns {
 public:
  BlockColumns(std::shared_ptr<const Part> part, std::size_t block, WorkContext& context);
  ~BlockColumns();
  BlockColumns(const BlockColumns&) = delete;
  BlockColumns& operator=(const BlockColumns&) = delete;

  const BlockMeta& meta() const { return part_->blocks()[block_]; }
  std::size_t rows() const { return meta().rows; }

  Result<const std::vector<std::int64_t>*> ints(Column column);
  Result<const StringColumn*> strings(Column column);

  struct AttrColumn {
    std::string name;
    bool wanted = false;  // by materialise()
    AttrType type = AttrType::text;
    AttrKind kind = AttrKind::metadata;
    std::size_t values = 0;
    std::string inlined;
    io::BlockHandle handle;
    bool decoded = false;
    StringColumn texts;
    std::vector<std::int64_t> numbers;
  };
  /// An attribute of a row: which column, and which of its values.
  struct Cell {
    std::uint32_t column = 0;
    std::uint32_t value = 0;
  };
  struct Attributes {
    std::vector<AttrColumn> columns;
    std::vector<Cell> cells;                // row by row, in the source's order
    std::vector<std::uint32_t> first_cell;  // of each row, and one past the last
  };
  Result<Attributes*> attributes();
  /// Decodes the values.
  Result<> load(AttrColumn& column);
  static AttrValue value(const AttrColumn& column, std::size_t index);

  /// Replaces `out` by what is wanted of row `row`; reads no other column. `wanted` and `with_payload` stay
  /// the same until forget_wanted().
  Result<> materialise(std::size_t row, const storage::FieldSet& wanted, bool with_payload, EventRow& out);
  void forget_wanted() { loaded_ = false; }

 private:
  Result<> account(std::size_t bytes);
  Result<std::string> read(io::BlockHandle handle);
  Error damage(Error error) const { return part_->damage(std::move(error)); }
  Result<> decode_attributes(Attributes& out, std::string_view raw);
  Result<> load_wanted(const storage::FieldSet& wanted, bool with_payload);

  const std::shared_ptr<const Part> part_;
  const std::size_t block_;
  WorkContext& context_;
  std::size_t charged_ = 0;
  std::array<std::unique_ptr<std::vector<std::int64_t>>, kColumns> ints_;
  std::array<std::unique_ptr<StringColumn>, kColumns> strings_;
  std::unique_ptr<Attributes> attributes_;
  bool loaded_ = false;  // what is wanted
};

}  // namespace telltale::eventdb
