// The reading half of text_template.hpp. Each part is checked when it is first asked for.
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

/// A text, and a mark for each of its variables.
constexpr std::size_t kMostNameBytes = limits::kTemplateTextBytes + 3 * limits::kTemplateTokens;
constexpr unsigned kFewReads = 16;  // one by one; more are unpacked

}  // namespace

Result<TemplateColumn> TemplateColumn::open(std::string_view bytes, std::size_t rows) {
  if (rows > limits::kEventBlockRows) return bad_templates("too many rows");
  TemplateColumn out;
  out.rows_ = rows;
  ByteReader in(bytes);
  const auto texts = [&in](Texts& to, std::size_t most) {
    to.count = in.varint();
    if (to.count == 0) return in.ok();
    to.packed = in.string();
    ByteReader head(to.packed);
    head.u8();
    to.raw_bytes = head.varint();
    return in.ok() && head.ok() && to.count <= most && to.raw_bytes <= limits::kEventColumnBytes;
  };
  if (!texts(out.names_, UINT16_MAX) || !texts(out.words_, Dictionary::kMost) || !texts(out.raws_, rows))
    return bad_templates("bad texts");
  out.code_bits_ = in.u8();
  if (out.code_bits_ > 16) return bad_templates("bad codes");
  out.packed_codes_ = in.bytes(packed_bytes(rows, out.code_bits_)).data();
  if (!in.ok()) return bad_templates("too few codes");
  out.packed_streams_.push_back(in.bytes(in.remaining()));  // all of them, until one is asked for
  return out;
}

Result<> TemplateColumn::Texts::read() {
  if (is_read) return {};
  if (count > 0) {
    TT_ASSIGN(bytes, unpack_bytes(packed));
    if (!read_texts(bytes, count, ends, arena)) return bad_templates("texts do not fit");
  }
  is_read = true;
  return {};
}

std::int64_t TemplateColumn::Numbers::at(std::size_t i) {
  if (!all.empty()) return all[i];
  if (packed.adds_up() && ++reads > kFewReads) {
    all = packed.all();
    return all[i];
  }
  return packed.at(i);
}

Result<> TemplateColumn::unpack_codes() {
  if (!counts_.empty()) return {};
  std::vector<std::uint16_t> codes(rows_, 0);
  std::vector<std::uint32_t> counts(names_.count + 1, 0);
  for (std::size_t row = 0; row < rows_ && code_bits_ > 0; ++row)
    codes[row] = static_cast<std::uint16_t>(packed_at(packed_codes_, row, code_bits_));
  for (const std::uint16_t code : codes) {
    if (code > names_.count) return bad_templates("unknown template");
    ++counts[code];
  }
  if (counts[0] != raws_.count) return bad_templates("wrong number of texts");
  codes_ = std::move(codes);
  counts_ = std::move(counts);
  return {};
}

Result<> TemplateColumn::find_places() {
  if (!places_.empty()) return {};
  TT_TRY(unpack_codes());
  std::vector<std::uint16_t> next(counts_.size(), 0);
  places_.resize(rows_);
  for (std::size_t row = 0; row < rows_; ++row) places_[row] = next[codes_[row]]++;
  return {};
}

std::size_t TemplateColumn::place_of(std::size_t row) const {
  if (!places_.empty()) return places_[row];
  return static_cast<std::size_t>(
      std::count(codes_.begin(), codes_.begin() + static_cast<std::ptrdiff_t>(row), codes_[row]));
}

Result<> TemplateColumn::find_streams() {
  if (!formats_.empty()) return {};
  TT_TRY(names_.read());
  std::vector<Format> formats(names_.count);
  std::vector<std::string_view> streams;
  ByteReader in(packed_streams_[0]);
  for (std::size_t t = 0; t < formats.size(); ++t) {
    formats[t].first_stream = streams.size();
    const auto variables = count_variables(names_.at(t));
    if (!variables || *variables > limits::kTemplateTokens || names_.at(t).size() > kMostNameBytes)
      return bad_templates("bad template");
    for (std::size_t v = 0; v < *variables; ++v) streams.push_back(in.string());
  }
  if (!in.ok() || !in.empty()) return bad_templates("wrong size");
  packed_streams_ = std::move(streams);
  formats_ = std::move(formats);
  return {};
}

Result<TemplateColumn::Format*> TemplateColumn::format(std::uint16_t code) {
  TT_TRY(find_streams());
  Format& out = formats_[code - 1U];
  if (out.is_open) return &out;
  auto parsed = TextTemplate::parse(names_.at(code - 1U));
  if (!parsed) return bad_templates("bad template");
  out.parsed = *std::move(parsed);
  std::size_t stream = out.first_stream;
  for (const TextTemplate::Piece& piece : out.parsed.pieces) {
    if (!piece.is_variable()) continue;
    TT_ASSIGN(Stream opened, open_stream(packed_streams_[stream++], piece, counts_[code]));
    out.streams.push_back(std::move(opened));
  }
  out.is_open = true;
  return &out;
}

Result<TemplateColumn::Stream> TemplateColumn::open_stream(std::string_view bytes,
                                                           const TextTemplate::Piece& piece,
                                                           std::size_t count) {
  ByteReader in(bytes);
  Stream out;
  out.kind = piece.kind;
  out.width = piece.width;
  if (piece.kind == VariableKind::number) {
    out.has_lengths = in.u8() != 0;
    out.width = in.u8();
    if (out.has_lengths) {
      TT_ASSIGN(out.lengths.packed, PackedInts::open(in.string(), count));
    }
    TT_ASSIGN(out.numbers.packed, PackedInts::open(in.string(), count));
  } else if (piece.kind == VariableKind::hex) {
    out.packed = in.bytes(count * ((piece.width + 1U) / 2)).data();
  } else {
    TT_TRY(words_.read());
    out.bits = in.u8();
    if (out.bits > 16) return bad_templates("bad words");
    if (out.bits > 0) out.packed = in.bytes(packed_bytes(count, out.bits)).data();
  }
  if (!in.ok() || !in.empty()) return bad_templates("a variable's values do not fit");
  return out;
}

Result<> TemplateColumn::append_variable(Stream& stream, std::size_t i, std::string& out) {
  switch (stream.kind) {
    case VariableKind::number: {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, stream.numbers.at(i)).ptr;
      const auto size = static_cast<std::size_t>(end - digits);
      const std::size_t wanted =
          stream.has_lengths ? static_cast<std::size_t>(stream.lengths.at(i)) : std::size_t{stream.width};
      if (wanted > size && wanted <= 20) out.append(wanted - size, '0');
      out.append(digits, size);
      return {};
    }
    case VariableKind::hex: {
      static constexpr char kDigits[] = "0123456789abcdef";
      const auto* at = reinterpret_cast<const unsigned char*>(stream.packed) + i * ((stream.width + 1U) / 2);
      for (unsigned d = 0; d < stream.width; ++d)
        out += kDigits[d % 2 == 0 ? at[d / 2] >> 4 : at[d / 2] & 15];
      return {};
    }
    case VariableKind::word: {
      const std::uint32_t word = stream.word(i);
      if (word >= words_.count) return bad_templates("unknown word");
      out += words_.at(word);
      return {};
    }
  }
  return {};
}

Result<> TemplateColumn::text(std::size_t row, std::string& out) {
  out.clear();
  TT_TRY(unpack_codes());
  if (++texts_asked_ > kFewReads) TT_TRY(find_places());
  const std::uint16_t code = codes_[row];
  const std::size_t place = place_of(row);
  if (code == 0) {
    TT_TRY(raws_.read());
    out = raws_.at(place);
    return {};
  }
  TT_ASSIGN(Format* const format, this->format(code));
  auto stream = format->streams.begin();
  for (const TextTemplate::Piece& piece : format->parsed.pieces) {
    if (piece.is_variable()) {
      TT_TRY(append_variable(*stream++, place, out));
    } else {
      out += piece.literal;
    }
  }
  return {};
}

std::size_t TemplateColumn::memory_bytes() const {
  std::size_t bytes = rows_ * (sizeof codes_[0] + sizeof places_[0]);
  for (const Texts* texts : {&names_, &words_, &raws_})
    bytes += texts->raw_bytes + texts->count * sizeof texts->ends[0];
  // A template is taken apart into a few pieces and streams; numbers that are unpacked are 8 bytes for some.
  bytes += names_.count * sizeof(Format) + names_.raw_bytes * sizeof(TextTemplate::Piece) / 4;
  return bytes + rows_ * sizeof(std::int64_t);
}

/// Which rows may have a text, of one column.
class TemplateSearch {
 public:
  TemplateSearch(TemplateColumn& column, const TemplateNeedle& needle) : column_(column), needle_(needle) {}

  Result<Bitmap> run() {
    TT_TRY(find_words());
    TT_TRY(column_.names_.read());
    std::vector<std::uint8_t> codes(column_.names_.count + 1, kNo);
    bool any = false;
    bool needs_places = false;
    for (std::size_t t = 0; t < column_.names_.count; ++t) {
      const auto parsed = TextTemplate::parse(column_.names_.at(t));
      if (!parsed) return bad_templates("bad template");
      codes[t + 1] = look_at(*parsed);
      any = any || codes[t + 1] != kNo;
      needs_places = needs_places || codes[t + 1] == kInWords;
    }
    TT_ASSIGN(const std::vector<std::uint8_t> raws, look_at_raws());
    if (raws.empty() && !any) return Bitmap(column_.rows_);
    return rows_of(codes, raws, needs_places || !raws.empty());
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

  Result<> find_words() {
    TT_TRY(column_.words_.read());
    word_has_.resize(column_.words_.count);
    for (std::size_t w = 0; w < word_has_.size(); ++w) {
      const std::string_view word = column_.words_.at(w);
      word_has_[w] = plainly_in(word) ? 1 : 0;
      any_word_ = any_word_ || word_has_[w] != 0;
      needs_escapes_ = needs_escapes_ || (needle_.escaped && needs_escapes(word, needle_.ascii));
    }
    return {};
  }
  bool in_words(const std::vector<TemplateColumn::Stream>& streams, std::size_t place) const {
    return std::any_of(streams.begin(), streams.end(), [&](const TemplateColumn::Stream& s) {
      if (s.kind != VariableKind::word) return false;
      const std::uint32_t word = s.word(place);
      return word < word_has_.size() && word_has_[word] != 0;
    });
  }

  /// Whether each text without a template has it; empty: none has.
  Result<std::vector<std::uint8_t>> look_at_raws() {
    TT_TRY(column_.raws_.read());
    std::vector<std::uint8_t> out(column_.raws_.count);
    bool any = false;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = plainly_in(column_.raws_.at(i)) ? 1 : 0;
      any = any || out[i] != 0;
    }
    if (!any) out.clear();
    return out;
  }

  Result<Bitmap> rows_of(const std::vector<std::uint8_t>& codes, const std::vector<std::uint8_t>& raws,
                         bool needs_places) {
    Bitmap out(column_.rows_);
    TT_TRY(column_.unpack_codes());
    if (needs_places) TT_TRY(column_.find_places());
    std::vector<const std::vector<TemplateColumn::Stream>*> streams(codes.size(), nullptr);
    for (std::size_t code = 1; code < codes.size(); ++code) {
      if (codes[code] != kInWords) continue;
      TT_ASSIGN(const TemplateColumn::Format* format, column_.format(static_cast<std::uint16_t>(code)));
      streams[code] = &format->streams;
    }
    for (std::size_t row = 0; row < column_.rows_; ++row) {
      const std::uint16_t code = column_.codes_[row];
      const bool may = code == 0                 ? !raws.empty() && raws[column_.places_[row]] != 0
                       : codes[code] == kInWords ? in_words(*streams[code], column_.places_[row])
                                                 : codes[code] != kNo;
      if (may) out.set(row);
    }
    return out;
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

  TemplateColumn& column_;
  const TemplateNeedle& needle_;
  std::vector<std::uint8_t> word_has_;
  bool any_word_ = false;
  bool needs_escapes_ = false;  // some word does
  std::vector<Place> places_;
  std::vector<std::uint8_t> in_;
  std::vector<std::uint8_t> in_word_;
};

Result<Bitmap> TemplateColumn::may_have(const TemplateNeedle& needle) {
  if (needle.text.empty()) return Bitmap(rows_, true);
  return TemplateSearch(*this, needle).run();
}

}  // namespace telltale::eventdb
