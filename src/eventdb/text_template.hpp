// Texts that few formats have printed: `Loaded quote for user_71 in 12.05 ms` is a template and what varies
// in it. A template is kept once a block; what varies, value by value, in columns of its own kind: numbers as
// integers, hexadecimal ids in their binary form, words by their place in the block's list of words. A search
// looks at each template once, and only at rows whose variables may have what is looked for.
//
// A text is taken apart into tokens, runs of letters, digits, underscores and bytes beyond ASCII, and what is
// between them. Digits vary always; a word varies where texts that are otherwise alike have many different
// ones there (the idea of Drain: He et al., An Online Log Parsing Approach with Fixed Depth Tree, 2017).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eventdb/bitmap.hpp"
#include "eventdb/int_codec.hpp"

namespace telltale::eventdb {

/// What a variable's values look like. The characters are stored: never change them.
enum class VariableKind : char {
  word = 'w',
  number = 'n',  // 1 to 18 digits
  hex = 'h',     // of one width, lower case
};

struct Token {
  std::uint16_t begin = 0;
  std::uint16_t size = 0;
  VariableKind kind = VariableKind::word;
};
/// How many bytes of the text's beginning are a variable's value; 0: it is none of the kind. Takes all the
/// digits, the token without the digits it ends in, or exactly `width` hexadecimal digits that are a token.
std::size_t variable_at(std::string_view text, VariableKind kind, std::uint8_t width);
/// Appends the text's tokens. False, and nothing appended, for texts that no template should have: long ones,
/// those of very many tokens, and those with bytes that mark variables.
bool find_tokens(std::string_view text, std::vector<Token>& out);

/// A template taken apart. Stored as its bytes, a variable being 0x01, its kind, and for hex a byte of width.
struct TextTemplate {
  struct Piece {
    std::string literal;  // empty: a variable
    VariableKind kind = VariableKind::word;
    std::uint8_t width = 0;  // of hex
    bool is_variable() const { return literal.empty(); }
  };
  std::vector<Piece> pieces;
  /// nullopt when the bytes are no template.
  static std::optional<TextTemplate> parse(std::string_view bytes);
};
/// How many variables a template has that parse() takes; nullopt when it does not end as one should.
std::optional<std::size_t> count_variables(std::string_view template_bytes);
inline constexpr char kVariableMark = '\x01';

/// The texts as a column of templates; nullopt where that is not worth it. Bytes: docs/formats/eventdb.md.
std::optional<std::string> encode_templates(const std::vector<std::string_view>& texts);

/// How a text is looked for.
struct TemplateNeedle {
  std::string text;  // in lower case with `fold`
  bool fold = false;
  /// It is looked for in texts as they stand in JSON; with `ascii`, escaped beyond ASCII, too.
  bool escaped = false;
  bool ascii = false;
};

/// Such a column open for reading: nothing of it is taken apart before it is asked for, so that one row costs
/// its template, its variables and the dictionaries these are in. Not thread-safe; the bytes must live on.
class TemplateColumn {
 public:
  /// corruption unless the bytes are laid out as a column of `rows` texts.
  static Result<TemplateColumn> open(std::string_view bytes, std::size_t rows);
  /// Replaces `out` by the row's text. corruption where what it is made of is damaged.
  Result<> text(std::size_t row, std::string& out);
  /// A superset of the rows that have it.
  Result<Bitmap> may_have(const TemplateNeedle& needle);
  /// At most, when all of it was asked for.
  std::size_t memory_bytes() const;

 private:
  friend class TemplateSearch;

  /// Texts that are compressed together.
  struct Texts {
    std::string_view packed;
    std::size_t count = 0;
    std::size_t raw_bytes = 0;
    bool is_read = false;
    std::string bytes;
    std::size_t arena = 0;
    std::vector<std::uint32_t> ends;
    Result<> read();
    std::string_view at(std::size_t i) const {
      const std::size_t begin = i == 0 ? 0 : ends[i - 1];
      return std::string_view(bytes).substr(arena + begin, ends[i] - begin);
    }
  };
  /// Read in place, or unpacked where values stand on those before them and many are asked for.
  struct Numbers {
    PackedInts packed;
    std::vector<std::int64_t> all;
    unsigned reads = 0;
    std::int64_t at(std::size_t i);
  };
  struct Stream {
    VariableKind kind = VariableKind::word;
    std::uint8_t width = 0;  // of hex digits; of numbers with leading zeros, 0: as they are
    Numbers numbers;
    Numbers lengths;  // of numbers that are of several widths
    bool has_lengths = false;
    const char* packed = nullptr;  // words, hex
    unsigned bits = 0;
    std::uint32_t word(std::size_t i) const {
      return bits == 0 ? 0 : static_cast<std::uint32_t>(packed_at(packed, i, bits));
    }
  };
  /// A template and its rows' variables.
  struct Format {
    std::size_t first_stream = 0;  // among the packed ones
    TextTemplate parsed;
    std::vector<Stream> streams;
    bool is_open = false;
  };

  /// Which of the packed streams are of which template.
  Result<> find_streams();
  Result<> unpack_codes();
  /// Where each row stands among those of its code.
  Result<> find_places();
  std::size_t place_of(std::size_t row) const;
  Result<Format*> format(std::uint16_t code);
  Result<Stream> open_stream(std::string_view bytes, const TextTemplate::Piece& piece, std::size_t count);
  Result<> append_variable(Stream& stream, std::size_t i, std::string& out);

  std::size_t rows_ = 0;
  Texts names_;  // of templates, of code - 1
  Texts words_;
  Texts raws_;  // texts that have no template, code 0
  unsigned code_bits_ = 0;
  const char* packed_codes_ = nullptr;
  std::vector<std::string_view> packed_streams_;
  std::vector<Format> formats_;
  std::vector<std::uint16_t> codes_;   // of each row
  std::vector<std::uint32_t> counts_;  // rows of each code
  std::vector<std::uint16_t> places_;
  unsigned texts_asked_ = 0;
};

}  // namespace telltale::eventdb
