// A scanner with an explicit stack: depth costs memory, never the call stack. It accepts a little more than
// JSON (any scalar token) and changes only strings and values under sensitive keys, so what was valid stays
// valid.
#include "redact/json_walk.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kMaxDepth = 4096;
constexpr std::size_t kRoomForChanges = 64;

std::optional<std::uint32_t> read_hex4(std::string_view s) {
  if (s.size() < 4) return std::nullopt;
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = s[i];
    const char l = static_cast<char>(c | 32);
    if (c >= '0' && c <= '9') {
      v = v * 16 + static_cast<std::uint32_t>(c - '0');
    } else if (l >= 'a' && l <= 'f') {
      v = v * 16 + static_cast<std::uint32_t>(l - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return v;
}

std::string decode(std::string_view raw) {
  std::string out;
  append_unescaped(out, raw);
  return out;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool ends_scalar(char c) {
  return c == ',' || c == ']' || c == '}' || c == '{' || c == '[' || c == ':' || c == '"';
}

/// What stands first in a [name, value] pair; prose that mentions a password does not.
bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  });
}

class JsonWalker {
 public:
  JsonWalker(std::string_view in, const JsonActions& actions) : in_(in), actions_(actions) {}

  Walked run(std::string& out) {
    skip_space();
    const bool object_root = at_ < in_.size() && in_[at_] == '{';
    if (!value(KeyKind::plain)) return Walked::invalid;
    while (!stack_.empty())
      if (!step()) return Walked::invalid;
    if (object_root && actions_.places != nullptr) actions_.places->root_end = place() - 1;
    skip_space();
    if (at_ != in_.size()) return Walked::invalid;
    if (!changed_) return Walked::unchanged;
    out_.append(in_.substr(copied_));
    out = std::move(out_);
    return Walked::changed;
  }

 private:
  struct Level {
    bool object = false;
    bool versions = false;  // inside "modules": names of packages, not of secrets
    std::size_t items = 0;
    KeyKind pair_kind = KeyKind::plain;  // a list that began with a sensitive name: [name, value]
    std::string_view raw_key;            // of the member at hand
  };

  /// Remarks that were made about the value at hand get its path.
  void keep_remarks(bool text, std::string_view before) {
    if (actions_.remarked == nullptr || nested_ || actions_.remarks->empty()) return;
    auto remarks = std::exchange(*actions_.remarks, {});
    if (actions_.remarked->size() >= kMaxRemarkedValues || stack_.size() > kMaxMetaDepth) return;
    std::size_t path_bytes = 0;
    for (const Level& level : stack_) path_bytes += level.raw_key.size();
    if (path_bytes > kMaxRemarkPathBytes) return;
    ValueRemarks value;
    for (const Level& level : stack_)
      value.path.push_back(level.object ? shown_key(level.raw_key) : std::to_string(level.items - 1));
    value.remarks = std::move(remarks);
    value.has_length = text;
    if (text) value.length = count_characters(before);
    actions_.remarked->push_back(std::move(value));
  }
  std::string shown_key(std::string_view raw) const {
    std::string key = decode(raw);
    const KeyFacts& known = actions_.facts(key);
    return known.secret ? known.renamed : key;
  }

  /// The root's own remarks stay, and are looked at later (meta.cpp).
  bool pass_meta() {
    actions_.places->meta_begin = place();
    if (!skip_container()) return false;
    actions_.places->meta_end = place();
    return true;
  }

  /// Where at_ will be in the new text.
  std::size_t place() const { return out_.size() + (at_ - copied_); }
  /// What stands from `begin` to at_ becomes a string of `text`. All before it is copied now, not sooner:
  /// most texts have nothing to hide.
  void replace(std::size_t begin, std::string_view text) {
    if (!changed_) out_.reserve(in_.size() + kRoomForChanges);
    out_.append(in_.substr(copied_, begin - copied_));
    append_json_string(out_, text);
    copied_ = at_;
    changed_ = true;
  }

  void skip_space() {
    while (at_ < in_.size() && is_space(in_[at_])) ++at_;
  }
  bool pass(char c) {
    if (at_ >= in_.size() || in_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// The raw inside of the string at at_, which is moved past it.
  std::optional<std::string_view> take_string() {
    if (at_ >= in_.size() || in_[at_] != '"') return std::nullopt;
    const std::size_t begin = ++at_;
    while (at_ < in_.size() && in_[at_] != '"') at_ += in_[at_] == '\\' ? 2 : 1;
    if (at_ >= in_.size()) return std::nullopt;
    return in_.substr(begin, at_++ - begin);
  }
  /// Without escapes; `buffer` holds it where there are any.
  static std::string_view decoded(std::string_view raw, std::string& buffer) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    buffer.clear();
    append_unescaped(buffer, raw);
    return buffer;
  }

  /// One member or the end of the innermost container.
  bool step() {
    Level& level = stack_.back();
    skip_space();
    if (pass(level.object ? '}' : ']')) {
      stack_.pop_back();
      return true;
    }
    if (level.items > 0) {
      if (!pass(',')) return false;
      skip_space();
    }
    ++level.items;
    if (!level.object) return element(level);
    const std::size_t key_at = at_;
    const auto raw = take_string();
    if (!raw) return false;
    level.raw_key = *raw;
    const std::string_view key = decoded(*raw, key_buffer_);
    const KeyFacts& known = actions_.facts(key);
    const KeyKind kind = level.versions ? KeyKind::plain : known.kind;
    if (known.secret) replace(key_at, known.renamed);
    skip_space();
    if (!pass(':')) return false;
    skip_space();
    if (actions_.places != nullptr && !nested_ && stack_.size() == 1) {
      actions_.places->root_empty = false;
      if (key == "_meta" && actions_.places->meta_begin == std::string::npos && at_ < in_.size() &&
          in_[at_] == '{')
        return pass_meta();
    }
    next_is_versions_ = key == "modules";
    return value(kind, key);
  }

  bool element(Level& level) {
    if (level.items == 1 && at_ < in_.size() && in_[at_] == '"') {
      const std::size_t here = at_;
      if (const auto raw = take_string(); raw && is_name(*raw)) level.pair_kind = actions_.facts(*raw).kind;
      at_ = here;
      return value(KeyKind::plain);
    }
    return value(level.items == 2 ? level.pair_kind : KeyKind::plain);
  }

  bool value(KeyKind kind, std::string_view key = {}) {
    const bool versions = std::exchange(next_is_versions_, false);
    if (at_ >= in_.size()) return false;
    const char c = in_[at_];
    if (kind != KeyKind::plain) return hide(kind);
    if (c == '{' || c == '[') {
      if (stack_.size() >= kMaxDepth) return false;
      ++at_;
      stack_.push_back({c == '{', versions, 0, KeyKind::plain, {}});
      return true;
    }
    return c == '"' ? string(key) : scalar();
  }

  bool string(std::string_view key) {
    const std::size_t begin = at_;
    const auto raw = take_string();
    if (!raw) return false;
    const std::string_view text = decoded(*raw, value_buffer_);
    std::string hidden;
    if (actions_.keep(key, text) || !redacted(text, hidden)) return true;
    replace(begin, hidden);
    keep_remarks(true, text);
    return true;
  }

  /// A string that is itself a JSON object or list is walked once more, one level deep.
  bool redacted(std::string_view text, std::string& out) {
    if (!nested_ && text.size() > 2 && (text.front() == '{' || text.front() == '[')) {
      JsonWalker inner(text, actions_);
      inner.nested_ = true;
      if (const Walked walked = inner.run(out); walked != Walked::invalid) {
        // Places in the inner texts say nothing about this one.
        if (actions_.remarks != nullptr)
          for (Remark& remark : *actions_.remarks) remark.placed = false;
        return walked == Walked::changed;
      }
    }
    return actions_.text(text, out);
  }

  std::string_view take_scalar() {
    const std::size_t begin = at_;
    while (at_ < in_.size() && !is_space(in_[at_]) && !ends_scalar(in_[at_])) ++at_;
    return in_.substr(begin, at_ - begin);
  }

  bool scalar() {
    const std::size_t begin = at_;
    const std::string_view token = take_scalar();
    if (token.empty()) return false;
    if (const auto hidden = actions_.number(token)) {
      replace(begin, *hidden);
      keep_remarks(true, token);
    }
    return true;
  }

  /// The value of a sensitive key, whatever it is.
  bool hide(KeyKind kind) {
    const std::size_t begin = at_;
    std::string_view plain;
    bool container = false;
    if (in_[at_] == '"') {
      const auto raw = take_string();
      if (!raw) return false;
      plain = decoded(*raw, value_buffer_);
    } else if (in_[at_] == '{' || in_[at_] == '[') {
      container = true;
      if (!skip_container()) return false;
      plain = in_.substr(begin, at_ - begin);
    } else {
      plain = take_scalar();
      if (plain.empty()) return false;
    }
    if (!container && is_harmless_value(kind, plain)) return true;
    replace(begin, actions_.filtered(plain));
    keep_remarks(!container, plain);
    return true;
  }

  bool skip_container() {
    std::string closers;
    do {
      const char c = in_[at_];
      if (c == '"') {
        if (!take_string()) return false;
        continue;
      }
      if (c == '{') closers += '}';
      if (c == '[') closers += ']';
      if (c == '}' || c == ']') {
        if (closers.empty() || closers.back() != c) return false;
        closers.pop_back();
      }
      ++at_;
    } while (!closers.empty() && at_ < in_.size());
    return closers.empty();
  }

  std::string_view in_;
  const JsonActions& actions_;
  std::size_t at_ = 0;
  std::size_t copied_ = 0;  // of in_, into out_
  std::string out_;
  std::string key_buffer_;
  std::string value_buffer_;
  std::vector<Level> stack_;
  bool next_is_versions_ = false;
  bool nested_ = false;
  bool changed_ = false;
};

}  // namespace

bool append_unescaped(std::string& out, std::string_view raw) {
  constexpr std::string_view kFrom = "\"\\/bfnrt";
  constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  bool any = false;
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t slash = std::min(raw.find('\\', i), raw.size());
    out.append(raw, i, slash - i);
    i = slash;
    if (i == raw.size()) break;
    if (i + 1 >= raw.size()) {
      out += raw[i++];
      continue;
    }
    const char c = raw[i + 1];
    if (const auto at = kFrom.find(c); at != std::string_view::npos) {
      out += kTo[at];
      i += 2;
      any = true;
      continue;
    }
    const auto unit = c == 'u' ? read_hex4(raw.substr(i + 2)) : std::nullopt;
    if (!unit) {
      out += raw[i++];
      continue;
    }
    i += 6;
    any = true;
    std::uint32_t cp = *unit;
    if (cp >= 0xD800 && cp < 0xDC00 && raw.substr(i).starts_with("\\u")) {
      const auto low = read_hex4(raw.substr(i + 2));
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (*low - 0xDC00);
        i += 6;
      }
    }
    append_utf8(out, cp);
  }
  return any;
}

Walked walk_json(std::string_view json, const JsonActions& actions, std::string& out) {
  return JsonWalker(json, actions).run(out);
}

}  // namespace telltale::redact
