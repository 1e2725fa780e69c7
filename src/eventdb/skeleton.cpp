#include "eventdb/skeleton.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.hpp"
#include "eventdb/text_form.hpp"

namespace telltale::eventdb {

namespace {

constexpr char kMark = '\x01';
constexpr std::size_t kMaxSkeletonBytes = 8192;
constexpr std::size_t kMaxDepth = 16;
constexpr char kHexDigits[] = "0123456789abcdef";

void append_code_unit(unsigned unit, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[unit >> shift & 15];
}

/// One UTF-8 sequence from `at` on; 0xFFFFFFFF when it is none. `at` moves behind it.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  if (first < 0xC0 || at + more >= text.size()) {
    ++at;
    return UINT32_MAX;
  }
  std::uint32_t point = first & (0x3FU >> more);
  for (std::size_t i = 1; i <= more; ++i) point = point << 6 | (byte(at + i) & 0x3FU);
  at += more + 1;
  return point;
}

bool is_escaped(char c, bool ascii) {
  const auto b = static_cast<unsigned char>(c);
  return b < 0x20 || c == '"' || c == '\\' || (ascii && b >= 0x80);
}

/// Where the first character from `at` on stands that is escaped; text.size() when there is none.
std::size_t first_escape(std::string_view text, std::size_t at, bool ascii) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
    const __m128i found =
        _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(ascii ? _mm_or_si128(found, bytes) : found));
    if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (at < text.size() && !is_escaped(text[at], ascii)) ++at;
  return at;
}

class SkeletonMaker {
 public:
  explicit SkeletonMaker(const EventRow& row) : row_(row), in_(row.message) {}

  std::optional<std::string> make() {
    if (in_.size() < 2 || in_.front() != '{' || in_.find(kMark) != std::string_view::npos)
      return std::nullopt;
    if (!object() || at_ != in_.size() || references_ == 0 || out_.size() > kMaxSkeletonBytes)
      return std::nullopt;
    return std::move(out_);
  }

 private:
  void space() {
    while (at_ < in_.size() && (in_[at_] == ' ' || in_[at_] == '\t' || in_[at_] == '\n' || in_[at_] == '\r'))
      out_ += in_[at_++];
  }
  bool take(char c) {
    if (at_ == in_.size() || in_[at_] != c) return false;
    out_ += c;
    ++at_;
    return true;
  }
  /// The raw bytes between a string's quotes; `at_` moves behind them.
  std::optional<std::string_view> string_token() {
    if (at_ == in_.size() || in_[at_] != '"') return std::nullopt;
    std::size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != '"') end += in_[end] == '\\' ? 2 : 1;
    if (end >= in_.size()) return std::nullopt;
    const std::string_view raw = in_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return raw;
  }

  bool object() {
    if (++depth_ > kMaxDepth || !take('{')) return false;
    space();
    if (take('}')) return --depth_, true;
    const std::size_t path = path_.size();
    while (true) {
      space();
      const auto key = string_token();
      if (!key || key->find('\\') != std::string_view::npos) return false;
      out_ += '"';
      out_ += *key;
      out_ += '"';
      space();
      if (!take(':')) return false;
      space();
      if (path > 0) path_ += '.';
      path_ += *key;
      if (!value()) return false;
      path_.resize(path);
      space();
      if (take(',')) continue;
      --depth_;
      return take('}');
    }
  }

  /// The attribute of the current path, looked for from where the last one stood.
  const Attr* attribute() {
    const auto& all = row_.attributes;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t k = next_ + i < all.size() ? next_ + i : next_ + i - all.size();
      if (all[k].name != path_) continue;
      next_ = k + 1 < all.size() ? k + 1 : 0;
      return &all[k];
    }
    return nullptr;
  }
  void refer(char mode, std::string_view name) {
    out_ += kMark;
    out_ += mode;
    out_ += name;
    out_ += kMark;
    ++references_;
  }

  bool value() {
    if (at_ == in_.size()) return false;
    if (in_[at_] == '{') return object();
    if (in_[at_] == '[') return array();
    if (in_[at_] == '"') return string_value();
    return plain_value();
  }

  bool string_value() {
    const auto raw = string_token();
    if (!raw) return false;
    out_ += '"';
    if (!raw->empty() && !refer_to_text(*raw)) return false;
    out_ += '"';
    return true;
  }
  bool refer_to_text(std::string_view raw) {
    const Attr* a = attribute();
    if (a == nullptr) {
      const auto style = time_style_of(row_.time.ns, raw);
      if (style) refer('t', std::to_string(*style));
      return style.has_value();
    }
    const auto* text = std::get_if<std::string>(&a->value);
    if (text == nullptr) return false;
    for (const bool ascii : {false, true}) {
      if (*text == raw ? needs_escapes(*text, ascii) : !escapes_to(*text, ascii, raw)) continue;
      refer(ascii ? 'a' : 's', a->name);
      return true;
    }
    return false;
  }
  bool escapes_to(std::string_view text, bool ascii, std::string_view raw) {
    if (raw.size() <= text.size() || raw.find('\\') == std::string_view::npos) return false;
    scratch_.clear();
    append_escaped(text, ascii, scratch_);
    return scratch_ == raw;
  }

  bool plain_value() {
    const std::size_t begin = at_;
    while (at_ < in_.size() && in_[at_] != ',' && in_[at_] != '}' && in_[at_] != ' ' && in_[at_] != '\n' &&
           in_[at_] != '\r' && in_[at_] != '\t')
      ++at_;
    const std::string_view raw = in_.substr(begin, at_ - begin);
    if (raw.empty()) return false;
    const Attr* a = attribute();
    if (a != nullptr) {
      const std::string text = to_string(a->value);
      for (const char mode : {'r', 'f'}) {
        scratch_.clear();
        append_value(mode, text, scratch_);
        if (scratch_ != raw || (mode == 'f' && !std::holds_alternative<double>(a->value))) continue;
        refer(mode, a->name);
        return true;
      }
      return refer_to_decimals(*a, text, raw);
    }
    out_ += raw;
    return raw == "null" || raw == "true" || raw == "false";
  }

  /// `12.50`: a real with a fixed number of digits.
  bool refer_to_decimals(const Attr& a, const std::string& text, std::string_view raw) {
    const auto point = raw.find('.');
    if (!std::holds_alternative<double>(a.value) || point == std::string_view::npos) return false;
    const std::size_t decimals = raw.size() - point - 1;
    if (decimals < 1 || decimals > 9) return false;
    const char mode = static_cast<char>('0' + decimals);
    scratch_.clear();
    append_value(mode, text, scratch_);
    if (scratch_ != raw) return false;
    refer(mode, a.name);
    return true;
  }

  /// Arrays are attributes as JSON text, or empty.
  bool array() {
    std::size_t end = at_;
    int depth = 0;
    do {
      if (in_[end] == '"') {
        for (++end; end < in_.size() && in_[end] != '"'; ++end) end += in_[end] == '\\' ? 1 : 0;
      } else {
        depth += in_[end] == '[' ? 1 : in_[end] == ']' ? -1 : 0;
      }
      ++end;
    } while (depth > 0 && end < in_.size());
    if (depth > 0 || end > in_.size()) return false;
    const std::string_view raw = in_.substr(at_, end - at_);
    at_ = end;
    const Attr* a = attribute();
    const auto* text = a != nullptr ? std::get_if<std::string>(&a->value) : nullptr;
    if (text != nullptr && *text == raw) {
      refer('r', a->name);
      return true;
    }
    out_ += raw;
    return raw == "[]" && a == nullptr;
  }

  const EventRow& row_;
  const std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::string path_;
  std::string scratch_;
  std::size_t depth_ = 0;
  std::size_t next_ = 0;
  std::size_t references_ = 0;
};

}  // namespace

bool needs_escapes(std::string_view text, bool ascii) { return first_escape(text, 0, ascii) != text.size(); }

void append_escaped(std::string_view text, bool ascii, std::string& out) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t plain = first_escape(text, i, ascii);
    out.append(text, i, plain - i);
    i = plain;
    if (i == text.size()) return;
    const char c = text[i];
    const auto b = static_cast<unsigned char>(c);
    if (ascii && b >= 0x80) {
      const std::uint32_t point = next_code_point(text, i);
      if (point >= 0x10000 && point != UINT32_MAX) {
        append_code_unit(0xD800 + ((point - 0x10000) >> 10), out);
        append_code_unit(0xDC00 + ((point - 0x10000) & 0x3FF), out);
      } else {
        append_code_unit(point & 0xFFFF, out);
      }
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        append_code_unit(b, out);
    }
  }
}

void append_value(char mode, std::string_view text, std::string& out) {
  if (mode == 's' || mode == 'a') return append_escaped(text, mode == 'a', out);
  out += text;
  const bool is_whole = text.find_first_not_of("-0123456789") == std::string_view::npos;
  if (mode == 'f' && is_whole) out += ".0";
  if (mode < '1' || mode > '9') return;
  if (is_whole) out += '.';
  const auto wanted = static_cast<std::size_t>(mode - '0');
  const std::size_t decimals = is_whole ? 0 : text.size() - std::min(text.find('.'), text.size() - 1) - 1;
  if (decimals < wanted) out.append(wanted - decimals, '0');
}

std::optional<std::string> make_skeleton(const EventRow& row) { return SkeletonMaker(row).make(); }

std::optional<SkeletonMatcher> SkeletonMatcher::make(std::string_view skeleton, const EventRow& row) {
  auto parsed = Skeleton::parse(skeleton);
  if (!parsed) return std::nullopt;
  SkeletonMatcher out;
  out.literals_ = std::move(parsed->literals);
  for (const Skeleton::Reference& r : parsed->references) {
    Value value;
    value.mode = r.mode;
    if (r.mode == 't') {
      value.time_style = static_cast<std::uint8_t>(std::stoul(r.name));
    } else {
      const auto& all = row.attributes;
      const auto at = std::find_if(all.begin(), all.end(), [&](const Attr& a) { return a.name == r.name; });
      if (at == all.end()) return std::nullopt;
      value.attribute = static_cast<std::size_t>(at - all.begin());
    }
    out.values_.push_back(value);
  }
  return out;
}

bool SkeletonMatcher::fits(const EventRow& row, std::string& scratch) const {
  const std::string_view line = row.message;
  std::size_t at = 0;
  const auto take = [&](std::string_view piece) {
    if (line.substr(at, piece.size()) != piece) return false;
    at += piece.size();
    return true;
  };
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (!take(literals_[i])) return false;
    const Value& value = values_[i];
    if (value.mode == 't') {
      render_time(value.time_style, row.time.ns, scratch);
      if (!take(scratch)) return false;
      continue;
    }
    const AttrValue& attribute = row.attributes[value.attribute].value;
    const auto* text = std::get_if<std::string>(&attribute);
    if (text != nullptr && text->empty()) return false;
    if (text != nullptr && (value.mode == 'r' || !needs_escapes(*text, value.mode == 'a'))) {
      if (!take(*text)) return false;
      continue;
    }
    scratch.clear();
    append_value(value.mode, text != nullptr ? *text : to_string(attribute), scratch);
    if (!take(scratch)) return false;
  }
  return take(literals_.back()) && at == line.size();
}

std::optional<Skeleton> Skeleton::parse(std::string_view bytes) {
  Skeleton out;
  out.literals.emplace_back();
  while (true) {
    const auto mark = bytes.find(kMark);
    out.literals.back() = std::string(bytes.substr(0, mark));
    if (mark == std::string_view::npos) return out;
    bytes.remove_prefix(mark + 1);
    const auto end = bytes.find(kMark);
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    Reference reference{bytes[0], std::string(bytes.substr(1, end - 1))};
    static constexpr std::string_view kModes = "sarft123456789";
    if (kModes.find(reference.mode) == std::string_view::npos) return std::nullopt;
    if (reference.mode == 't') {
      unsigned style = kTimeStyles;
      const char* const last = reference.name.data() + reference.name.size();
      if (std::from_chars(reference.name.data(), last, style).ptr != last || style >= kTimeStyles)
        return std::nullopt;
    }
    out.references.push_back(std::move(reference));
    out.literals.emplace_back();
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace telltale::eventdb
