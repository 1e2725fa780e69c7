// The writing half of text_template.hpp: learns the templates of a block from samples of its texts, walks
// every text down the tree of them, and writes what varies.
#include <algorithm>
#include <charconv>
#include <numeric>
#include <span>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "eventdb/template_tree.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/text_template.hpp"

namespace telltale::eventdb {

namespace {

// When templates are worth it.
constexpr std::size_t kLeastRows = 512;
constexpr std::size_t kLeastMeanBytes = 20;     // shorter texts are ids and names
constexpr std::size_t kSampleRows = 2'048;      // that templates are learned from
constexpr std::size_t kRounds = 4;              // of learning, each from texts that have no template yet
constexpr std::size_t kLeastRowsInSample = 4;   // of a template; in a sample that is not of all texts
constexpr std::size_t kLeastRowsATemplate = 8;  // fewer are kept as they are
constexpr std::size_t kMostTextsAWord = 16;     // different words at a place, more vary
constexpr std::size_t kMostRawBytes = 1 << 20;  // of texts without a template, which are read together
constexpr std::size_t kMostTemplates = 65'535;
constexpr std::size_t kTextsAhead = 8;  // whose memory is asked for before it is their turn

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// Texts that are alike but for their words, digits and ids.
struct Shape {
  /// Hashes of the words seen at each word's place; one too many: it varies.
  std::vector<std::vector<std::uint64_t>> words;
  bool varies(std::size_t place) const { return words[place].size() > kMostTextsAWord; }
};

/// The templates of a sample of texts.
class TemplateLearner {
 public:
  struct Learned {
    std::string name;
    std::size_t rows = 0;
  };

  void add(std::string_view text) {
    const std::size_t before = tokens_.size();
    if (!find_tokens(text, tokens_)) return;
    const auto tokens = std::span(tokens_).subspan(before);
    write_name(text, tokens, nullptr);
    const auto [at, is_new] = numbers_.try_emplace(name_, static_cast<std::uint32_t>(shapes_.size()));
    if (is_new) {
      shapes_.emplace_back();
      for (const Token& t : tokens)
        if (t.kind == VariableKind::word) shapes_.back().words.emplace_back();
    }
    texts_.push_back(
        {text, at->second, static_cast<std::uint32_t>(before), static_cast<std::uint32_t>(tokens.size())});
    std::size_t place = 0;
    for (const Token& t : tokens) {
      if (t.kind != VariableKind::word) continue;
      auto& seen = shapes_[at->second].words[place++];
      if (seen.size() > kMostTextsAWord) continue;
      const std::uint64_t hash = hash64(text.substr(t.begin, t.size));
      if (std::find(seen.begin(), seen.end(), hash) == seen.end()) seen.push_back(hash);
    }
  }

  std::size_t texts() const { return texts_.size(); }
  std::size_t shapes() const { return shapes_.size(); }

  std::vector<Learned> templates() {
    std::vector<Learned> out;
    StringMap<std::size_t> known;
    for (const Text& t : texts_) {
      write_name(t.text, std::span(tokens_).subspan(t.first_token, t.tokens), &shapes_[t.shape]);
      const auto [at, is_new] = known.try_emplace(name_, out.size());
      if (is_new) out.push_back({name_, 0});
      ++out[at->second].rows;
    }
    return out;
  }

 private:
  struct Text {
    std::string_view text;
    std::uint32_t shape;
    std::uint32_t first_token;
    std::uint32_t tokens;
  };

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

  std::vector<Shape> shapes_;
  StringMap<std::uint32_t> numbers_;  // of shapes
  std::vector<Text> texts_;
  std::vector<Token> tokens_;
  std::string name_;
};

/// The values of one variable, in the order of rows.
struct Values {
  VariableKind kind = VariableKind::word;
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> lengths;
  bool zeros = false;  // some number begins with a zero that is not all of it
  bool lengths_vary = false;
  std::vector<std::uint64_t> words;
  std::string hex;
};

void add_hex(std::string_view digits, std::string& out) {
  const auto value = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>(value(digits[i]) << 4 | (i + 1 < digits.size() ? value(digits[i + 1]) : 0U));
}

std::string numbers_stream(const Values& values) {
  ByteWriter out;
  const bool has_lengths = values.zeros && values.lengths_vary;
  out.u8(has_lengths ? 1 : 0);
  out.u8(values.zeros && !has_lengths ? static_cast<std::uint8_t>(values.lengths[0]) : 0);
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
  explicit TemplateWriter(const std::vector<std::string_view>& texts) : texts_(texts) {}

  /// nullopt: not worth it.
  std::optional<std::string> write() {
    if (texts_.size() < kLeastRows) return std::nullopt;
    std::size_t text_bytes = 0;
    for (const std::string_view text : texts_) text_bytes += text.size();
    if (text_bytes < texts_.size() * kLeastMeanBytes || !find_templates()) return std::nullopt;
    drop_rare_ones();
    std::size_t raw_bytes = 0;
    for (const std::string_view raw : raws_) raw_bytes += raw.size() + 1;
    if (names_.empty() || raw_bytes > kMostRawBytes || raw_bytes * 4 > text_bytes) return std::nullopt;
    return bytes();
  }

 private:
  static constexpr std::uint32_t kNone = TemplateTree::kNone;

  /// Learns from some of the texts, gives each the first template it is of, and learns again from what is
  /// left. False where it is not worth it.
  bool find_templates() {
    of_rows_.assign(texts_.size(), kNone);
    std::vector<std::uint32_t> left(texts_.size());
    std::iota(left.begin(), left.end(), 0U);
    for (std::size_t round = 0; round < kRounds && left.size() >= kLeastRowsATemplate; ++round) {
      TemplateLearner learner;
      const std::size_t step = (left.size() + kSampleRows - 1) / kSampleRows;
      std::size_t sampled = 0;
      for (std::size_t i = 0; i < left.size(); i += step, ++sampled) learner.add(texts_[left[i]]);
      // Texts that are mostly different.
      if (round == 0 && (learner.texts() < sampled / 2 || learner.shapes() > sampled / 8)) return false;
      const std::size_t least = step == 1 ? kLeastRowsATemplate : kLeastRowsInSample;
      const std::size_t before = names_.size();
      std::vector<TextTemplate> templates;
      for (auto& learned : learner.templates()) {
        if (learned.rows < least || names_.size() == kMostTemplates) continue;
        templates.push_back(add_template(std::move(learned.name)));
      }
      if (templates.empty()) break;
      if (!match(TemplateTree(templates), before, left)) return false;
    }
    return true;
  }

  TextTemplate add_template(std::string name) {
    auto parsed = TextTemplate::parse(name);
    TT_CHECK(parsed.has_value());
    names_.push_back(std::move(name));
    rows_of_.push_back(0);
    auto& variables = values_.emplace_back();
    for (const TextTemplate::Piece& piece : parsed->pieces)
      if (piece.is_variable()) variables.emplace_back().kind = piece.kind;
    return *std::move(parsed);
  }

  /// Takes the values of those of the rows that have a template in the tree, which is of the templates from
  /// `first` on, and leaves the others. False: too many words.
  bool match(const TemplateTree& tree, std::size_t first, std::vector<std::uint32_t>& rows) {
    std::vector<std::uint32_t> left;
    std::vector<std::string_view> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + kTextsAhead < rows.size()) __builtin_prefetch(texts_[rows[i + kTextsAhead]].data());
      const std::uint32_t row = rows[i];
      const bool is_short = texts_[row].size() <= limits::kTemplateTextBytes;
      const std::uint32_t place = is_short ? tree.match(texts_[row], found) : kNone;
      if (place == kNone) {
        left.push_back(row);
        continue;
      }
      const auto number = static_cast<std::uint32_t>(first + place);
      of_rows_[row] = number;
      ++rows_of_[number];
      for (std::size_t v = 0; v < found.size(); ++v)
        if (!add(found[v], values_[number][v])) return false;
    }
    rows = std::move(left);
    return true;
  }

  /// Numbers the templates that are kept, and gathers the texts that have none.
  void drop_rare_ones() {
    std::vector<std::uint16_t> codes(names_.size(), 0);
    std::size_t kept = 0;
    for (std::size_t t = 0; t < names_.size(); ++t) {
      if (rows_of_[t] < kLeastRowsATemplate) continue;
      if (kept != t) {
        names_[kept] = std::move(names_[t]);
        values_[kept] = std::move(values_[t]);
      }
      codes[t] = static_cast<std::uint16_t>(++kept);
    }
    names_.resize(kept);
    values_.resize(kept);
    codes_.resize(texts_.size());
    for (std::size_t row = 0; row < texts_.size(); ++row) {
      codes_[row] = of_rows_[row] == kNone ? std::uint16_t{0} : codes[of_rows_[row]];
      if (codes_[row] == 0) raws_.push_back(texts_[row]);
    }
  }

  std::string bytes() const {
    ByteWriter out;
    put_texts(std::vector<std::string_view>(names_.begin(), names_.end()), out);
    put_texts(words_.entries(), out);
    put_texts(raws_, out);
    const unsigned bits = bits_for(names_.size());
    std::string codes;
    pack_bits(codes_, bits, codes);
    out.u8(static_cast<std::uint8_t>(bits));
    out.bytes(codes);
    for (const auto& variables : values_)
      for (const Values& v : variables) out.string(stream_of(v));
    return out.take();
  }

  static void put_texts(const std::vector<std::string_view>& texts, ByteWriter& out) {
    out.varint(texts.size());
    if (!texts.empty()) out.string(pack_bytes(text_bytes(texts)));
  }

  bool add(std::string_view token, Values& to) {
    if (to.kind == VariableKind::hex) {
      add_hex(token, to.hex);
    } else if (to.kind == VariableKind::number) {
      std::int64_t value = 0;
      std::from_chars(token.data(), token.data() + token.size(), value);
      const auto length = static_cast<std::int64_t>(token.size());
      to.zeros = to.zeros || (token.front() == '0' && token.size() > 1);
      to.lengths_vary = to.lengths_vary || (!to.lengths.empty() && length != to.lengths[0]);
      to.numbers.push_back(value);
      to.lengths.push_back(length);
    } else {
      const auto code = words_.add(token);
      if (!code) return false;
      to.words.push_back(*code);
    }
    return true;
  }

  const std::vector<std::string_view>& texts_;
  std::vector<std::string> names_;           // of templates
  std::vector<std::uint32_t> rows_of_;       // how many each has
  std::vector<std::vector<Values>> values_;  // of each one's variables
  std::vector<std::uint32_t> of_rows_;       // each row's template
  std::vector<std::uint16_t> codes_;         // the same as it is written: + 1, 0: none
  Dictionary words_;
  std::vector<std::string_view> raws_;
};

}  // namespace

std::optional<std::string> encode_templates(const std::vector<std::string_view>& texts) {
  return TemplateWriter(texts).write();
}

}  // namespace telltale::eventdb
