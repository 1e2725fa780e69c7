// Texts of a column of a block. Codecs, chosen by what the values are:
//   dictionary  distinct values once, a packed code a row; two columns whose codes are the same (ids of one
//               request) store them once
//   pages       values in pages of some thousand rows, each compressed on its own: one row costs one page
//   binary      ids and addresses in their binary form, read directly
//   templates   texts that few formats have printed (text_template.hpp)
//   alias       an attribute that says what a fixed column says already
//   time        an attribute that is the row's time in a usual notation
// Values that are all of one form (text_form.hpp) are binary inside dictionaries, too. Bytes:
// docs/formats/eventdb.md.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "eventdb/bitmap.hpp"
#include "eventdb/block_source.hpp"
#include "eventdb/int_codec.hpp"
#include "eventdb/text_form.hpp"
#include "eventdb/text_template.hpp"

namespace telltale::eventdb {

/// The numbers are stored: never renumber.
enum class TextCodec : std::uint8_t {
  dictionary = 1,
  pages = 2,
  binary = 3,
  alias = 4,
  time = 5,
  templates = 6,
};

/// Distinct values in order of first appearance, by hash. At most 65,536.
class Dictionary {
 public:
  static constexpr std::size_t kMost = 65'536;
  /// The value's code, a new one if it is new; nullopt when the dictionary is full. The bytes must live on.
  std::optional<std::uint16_t> add(std::string_view value);
  const std::vector<std::string_view>& entries() const { return entries_; }

 private:
  void grow();
  std::vector<std::string_view> entries_;
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> slots_;  // entry + 1
};

/// What a column is encoded from: either values a row, or a dictionary and codes.
struct TextValues {
  std::size_t rows = 0;
  std::vector<std::string_view> values;  // a row each; or
  std::vector<std::string_view> entries;
  std::vector<std::uint16_t> codes;
  bool first_is_absent = false;    // entry 0 stands for rows without a value; it is empty
  FormSpec form;                   // of values or entries, when they are binary already
  std::optional<Bitmap> presence;  // of values: rows that have one; absent: all
};

/// Codes of the columns of one block written so far, for columns that share them.
struct SharedCodes {
  std::vector<std::pair<std::uint32_t, std::vector<std::uint16_t>>> columns;  // number in the directory
};

// When a dictionary is worth it.
/// Below this many rows nothing can be said about how many values a column will have.
inline constexpr std::size_t kDictionaryTrial = 2048;
/// Longer texts are what a dictionary's size is limited for.
inline constexpr std::size_t kShortText = 64;
inline std::size_t most_entries(std::size_t rows) { return std::min(Dictionary::kMost, rows - rows / 4 + 1); }
/// Makes a dictionary of the values if that is worth it: `entries` instead of `values`.
void find_dictionary(TextValues& column);
/// What a block is made for: memory and a few minutes, or the disk, where templates and a signature pay.
enum class Effort : std::uint8_t { quick, thorough };
/// The column's bytes; pages go to the sink.
Result<std::string> encode_text_column(TextValues& column, std::uint32_t number, SharedCodes& shared,
                                       Effort effort, BlockSink& sink);
std::string encode_alias_column(std::uint8_t fixed_column, const Bitmap* presence);
std::string encode_time_column(std::uint8_t style, const Bitmap* presence);

/// A decoded page: values one behind the other.
struct TextPage {
  std::string bytes;
  std::size_t arena = 0;  // where the values begin
  std::size_t first_row = 0;
  std::vector<std::uint32_t> ends;  // of each value, from the arena's start
  std::size_t rows() const { return ends.size(); }
  std::string_view text() const { return std::string_view(bytes).substr(arena); }
  std::string_view at(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(arena + begin, ends[i] - begin);
  }
  std::size_t memory_bytes() const { return bytes.capacity() + ends.capacity() * sizeof(std::uint32_t); }
};

/// A column open for reading. Not thread-safe.
class TextColumn {
 public:
  /// corruption unless the bytes are a column of `rows` rows.
  static Result<TextColumn> decode(Bytes bytes, std::size_t rows);
  /// A column no row has a value in.
  static TextColumn absent(std::size_t rows);

  TextCodec codec() const { return codec_; }
  std::size_t rows() const { return rows_; }
  FormSpec form() const { return form_; }
  std::uint8_t alias_of() const { return number_; }
  std::uint8_t time_style() const { return number_; }
  /// Rows that have a value, where that is not every row and no dictionary says so. Null otherwise.
  const Bitmap* presence() const { return presence_ ? &*presence_ : nullptr; }

  // dictionary
  bool first_is_absent() const { return first_is_absent_; }
  std::size_t entries() const { return entries_; }
  /// One more than the greatest code that the packed bits can name.
  std::size_t code_space() const { return std::max(entries_, std::size_t{1} << code_bits_); }
  /// The entry's text; `scratch` holds it where it is stored binary.
  std::string_view entry(std::size_t code, std::string& scratch) const;
  /// As stored.
  std::string_view raw_entry(std::size_t code) const;
  std::uint16_t code(std::size_t row) const {
    return code_bits_ == 0 ? std::uint16_t{0}
                           : static_cast<std::uint16_t>(packed_at(codes_.data(), row, code_bits_));
  }
  /// Of every row.
  const std::vector<std::uint16_t>& codes();
  /// The column whose codes these are; it has to be lent before codes are read.
  std::optional<std::uint32_t> shares_codes_of() const { return shared_; }
  Result<> borrow_codes(const TextColumn& owner);

  // binary
  std::string_view raw_value(std::size_t row) const {
    return std::string_view(payload_).substr(row * form_.width, form_.width);
  }

  /// Its bytes, with other handles for its pages: `move` gives each page's new one.
  using MovePage = std::function<Result<io::BlockHandle>(io::BlockHandle)>;
  Result<std::string> with_pages_moved(const MovePage& move) const;

  // templates
  TemplateColumn& templates() { return *templates_; }

  // pages
  std::size_t pages() const { return page_rows_.size(); }
  std::size_t page_of(std::size_t row) const;
  /// First row, and one past the last.
  std::pair<std::size_t, std::size_t> page_rows(std::size_t number) const {
    return {page_rows_[number], number + 1 < page_rows_.size() ? page_rows_[number + 1] : rows_};
  }
  Result<const TextPage*> page(std::size_t number, const BlockSource& source);
  bool has_page(std::size_t number) const { return loaded_[number] != nullptr; }
  std::size_t page_bytes(std::size_t number) const { return loaded_[number]->memory_bytes(); }
  /// Forgets a page that was read.
  void drop_page(std::size_t number) { loaded_[number].reset(); }

  std::size_t memory_bytes() const;

 private:
  Result<> decode_dictionary(class TextReader& in);
  Result<> decode_pages(class TextReader& in);

  TextCodec codec_ = TextCodec::dictionary;
  std::size_t rows_ = 0;
  Bytes bytes_;
  FormSpec form_;
  std::uint8_t number_ = 0;
  std::optional<Bitmap> presence_;
  bool first_is_absent_ = false;
  std::size_t entries_ = 0;
  std::shared_ptr<const std::string> entry_bytes_;
  std::string_view payload_;         // entries or binary values, one behind the other
  std::vector<std::uint32_t> ends_;  // of entries in text form
  unsigned code_bits_ = 0;
  std::string_view codes_;
  Bytes codes_owner_;
  std::optional<std::uint32_t> shared_;
  std::vector<std::uint16_t> unpacked_;
  std::unique_ptr<TemplateColumn> templates_;
  std::vector<std::uint32_t> page_rows_;  // the first row of each page
  std::vector<io::BlockHandle> page_handles_;
  std::size_t pages_at_ = 0;  // in the column's bytes
  std::vector<std::unique_ptr<TextPage>> loaded_;
};

/// A text run: lengths, then the texts one behind the other.
std::string text_bytes(std::span<const std::string_view> values);
/// Where each of its texts ends, and where the first begins. False when the bytes are no run of `count`.
bool read_texts(std::string_view bytes, std::size_t count, std::vector<std::uint32_t>& ends,
                std::size_t& arena);
/// Wraps bytes: one byte of codec, the raw size, the bytes plain or zstd.
std::string pack_bytes(std::string_view raw);
Result<std::string> unpack_bytes(std::string_view packed);

}  // namespace telltale::eventdb
