#include "eventdb/signature.hpp"

#include <algorithm>
#include <string>

#include "base/limits.hpp"
#include "eventdb/skeleton.hpp"

namespace telltale::eventdb {

namespace {

constexpr unsigned kSymbolBits = 6;
constexpr Gram kGramMask = (Gram{1} << (4 * kSymbolBits)) - 1;

// A byte's class: its symbol, and what else is to know of it. Bytes that are no symbol end a word.
constexpr std::uint8_t kSymbol = 0x3F;
constexpr std::uint8_t kTelling = 0x40;
constexpr std::uint8_t kEscaped = 0x80;

constexpr std::uint8_t class_of(unsigned c) {
  if (c < 0x20 || c >= 0x80) return kEscaped;
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(1 + c - '0');
  if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  // Times have a `t` and a `z`.
  if (c >= 'a' && c <= 'z')
    return static_cast<std::uint8_t>((11 + c - 'a') | (c > 'f' && c != 't' && c != 'z' ? kTelling : 0));
  return c == '_' ? 37 | kTelling : 0;
}

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c) out[c] = class_of(c);
  return out;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is_symbol(char c) { return (kClasses[static_cast<unsigned char>(c)] & kSymbol) != 0; }

/// Four neighbouring symbols at a time.
class GramWindow {
 public:
  /// True when a telling gram ends with this byte.
  bool take(std::uint8_t byte_class) {
    const std::uint8_t symbol = byte_class & kSymbol;
    if (symbol == 0) {
      telling_ = 0;
      length_ = 0;
      return false;
    }
    gram_ = (gram_ << kSymbolBits | symbol) & kGramMask;
    telling_ = (telling_ << 1 | ((byte_class & kTelling) != 0 ? 1U : 0U)) & 0xF;
    return ++length_ >= 4 && telling_ != 0;
  }
  Gram gram() const { return gram_; }

 private:
  Gram gram_ = 0;
  unsigned telling_ = 0;
  std::size_t length_ = 0;
};

/// `u` and three hexadecimal digits may be a piece of an escape, which is not searched for.
bool may_be_an_escape(Gram gram) {
  constexpr std::uint8_t kU = class_of('u') & kSymbol;
  constexpr std::uint8_t kLastHex = class_of('f') & kSymbol;
  if (gram >> (3 * kSymbolBits) != kU) return false;
  for (unsigned i = 0; i < 3; ++i)
    if ((gram >> (i * kSymbolBits) & kSymbol) > kLastHex) return false;
  return true;
}

/// The eight odd multipliers of the format that is named in the header.
constexpr SignatureRow kSalts = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                 0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

/// Two megabytes of zeros, or nothing while they are lent.
thread_local std::vector<std::uint64_t> t_spare_bits;

}  // namespace

GramPlace GramPlace::of(Gram gram) {
  const std::uint64_t hash = gram * 0x9E3779B97F4A7C15ULL;
  GramPlace out;
  out.row = static_cast<std::uint32_t>(hash >> 44);
  const auto low = static_cast<std::uint32_t>(hash >> 12);
  for (std::size_t lane = 0; lane < kSalts.size(); ++lane)
    out.bits[lane] = std::uint32_t{1} << ((low * kSalts[lane]) >> 27);
  return out;
}

bool has_gram(const SignatureRow& row, const GramPlace& gram) {
  std::uint32_t missing = 0;
  for (std::size_t lane = 0; lane < row.size(); ++lane) missing |= gram.bits[lane] & ~row[lane];
  return missing == 0;
}

std::vector<GramPlace> grams_of_needle(std::string_view needle) {
  std::vector<Gram> grams;
  GramWindow window;
  for (const char c : needle)
    if (window.take(kClasses[static_cast<unsigned char>(c)]) && !may_be_an_escape(window.gram()))
      grams.push_back(window.gram());
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  std::vector<GramPlace> out;
  for (const Gram gram : grams) {
    if (out.size() == limits::kSignatureNeedleGrams) break;
    out.push_back(GramPlace::of(gram));
  }
  return out;
}

bool is_worth_a_signature(std::size_t rows, std::uint64_t text_bytes, std::size_t full_rows) {
  return rows >= full_rows / limits::kSignatureLeastShare ||
         text_bytes >= limits::kEventBlockBytes / limits::kSignatureLeastShare;
}

GramCollector::GramCollector() : seen_(std::move(t_spare_bits)) {
  t_spare_bits.clear();
  seen_.resize((std::size_t{kGramMask} + 1) / 64);
}

GramCollector::~GramCollector() {
  for (const Gram gram : grams_) seen_[gram / 64] = 0;
  t_spare_bits = std::move(seen_);
}

void GramCollector::mark(Gram gram) {
  const std::uint64_t bit = std::uint64_t{1} << (gram % 64);
  std::uint64_t& word = seen_[gram / 64];
  if ((word & bit) != 0) return;
  word |= bit;
  grams_.push_back(gram);
}

void GramCollector::add(std::string_view text) {
  GramWindow window;
  for (const char c : text)
    if (window.take(kClasses[static_cast<unsigned char>(c)])) mark(window.gram());
}

void GramCollector::add_value(std::string_view text) {
  GramWindow window;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t byte_class = kClasses[static_cast<unsigned char>(text[i])];
    if (window.take(byte_class)) mark(window.gram());
    // What stands behind the last byte of what is escaped.
    if ((byte_class & kEscaped) == 0 || i + 1 == text.size() || !is_symbol(text[i + 1])) continue;
    std::size_t begin = i;
    while (begin > 0 && i - begin < 3 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    std::string escaped;
    append_escaped(text.substr(begin, i + 1 - begin), true, escaped);
    add_behind_escape(std::string_view(escaped).substr(escaped.rfind('\\') + 1), text.substr(i + 1, 3));
  }
}

void GramCollector::add_behind_escape(std::string_view tail, std::string_view text) {
  GramWindow window;
  for (const std::string_view piece : {tail, text})
    for (const char c : piece)
      if (window.take(kClasses[static_cast<unsigned char>(c)])) mark(window.gram());
}

Signature GramCollector::take() {
  std::size_t rows = 1;
  while (rows < limits::kSignatureRows &&
         rows * kSignatureRowBytes * 8 < grams_.size() * limits::kSignatureBitsPerGram)
    rows *= 2;
  Signature out;
  out.rows.resize(rows);
  for (const Gram gram : grams_) {
    const GramPlace place = GramPlace::of(gram);
    SignatureRow& row = out.rows[place.row & (rows - 1)];
    for (std::size_t lane = 0; lane < row.size(); ++lane) row[lane] |= place.bits[lane];
  }
  return out;
}

}  // namespace telltale::eventdb
