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
constexpr std::size_t kMaxNameBytes = 256;  // of a name that stands as a value

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

bool is_flag(std::string_view name) { return name.starts_with('-'); }
/// What a flat list of headers has in the place of a name.
bool is_header_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"cookie", "set-cookie", "authorization", "proxy-authorization",
                                         "api-key"};
  return equal_ignore_case(name.substr(0, 2), "x-") ||
         std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view known) { return equal_ignore_case(name, known); });
}
/// `{"name": "DB_PASSWORD", "value": "x"}`: Kubernetes, HAR, OTLP (`key`).
bool says_name(std::string_view key) {
  return equal_ignore_case(key, "name") || equal_ignore_case(key, "key");
}
bool says_value(std::string_view key) { return equal_ignore_case(key, "value"); }

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
    KeyKind named = KeyKind::plain;  // a list's next element, by the sensitive name before it
    bool after_flag = false;         // that name is one of a command's flags
    std::size_t name_at = 0;         // where an object's "name" says what its "value" is; 0: not seen
    std::string_view raw_key;        // of the member at hand
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
    KeyKind kind = known.kind;
    if (known.secret) replace(key_at, known.renamed);
    if (kind == KeyKind::plain) {
      if (const auto bare = bare_name(key); bare.size() != key.size()) kind = actions_.facts(bare).kind;
    }
    skip_space();
    if (!pass(':')) return false;
    skip_space();
    if (actions_.places != nullptr && !nested_ && stack_.size() == 1) {
      actions_.places->root_empty = false;
      if (key == "_meta" && actions_.places->meta_begin == std::string::npos && at_ < in_.size() &&
          in_[at_] == '{')
        return pass_meta();
    }
    if (kind == KeyKind::plain) kind = kind_by_name(level, key);
    if (level.versions) kind = KeyKind::plain;
    next_is_versions_ = key == "modules" && stack_.size() == 1 && !nested_;
    return value(kind, key);
  }

  /// The string at at_, which stays there, as a name: short and made of a name's characters. Empty otherwise.
  std::string_view peek_name() {
    if (at_ >= in_.size() || in_[at_] != '"') return {};
    const std::size_t begin = at_ + 1;
    const std::size_t last = std::min(in_.size(), begin + kMaxNameBytes);
    std::size_t end = begin;
    while (end < last && in_[end] != '"') end += in_[end] == '\\' ? 2 : 1;
    if (end >= last) return {};
    const std::string_view name = bare_name(decoded(in_.substr(begin, end - begin), value_buffer_));
    return is_name(name) ? name : std::string_view();
  }

  KeyKind kind_of_name_at(std::size_t at) {
    const std::size_t here = std::exchange(at_, at);
    const std::string_view name = peek_name();
    at_ = here;
    return name.empty() ? KeyKind::plain : actions_.facts(name).kind;
  }

  /// Of `value`, whose sibling `name` says what it is. Before it, as most write it, or right behind it.
  KeyKind kind_by_name(Level& level, std::string_view key) {
    if (says_name(key)) level.name_at = at_;
    if (!says_value(key) || at_ >= in_.size()) return KeyKind::plain;
    if (level.name_at != 0) return kind_of_name_at(level.name_at);
    if (in_[at_] == '{' || in_[at_] == '[') return KeyKind::plain;
    const std::size_t here = at_;
    KeyKind kind = KeyKind::plain;
    if (in_[at_] != '"') take_scalar();
    if (in_[here] != '"' || take_string()) {
      skip_space();
      if (pass(',')) {
        skip_space();
        const auto sibling = take_string();
        skip_space();
        if (sibling && says_name(*sibling) && pass(':')) {
          skip_space();
          kind = kind_of_name_at(at_);
        }
      }
    }
    at_ = here;
    return kind;
  }

  /// `["Cookie", "a=b"]`, the same flat (`["Host", "x", "Cookie", "a=b"]`), `["app", "--password", "x"]`.
  bool element(Level& level) {
    KeyKind kind = std::exchange(level.named, KeyKind::plain);
    const bool text = at_ < in_.size() && in_[at_] == '"';
    if (level.items > 2 && !text) kind = KeyKind::plain;
    if (level.after_flag && text && in_.substr(at_ + 1, 1) == "-") kind = KeyKind::plain;
    if (kind == KeyKind::plain && text) {
      std::string_view name = peek_name();
      level.after_flag = is_flag(name);
      if (!name.empty() &&
          (level.items == 1 || level.after_flag || (level.items % 2 == 1 && is_header_name(name)))) {
        name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
        level.named = actions_.facts(name).kind;
      }
    }
    return value(kind);
  }

  bool value(KeyKind kind, std::string_view key = {}) {
    const bool versions = std::exchange(next_is_versions_, false);
    if (at_ >= in_.size()) return false;
    const char c = in_[at_];
    if (kind != KeyKind::plain) return hide(kind);
    if (c == '{' || c == '[') {
      if (stack_.size() >= kMaxDepth) return false;
      ++at_;
      stack_.push_back({c == '{', versions, 0, KeyKind::plain, false, 0, {}});
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

Walked walk_json(std::string_view json, const JsonActions& actions, std::string& out) {
  return JsonWalker(json, actions).run(out);
}

}  // namespace telltale::redact
