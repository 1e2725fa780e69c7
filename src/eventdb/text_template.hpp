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
  std::size_t variables() const;
};
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

/// Such a column open for reading. Immutable; the bytes must live on.
class TemplateColumn {
 public:
  /// corruption unless the bytes are a column of `rows` texts.
  static Result<TemplateColumn> open(std::string_view bytes, std::size_t rows);
  /// Replaces `out` by the row's text.
  void text(std::size_t row, std::string& out) const;
  /// A superset of the rows that have it.
  Bitmap may_have(const TemplateNeedle& needle) const;
  std::size_t memory_bytes() const;

 private:
  /// Read in place, or unpacked where a value cannot be read alone.
  struct Numbers {
    PackedInts packed;
    std::vector<std::int64_t> all;
    std::int64_t at(std::size_t i) const { return all.empty() ? packed.at(i) : all[i]; }
  };
  struct Stream {
    VariableKind kind = VariableKind::word;
    std::uint8_t width = 0;  // of hex digits; of numbers with leading zeros, 0: as they are
    Numbers numbers;
    Numbers lengths;  // of numbers that are of several widths
    bool has_lengths = false;
    const char* packed = nullptr;  // words, hex
    unsigned bits = 0;
  };
  class Reader;
  friend class TemplateSearch;

  void append_variable(const Stream& stream, std::size_t i, std::string& out) const;
  std::uint32_t word_of(const Stream& stream, std::size_t i) const {
    return stream.bits == 0 ? 0 : static_cast<std::uint32_t>(packed_at(stream.packed, i, stream.bits));
  }

  std::size_t rows_ = 0;
  std::vector<TextTemplate> templates_;       // of code - 1
  std::vector<std::vector<Stream>> streams_;  // of each template's variables
  std::vector<std::string> words_;
  std::vector<std::string> raws_;      // texts that have no template, code 0
  std::vector<std::uint16_t> codes_;   // of each row
  std::vector<std::uint16_t> places_;  // of each row among those of its code
};

}  // namespace telltale::eventdb
