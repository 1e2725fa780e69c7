// The writing half of text_template.hpp: finds the templates of a block's texts, then writes what varies.
#include <algorithm>
#include <charconv>
#include <span>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/text_template.hpp"

namespace telltale::eventdb {

namespace {

// When templates are worth it.
constexpr std::size_t kLeastRows = 512;
constexpr std::size_t kLeastMeanBytes = 20;     // shorter texts are ids and names
constexpr std::size_t kTrialRows = 2'048;       // looked at first
constexpr std::size_t kLeastRowsATemplate = 8;  // fewer are kept as they are
constexpr std::size_t kRowsOfAShape = 1'024;    // so many say which of its words vary
constexpr std::size_t kMostTextsAWord = 16;     // different words at a place, more vary
constexpr std::size_t kMostRawBytes = 1 << 20;  // of texts without a template, which are read together
constexpr std::size_t kMostTemplates = 65'535;

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// Texts that are alike but for their words, digits and ids.
struct Shape {
  std::size_t rows = 0;
  /// Hashes of the words seen at each word's place; one too many: it varies.
  std::vector<std::vector<std::uint64_t>> words;
  bool varies(std::size_t place) const { return words[place].size() > kMostTextsAWord; }
};

class TemplateFinder {
 public:
  explicit TemplateFinder(const std::vector<std::string_view>& texts) : texts_(texts) {}

  /// False where that is not worth it.
  bool find() {
    if (texts_.size() < kLeastRows) return false;
    for (const std::string_view text : texts_) text_bytes_ += text.size();
    if (text_bytes_ < texts_.size() * kLeastMeanBytes) return false;
    shapes_of_rows_.assign(texts_.size(), kNone);
    first_tokens_.reserve(texts_.size() + 1);
    first_tokens_.push_back(0);
    const std::size_t trial = std::min(texts_.size(), kTrialRows);
    learn(0, trial);
    if (rows_with_shape_ < trial / 2 || shapes_.size() > trial / 8) return false;
    tokens_.reserve(tokens_.size() / trial * texts_.size());
    learn(trial, texts_.size());
    if (shapes_.size() > texts_.size() / 16) return false;
    name_templates();
    drop_rare_ones();
    return !names_.empty() && raw_bytes_ <= kMostRawBytes && raw_bytes_ * 4 <= text_bytes_;
  }

  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::vector<std::string> names_;    // of code - 1
  std::vector<std::uint16_t> codes_;  // a row
  const Shape& shape_of(std::size_t row) const { return shapes_[shapes_of_rows_[row]]; }
  std::span<const Token> tokens_of(std::size_t row) const {
    return std::span(tokens_).subspan(first_tokens_[row], first_tokens_[row + 1] - first_tokens_[row]);
  }

 private:
  void learn(std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::string_view text = texts_[row];
      const bool good = find_tokens(text, tokens_);
      first_tokens_.push_back(static_cast<std::uint32_t>(tokens_.size()));
      if (!good) continue;
      const auto tokens = tokens_of(row);
      write_name(text, tokens, nullptr);
      auto at = numbers_.find(name_);
      if (at == numbers_.end()) {
        at = numbers_.emplace(name_, static_cast<std::uint32_t>(shapes_.size())).first;
        shapes_.emplace_back();
        for (const Token& t : tokens)
          if (t.kind == VariableKind::word) shapes_.back().words.emplace_back();
      }
      shapes_of_rows_[row] = at->second;
      ++rows_with_shape_;
      Shape& shape = shapes_[at->second];
      if (++shape.rows > kRowsOfAShape) continue;
      std::size_t place = 0;
      for (const Token& t : tokens) {
        if (t.kind != VariableKind::word) continue;
        auto& seen = shape.words[place++];
        if (seen.size() > kMostTextsAWord) continue;
        const std::uint64_t hash = hash64(text.substr(t.begin, t.size));
        if (std::find(seen.begin(), seen.end(), hash) == seen.end()) seen.push_back(hash);
      }
    }
  }

  /// The text with its variables marked: all tokens, or of words those that vary in the shape.
  void write_name(std::string_view text, std::span<const Token> tokens, const Shape* shape) {
    name_.clear();
    std::size_t at = 0;
    std::size_t place = 0;
    for (const Token& t : tokens) {
      const bool is_word = t.kind == VariableKind::word;
      if (is_word && shape != nullptr && !shape->varies(place++)) continue;
      name_.append(text, at, t.begin - at);
      name_ += kVariableMark;
      name_ += static_cast<char>(t.kind);
      if (t.kind == VariableKind::hex) name_ += static_cast<char>(t.size);
      at = std::size_t{t.begin} + t.size;
    }
    name_.append(text, at);
  }

  void name_templates() {
    StringMap<std::uint32_t> known;
    of_rows_.assign(texts_.size(), kNone);
    for (std::size_t row = 0; row < texts_.size(); ++row) {
      if (shapes_of_rows_[row] == kNone) continue;
      write_name(texts_[row], tokens_of(row), &shape_of(row));
      auto at = known.find(name_);
      if (at == known.end()) {
        at = known.emplace(name_, static_cast<std::uint32_t>(rows_of_.size())).first;
        rows_of_.push_back(0);
      }
      of_rows_[row] = at->second;
      ++rows_of_[at->second];
    }
    all_names_.resize(rows_of_.size());
    for (const auto& [name, number] : known) all_names_[number] = name;
  }

  void drop_rare_ones() {
    std::vector<std::uint16_t> codes(rows_of_.size(), 0);
    for (std::size_t t = 0; t < rows_of_.size(); ++t) {
      if (rows_of_[t] < kLeastRowsATemplate || names_.size() == kMostTemplates) continue;
      names_.push_back(std::move(all_names_[t]));
      codes[t] = static_cast<std::uint16_t>(names_.size());
    }
    codes_.resize(texts_.size());
    for (std::size_t row = 0; row < texts_.size(); ++row) {
      codes_[row] = of_rows_[row] == kNone ? std::uint16_t{0} : codes[of_rows_[row]];
      if (codes_[row] == 0) raw_bytes_ += texts_[row].size() + 1;
    }
  }

  const std::vector<std::string_view>& texts_;
  std::vector<Shape> shapes_;
  StringMap<std::uint32_t> numbers_;  // of shapes
  std::vector<std::uint32_t> shapes_of_rows_;
  std::vector<std::uint32_t> of_rows_;  // templates, before the rare ones go
  std::vector<std::uint32_t> rows_of_;  // how many rows each has
  std::vector<std::string> all_names_;
  std::vector<Token> tokens_;  // of all rows
  std::vector<std::uint32_t> first_tokens_;
  std::string name_;
  std::size_t rows_with_shape_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t raw_bytes_ = 0;
};

/// The values of one variable, in the order of rows.
struct Values {
  VariableKind kind = VariableKind::word;
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> lengths;
  std::vector<std::uint64_t> words;
  std::string hex;
};

void add_hex(std::string_view digits, std::string& out) {
  const auto value = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>(value(digits[i]) << 4 | (i + 1 < digits.size() ? value(digits[i + 1]) : 0U));
}

std::size_t plain_length(std::int64_t v) { return std::to_string(v).size(); }

std::string numbers_stream(const Values& values) {
  ByteWriter out;
  bool plain = true;
  bool equal = true;
  for (std::size_t i = 0; i < values.numbers.size(); ++i) {
    plain = plain && static_cast<std::size_t>(values.lengths[i]) == plain_length(values.numbers[i]);
    equal = equal && values.lengths[i] == values.lengths[0];
  }
  const bool has_lengths = !plain && !equal;
  out.u8(has_lengths ? 1 : 0);
  out.u8(plain || has_lengths ? 0 : static_cast<std::uint8_t>(values.lengths[0]));
  if (has_lengths) out.string(encode_int_column(values.lengths));
  out.string(encode_int_column(values.numbers));
  return out.take();
}

std::string stream_of(const Values& values) {
  switch (values.kind) {
    case VariableKind::number:
      return numbers_stream(values);
    case VariableKind::hex:
      return values.hex;
    case VariableKind::word:
      break;
  }
  const unsigned bits = bits_for(*std::max_element(values.words.begin(), values.words.end()));
  std::string out(1, static_cast<char>(bits));
  if (bits > 0) pack_bits(values.words, bits, out);
  return out;
}

class TemplateWriter {
 public:
  TemplateWriter(const std::vector<std::string_view>& texts, const TemplateFinder& found)
      : texts_(texts), found_(found), values_(found.names_.size()) {}

  /// nullopt: too many words.
  std::optional<std::string> write() {
    for (std::size_t row = 0; row < texts_.size(); ++row) {
      if (found_.codes_[row] == 0) {
        raws_.push_back(texts_[row]);
      } else if (!take(row)) {
        return std::nullopt;
      }
    }
    ByteWriter out;
    std::vector<std::string_view> names(found_.names_.begin(), found_.names_.end());
    put_texts(names, out);
    put_texts(words_.entries(), out);
    put_texts(raws_, out);
    const unsigned bits = bits_for(names.size());
    std::string codes;
    pack_bits(found_.codes_, bits, codes);
    out.u8(static_cast<std::uint8_t>(bits));
    out.bytes(codes);
    for (const auto& variables : values_)
      for (const Values& v : variables) out.string(stream_of(v));
    return out.take();
  }

 private:
  static void put_texts(const std::vector<std::string_view>& texts, ByteWriter& out) {
    out.varint(texts.size());
    if (!texts.empty()) out.string(pack_bytes(text_bytes(texts)));
  }

  bool take(std::size_t row) {
    const std::string_view text = texts_[row];
    const Shape& shape = found_.shape_of(row);
    auto& variables = values_[found_.codes_[row] - 1];
    std::size_t place = 0;
    std::size_t v = 0;
    for (const Token& t : found_.tokens_of(row)) {
      if (t.kind == VariableKind::word && !shape.varies(place++)) continue;
      if (v == variables.size()) variables.push_back({t.kind, {}, {}, {}, {}});
      if (!add(text.substr(t.begin, t.size), variables[v++])) return false;
    }
    return true;
  }

  bool add(std::string_view token, Values& to) {
    if (to.kind == VariableKind::hex) {
      add_hex(token, to.hex);
    } else if (to.kind == VariableKind::number) {
      std::int64_t value = 0;
      std::from_chars(token.data(), token.data() + token.size(), value);
      to.numbers.push_back(value);
      to.lengths.push_back(static_cast<std::int64_t>(token.size()));
    } else {
      const auto code = words_.add(token);
      if (!code) return false;
      to.words.push_back(*code);
    }
    return true;
  }

  const std::vector<std::string_view>& texts_;
  const TemplateFinder& found_;
  std::vector<std::vector<Values>> values_;  // of each template's variables
  Dictionary words_;
  std::vector<std::string_view> raws_;
};

}  // namespace

std::optional<std::string> encode_templates(const std::vector<std::string_view>& texts) {
  TemplateFinder finder(texts);
  if (!finder.find()) return std::nullopt;
  return TemplateWriter(texts, finder).write();
}

}  // namespace telltale::eventdb
