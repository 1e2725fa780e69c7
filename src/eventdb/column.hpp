// The two column codecs of a part: integers (deltas as zigzag varints) and strings (plain, or a dictionary
// with a code a row when values repeat). Each encoded column is zstd-compressed where that pays and says its
// own size, so that a reader checks everything before it allocates. Bytes: docs/formats/eventdb.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::eventdb {

/// Wraps bytes: one byte of codec, the raw size, the bytes plain or zstd.
std::string pack_bytes(std::string_view raw);
Result<std::string> unpack_bytes(std::string_view packed);

std::string encode_ints(std::span<const std::int64_t> values);
/// corruption unless there are exactly `rows` values.
Result<std::vector<std::int64_t>> decode_ints(std::string_view packed, std::size_t rows);

/// Decoded strings: distinct values, and a code a row. A plain column has one value a row and no codes.
class StringColumn {
 public:
  static std::string encode(std::span<const std::string_view> values);
  static Result<StringColumn> decode(std::string_view packed, std::size_t rows);
  /// `rows` empty strings: a column that was left out because no row has a value.
  static StringColumn absent(std::size_t rows);

  std::string_view at(std::size_t row) const { return values_[code(row)]; }
  std::size_t code(std::size_t row) const { return codes_.empty() ? row : codes_[row]; }
  const std::vector<std::string_view>& values() const { return values_; }
  std::size_t memory_bytes() const {
    return arena_->size() + values_.size() * sizeof(std::string_view) + codes_.size() * sizeof(std::uint16_t);
  }

 private:
  std::shared_ptr<const std::string> arena_;  // stays where it is when the column moves
  std::vector<std::string_view> values_;
  std::vector<std::uint16_t> codes_;
};

}  // namespace telltale::eventdb
