// The reading half of text_template.hpp. Everything is checked before it is believed.
#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "eventdb/skeleton.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/text_template.hpp"

namespace telltale::eventdb {

namespace {

tl::unexpected<Error> bad_templates(const char* what) {
  return fail(ErrorKind::corruption, std::string("templates: ") + what);
}

}  // namespace

class TemplateColumn::Reader {
 public:
  Reader(std::string_view bytes, std::size_t rows) : in_(bytes) { out_.rows_ = rows; }

  Result<TemplateColumn> read() {
    TT_ASSIGN(const auto names, texts(UINT16_MAX));
    TT_ASSIGN(out_.words_, texts(Dictionary::kMost));
    TT_ASSIGN(out_.raws_, texts(out_.rows_));
    for (const std::string& name : names) {
      auto made = TextTemplate::parse(name);
      if (!made || name.size() > kMostNameBytes || made->variables() > limits::kTemplateTokens)
        return bad_templates("bad template");
      out_.templates_.push_back(*std::move(made));
    }
    for (const std::string& word : out_.words_)
      if (word.size() > limits::kTemplateTextBytes) return bad_templates("a long word");
    TT_TRY(read_codes());
    out_.streams_.resize(out_.templates_.size());
    for (std::size_t t = 0; t < out_.templates_.size(); ++t) {
      for (const TextTemplate::Piece& piece : out_.templates_[t].pieces) {
        if (!piece.is_variable()) continue;
        TT_ASSIGN(Stream stream, read_stream(piece, counts_[t + 1]));
        out_.streams_[t].push_back(std::move(stream));
      }
    }
    if (!in_.ok() || !in_.empty()) return bad_templates("wrong size");
    return std::move(out_);
  }

 private:
  /// A text, and a mark for each of its variables.
  static constexpr std::size_t kMostNameBytes = limits::kTemplateTextBytes + 3 * limits::kTemplateTokens;

  Result<std::vector<std::string>> texts(std::size_t most) {
    const std::uint64_t count = in_.varint();
    if (!in_.ok() || count > most) return bad_templates("too many texts");
    std::vector<std::string> out;
    if (count == 0) return out;
    TT_ASSIGN(const std::string raw, unpack_bytes(in_.string()));
    std::vector<std::uint32_t> ends;
    std::size_t arena = 0;
    if (!read_texts(raw, count, ends, arena)) return bad_templates("texts do not fit");
    std::uint32_t begin = 0;
    for (const std::uint32_t end : ends) {
      out.emplace_back(raw, arena + begin, end - begin);
      begin = end;
    }
    return out;
  }

  Result<> read_codes() {
    const unsigned bits = in_.u8();
    if (!in_.ok() || bits > 16) return bad_templates("bad codes");
    const std::string_view packed = in_.bytes(packed_bytes(out_.rows_, bits));
    if (!in_.ok()) return bad_templates("too few codes");
    counts_.assign(out_.templates_.size() + 1, 0);
    out_.codes_.resize(out_.rows_);
    out_.places_.resize(out_.rows_);
    for (std::size_t row = 0; row < out_.rows_; ++row) {
      const std::uint64_t code = bits == 0 ? 0 : packed_at(packed.data(), row, bits);
      if (code > out_.templates_.size()) return bad_templates("unknown template");
      out_.codes_[row] = static_cast<std::uint16_t>(code);
      out_.places_[row] = static_cast<std::uint16_t>(counts_[code]++);
    }
    if (counts_[0] != out_.raws_.size()) return bad_templates("wrong number of texts");
    return {};
  }

  static Result<Numbers> read_numbers(std::string_view bytes, std::size_t count) {
    Numbers out;
    TT_ASSIGN(out.packed, PackedInts::open(bytes, count));
    if (out.packed.adds_up()) out.all = out.packed.all();
    return out;
  }

  Result<Stream> read_stream(const TextTemplate::Piece& piece, std::size_t count) {
    ByteReader in(in_.string());
    Stream out;
    out.kind = piece.kind;
    out.width = piece.width;
    if (piece.kind == VariableKind::number) {
      out.has_lengths = in.u8() != 0;
      out.width = in.u8();
      if (out.has_lengths) {
        TT_ASSIGN(out.lengths, read_numbers(in.string(), count));
      }
      TT_ASSIGN(out.numbers, read_numbers(in.string(), count));
    } else if (piece.kind == VariableKind::hex) {
      out.packed = in.bytes(count * ((piece.width + 1U) / 2)).data();
    } else {
      out.bits = in.u8();
      if (out.bits > 16) return bad_templates("bad words");
      if (out.bits > 0) out.packed = in.bytes(packed_bytes(count, out.bits)).data();
    }
    if (!in.ok() || !in.empty()) return bad_templates("a variable's values do not fit");
    return out;
  }

  ByteReader in_;
  TemplateColumn out_;
  std::vector<std::size_t> counts_;  // rows of each code
};

Result<TemplateColumn> TemplateColumn::open(std::string_view bytes, std::size_t rows) {
  if (rows > limits::kEventBlockRows) return bad_templates("too many rows");
  return Reader(bytes, rows).read();
}

void TemplateColumn::append_variable(const Stream& stream, std::size_t i, std::string& out) const {
  switch (stream.kind) {
    case VariableKind::number: {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, stream.numbers.at(i)).ptr;
      const auto size = static_cast<std::size_t>(end - digits);
      const std::size_t wanted =
          stream.has_lengths ? static_cast<std::size_t>(stream.lengths.at(i)) : std::size_t{stream.width};
      if (wanted > size && wanted <= 20) out.append(wanted - size, '0');
      out.append(digits, size);
      return;
    }
    case VariableKind::hex: {
      static constexpr char kDigits[] = "0123456789abcdef";
      const auto* at = reinterpret_cast<const unsigned char*>(stream.packed) + i * ((stream.width + 1U) / 2);
      for (unsigned d = 0; d < stream.width; ++d)
        out += kDigits[d % 2 == 0 ? at[d / 2] >> 4 : at[d / 2] & 15];
      return;
    }
    case VariableKind::word: {
      const std::uint32_t word = word_of(stream, i);
      if (word < words_.size()) out += words_[word];  // checksums say that it is
      return;
    }
  }
}

void TemplateColumn::text(std::size_t row, std::string& out) const {
  out.clear();
  const std::uint16_t code = codes_[row];
  const std::size_t place = places_[row];
  if (code == 0) {
    out = raws_[place];
    return;
  }
  std::size_t v = 0;
  for (const TextTemplate::Piece& piece : templates_[code - 1U].pieces) {
    if (piece.is_variable()) {
      append_variable(streams_[code - 1U][v++], place, out);
    } else {
      out += piece.literal;
    }
  }
}

std::size_t TemplateColumn::memory_bytes() const {
  std::size_t bytes = rows_ * 4;
  for (const auto* texts : {&words_, &raws_})
    for (const std::string& text : *texts) bytes += sizeof text + text.size();
  for (std::size_t t = 0; t < templates_.size(); ++t) {
    for (const Stream& s : streams_[t])
      bytes += sizeof s + (s.numbers.all.size() + s.lengths.all.size()) * sizeof(std::int64_t);
    for (const TextTemplate::Piece& piece : templates_[t].pieces)
      bytes += sizeof piece + piece.literal.size();
  }
  return bytes;
}

/// Which rows may have a text, of one column.
class TemplateSearch {
 public:
  TemplateSearch(const TemplateColumn& column, const TemplateNeedle& needle)
      : column_(column), needle_(needle) {}

  Bitmap run() {
    Bitmap out(column_.rows_);
    find_words();
    std::vector<std::uint8_t> codes(column_.templates_.size() + 1, 0);
    for (std::size_t t = 0; t < column_.templates_.size(); ++t) codes[t + 1] = look_at(column_.templates_[t]);
    std::vector<std::uint8_t> raws(column_.raws_.size());
    for (std::size_t i = 0; i < raws.size(); ++i) raws[i] = plainly_in(column_.raws_[i]) ? 1 : 0;
    for (std::size_t row = 0; row < column_.rows_; ++row) {
      const std::uint16_t code = column_.codes_[row];
      const std::size_t place = column_.places_[row];
      const bool may = code == 0                 ? raws[place] != 0
                       : codes[code] == kInWords ? in_words(column_.streams_[code - 1U], place)
                                                 : codes[code] != kNo;
      if (may) out.set(row);
    }
    return out;
  }

 private:
  /// Of a template: no row has it, rows have it where a word has it, any row may have it.
  enum Answer : std::uint8_t { kNo = 0, kInWords = 1, kMaybe = 2 };

  char folded(char c) const { return needle_.fold && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
  bool plainly_in(std::string_view text) const {
    if (needle_.escaped && needs_escapes(text, needle_.ascii)) return true;
    if (!needle_.fold) return text.find(needle_.text) != std::string_view::npos;
    return std::search(text.begin(), text.end(), needle_.text.begin(), needle_.text.end(),
                       [this](char a, char b) { return folded(a) == b; }) != text.end();
  }

  void find_words() {
    word_has_.resize(column_.words_.size());
    for (std::size_t w = 0; w < word_has_.size(); ++w) {
      word_has_[w] = plainly_in(column_.words_[w]) ? 1 : 0;
      any_word_ = any_word_ || word_has_[w] != 0;
      needs_escapes_ = needs_escapes_ || (needle_.escaped && needs_escapes(column_.words_[w], needle_.ascii));
    }
  }
  bool in_words(const std::vector<TemplateColumn::Stream>& streams, std::size_t place) const {
    return std::any_of(streams.begin(), streams.end(), [&](const TemplateColumn::Stream& s) {
      if (s.kind != VariableKind::word) return false;
      const std::uint32_t word = column_.word_of(s, place);
      return word < word_has_.size() && word_has_[word] != 0;
    });
  }

  bool accepts(VariableKind kind, char c) const {
    const bool digit = c >= '0' && c <= '9';
    if (kind == VariableKind::number) return digit;
    if (kind == VariableKind::hex) return digit || (c >= 'a' && c <= 'f');
    return digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  }

  /// A place in a template: one character of a literal, or a variable, which goes on.
  struct Place {
    const TextTemplate::Piece* variable = nullptr;
    char literal = 0;
  };
  bool accepts(const Place& place, char c) const {
    return place.variable != nullptr ? accepts(place.variable->kind, c) : folded(place.literal) == c;
  }

  Answer look_at(const TextTemplate& t) {
    places_.clear();
    bool has_word = false;
    for (const TextTemplate::Piece& piece : t.pieces) {
      if (piece.is_variable()) {
        places_.push_back({&piece, 0});
        has_word = has_word || piece.kind == VariableKind::word;
        continue;
      }
      if (plainly_in(piece.literal)) return kMaybe;
      for (const char c : piece.literal) places_.push_back({nullptr, c});
    }
    if (has_word && needs_escapes_) return kMaybe;
    if (reaches_over()) return kMaybe;
    return has_word && any_word_ ? kInWords : kNo;
  }

  /// Whether the needle may stand in the template otherwise than inside one word or one literal: all ways
  /// through it at once, as an automaton.
  bool reaches_over() {
    const std::string& text = needle_.text;
    const std::size_t n = places_.size();
    in_.assign(n, 0);       // the last character may be of this place, reached over an edge or of no word
    in_word_.assign(n, 0);  // all characters so far may be of this word
    for (std::size_t p = 0; p < n; ++p) {
      if (!accepts(places_[p], text[0])) continue;
      const bool word = places_[p].variable != nullptr && places_[p].variable->kind == VariableKind::word;
      (word ? in_word_ : in_)[p] = 1;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
      bool any = false;
      // From the last place to the first, so that a step is taken from what was before.
      for (std::size_t p = n; p-- > 0;) {
        const bool stays = places_[p].variable != nullptr;
        const bool comes = p > 0 && (in_[p - 1] != 0 || in_word_[p - 1] != 0);
        const bool good = accepts(places_[p], text[i]);
        in_[p] = good && (comes || (stays && in_[p] != 0)) ? 1 : 0;
        in_word_[p] = good && stays && in_word_[p] != 0 ? 1 : 0;
        any = any || in_[p] != 0 || in_word_[p] != 0;
      }
      if (!any) return false;
    }
    return std::find(in_.begin(), in_.end(), 1) != in_.end();
  }

  const TemplateColumn& column_;
  const TemplateNeedle& needle_;
  std::vector<std::uint8_t> word_has_;
  bool any_word_ = false;
  bool needs_escapes_ = false;  // some word does
  std::vector<Place> places_;
  std::vector<std::uint8_t> in_;
  std::vector<std::uint8_t> in_word_;
};

Bitmap TemplateColumn::may_have(const TemplateNeedle& needle) const {
  if (needle.text.empty()) return Bitmap(rows_, true);
  return TemplateSearch(*this, needle).run();
}

}  // namespace telltale::eventdb
