// A scanner with an explicit stack: depth costs memory, never the call stack. It accepts a little more than
// JSON (any scalar token) and changes only strings and values under sensitive keys, so what was valid stays
// valid. Most texts have nothing to hide: nothing is copied before the first change.
#include "redact/json_walk.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kMaxDepth = 4096;

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

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

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

  std::optional<std::string> run(bool& changed) {
    skip_space();
    if (!value(KeyKind::plain)) return std::nullopt;
    while (!stack_.empty())
      if (!step()) return std::nullopt;
    skip_space();
    if (at_ != in_.size()) return std::nullopt;
    changed = changed_;
    if (changed_) out_.append(in_.substr(copied_));
    return std::move(out_);
  }

 private:
  struct Level {
    bool object = false;
    bool versions = false;  // inside "modules": names of packages, not of secrets
    std::size_t items = 0;
    KeyKind pair_kind = KeyKind::plain;  // a list that began with a sensitive name: [name, value]
  };

  void skip_space() {
    while (at_ < in_.size() && is_space(in_[at_])) ++at_;
  }
  bool skip(char c) {
    if (at_ >= in_.size() || in_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// What stands from `begin` to where we are becomes `text`, as a string.
  void replace(std::size_t begin, std::string_view text) {
    if (!changed_) out_.reserve(in_.size() + 64);
    out_.append(in_.substr(copied_, begin - copied_));
    append_json_string(out_, text);
    copied_ = at_;
    changed_ = true;
  }
  /// `raw` without its escapes, in `room` if it has any.
  static std::string_view plain(std::string_view raw, std::string& room) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    room.clear();
    append_unescaped(room, raw);
    return room;
  }
  /// The raw inside of the string at at_, which is moved past it.
  std::optional<std::string_view> take_string() {
    if (at_ >= in_.size() || in_[at_] != '"') return std::nullopt;
    const std::size_t begin = ++at_;
    while (at_ < in_.size() && in_[at_] != '"') at_ += in_[at_] == '\\' ? 2 : 1;
    if (at_ >= in_.size()) return std::nullopt;
    return in_.substr(begin, at_++ - begin);
  }

  /// One member or the end of the innermost container.
  bool step() {
    Level& level = stack_.back();
    skip_space();
    if (skip(level.object ? '}' : ']')) {
      stack_.pop_back();
      return true;
    }
    if (level.items > 0) {
      if (!skip(',')) return false;
      skip_space();
    }
    ++level.items;
    if (!level.object) return element(level);
    const std::size_t key_at = at_;
    const auto raw = take_string();
    if (!raw) return false;
    const std::string_view key = plain(*raw, key_);
    if (const auto renamed = actions_.rename(key)) replace(key_at, *renamed);
    skip_space();
    if (!skip(':')) return false;
    skip_space();
    next_is_versions_ = key == "modules";
    const KeyKind kind = level.versions ? KeyKind::plain : actions_.kind(key);
    return value(kind, key);
  }

  bool element(Level& level) {
    if (level.items == 1 && at_ < in_.size() && in_[at_] == '"') {
      const std::size_t here = at_;
      if (const auto raw = take_string(); raw && is_name(*raw)) level.pair_kind = actions_.kind(*raw);
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
      stack_.push_back({c == '{', versions, 0, KeyKind::plain});
      return true;
    }
    return c == '"' ? string(key) : scalar();
  }

  bool string(std::string_view key) {
    const std::size_t begin = at_;
    const auto raw = take_string();
    if (!raw) return false;
    const std::string_view text = plain(*raw, text_);
    if (actions_.keep(key, text)) return true;
    if (text.data() != text_.data()) text_ = text;
    if (redact_string(text_)) replace(begin, text_);
    return true;
  }

  /// A string that is itself a JSON object or list is walked once more, one level deep.
  bool redact_string(std::string& text) {
    if (!nested_ && text.size() > 2 && (text.front() == '{' || text.front() == '[')) {
      JsonWalker inner(text, actions_);
      inner.nested_ = true;
      bool inner_changed = false;
      if (auto out = inner.run(inner_changed)) {
        if (inner_changed) text = *std::move(out);
        return inner_changed;
      }
    }
    return actions_.text(text);
  }

  std::string_view take_scalar() {
    const std::size_t begin = at_;
    while (at_ < in_.size() && !is_space(in_[at_]) &&
           std::string_view(",]}{[:\"").find(in_[at_]) == std::string_view::npos)
      ++at_;
    return in_.substr(begin, at_ - begin);
  }

  bool scalar() {
    const std::size_t begin = at_;
    const std::string_view token = take_scalar();
    if (token.empty()) return false;
    if (const auto hidden = actions_.number(token)) replace(begin, *hidden);
    return true;
  }

  /// The value of a sensitive key, whatever it is.
  bool hide(KeyKind kind) {
    const std::size_t begin = at_;
    std::string_view text;
    bool container = false;
    if (in_[at_] == '"') {
      const auto raw = take_string();
      if (!raw) return false;
      text = plain(*raw, text_);
    } else if (in_[at_] == '{' || in_[at_] == '[') {
      container = true;
      if (!skip_container()) return false;
    } else {
      text = take_scalar();
      if (text.empty()) return false;
    }
    if (!container && is_harmless_value(kind, text)) return true;
    replace(begin, actions_.filtered(container ? in_.substr(begin, at_ - begin) : text));
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
  std::size_t copied_ = 0;  // as far as out_ stands for in_
  std::string out_;
  std::string key_, text_;  // decoded ones; a key is used until its value is done
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

std::optional<std::string> walk_json(std::string_view json, const JsonActions& actions, bool& changed) {
  return JsonWalker(json, actions).run(changed);
}

}  // namespace telltale::redact
