// Separators are looked for, and the name is read backwards from each: text has few separators. What is read
// forwards is either masked, and then passed over, or bounded: no text is walked more than a few times.
#include "redact/pairs.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redact/pair_text.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kMaxTagBytes = 256;
constexpr std::size_t kMaxNameBytes = 128;     // of a name in quotes that is itself a value
constexpr std::size_t kMaxBracketBytes = 256;  // of `{hunter2}`, `[hunter2]`
constexpr std::size_t kMaxPairBytes = 1024;    // of a tuple's second member that is read and may stay
constexpr std::size_t kMaxPartHeaders = 3;     // lines between a form part's name and its body
constexpr std::size_t kMaxHeaderBytes = 100;

class PairFinder {
 public:
  PairFinder(std::string_view text, const KindOf& kind, std::vector<Match>& out)
      : text_(text), kind_(kind), out_(out) {}

  void run() {
    for (std::size_t at = text_.find_first_of(kMarks); at < text_.size();
         at = text_.find_first_of(kMarks, at)) {
      switch (text_[at]) {
        case '=':
        case ':':
          at = assigned(at);
          break;
        case '%':
          at = encoded(at);
          break;
        case '>':
          at = element(at);
          break;
        case ',':
          at = listed(at);
          break;
        default:
          at = flag(at);
      }
    }
  }

 private:
  static constexpr std::string_view kMarks = "=:%>,-";

  std::string_view text_of(const Match& m) const { return text_.substr(m.begin, m.end - m.begin); }
  /// The text's first `end` bytes.
  std::string_view up_to(std::size_t end) const { return text_.substr(0, end); }

  std::size_t keep(KeyKind kind, Match value, std::size_t otherwise) {
    if (is_harmless_value(kind, text_of(value))) return otherwise;
    out_.push_back(value);
    return value.end;
  }

  std::size_t assigned(std::size_t at) {
    const char separator = text_[at];
    const std::string_view key = key_ahead_of(text_, at);
    std::size_t next = at + 1;
    if (key.empty()) return next;
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain)
      return equal_ignore_case(key, "name") || equal_ignore_case(key, "key") ? named(next) : next;
    // `:=`, `=>`, `==`, `===`
    while (next < text_.size() && next < at + 3 &&
           (text_[next] == '=' || (text_[next] == '>' && next == at + 1 && separator == '=')))
      ++next;
    const bool compared = separator == '=' && text_[next - 1] == '=' && next > at + 1;
    std::size_t from = skip_spaces(text_, next);
    if (separator == ':' && next == at + 1) from = skip_spaces(text_, skip_type(text_, from));
    if (is_subscript(key, at) && !is_quoted(text_, from)) return next;
    if (from < text_.size()) {
      if (text_[from] == '[') return list(kind, is_key_char(text_[at - 1]) && from == at + 1, from, next);
      if (text_[from] == '{') return separator == '=' && from == at + 1 ? braced(kind, key, from) : next;
      if (text_[from] == '/' && may_name_a_file(key)) return next;
    }
    Match value = value_at(text_, from);
    // `token.type == "comma"` asks for a kind of token.
    if (compared && kind == KeyKind::soft && !looks_like_credential(text_of(value))) return next;
    if (value.begin == from) {
      // "Unexpected token: identifier" is prose, `password == other` a program's line.
      if (kind == KeyKind::soft && separator == ':' && !looks_like_credential(text_of(value))) return next;
      if (compared && from != next) return next;
      if (ends_with_word(key, "cookie")) value.end = cookies_end(separator, value);
    }
    return keep(kind, value, next);
  }

  /// `headers["token"] = value` and `stack[token] = value` are a program's, where a secret is a literal; the
  /// form field `user[token]=x` and PHP's print `[token] => x` are not.
  bool is_subscript(std::string_view key, std::size_t at) const {
    const auto end = static_cast<std::size_t>(key.data() - text_.data()) + key.size();
    if (text_[at] == ':' || end >= at) return false;
    const std::size_t close = after_quote(text_, end);
    if (close >= at || text_[close] != ']') return false;
    return close != end || (is_blank(text_[at - 1]) && text_.substr(at, 2) != "=>");
  }

  /// A cookie header holds several secrets.
  std::size_t cookies_end(char separator, const Match& first) const {
    if (separator == ':') return std::min(text_.find_first_of("\r\n\"", first.begin), text_.size());
    std::size_t end = first.end;
    if (text_of(first).find('=') == std::string_view::npos) return end;
    while (text_.substr(end, 2) == "; ") {
      std::size_t name = end + 2;
      while (name < text_.size() && is_key_char(text_[name])) ++name;
      if (name >= text_.size() || text_[name] != '=') break;
      end = word_end(text_, name);
    }
    return end;
  }

  /// `['hunter2', b'x']`; where the bracket is `tight` against a bare name also Go's `[hunter2]`. What an
  /// earlier pass left begins with a bracket, too.
  std::size_t list(KeyKind kind, bool tight, std::size_t from, std::size_t next) {
    if (const std::size_t end = filtered_end(text_, from); end != from)
      return keep(kind, value_at(text_, from), end);
    const std::size_t close = up_to(from + kMaxBracketBytes).find(']', from);
    std::size_t at = skip_spaces(text_, from + 1);
    if (!is_quoted(text_, at))
      return tight && close != std::string_view::npos ? bracketed(kind, from, close) : next;
    const bool printed = text_[next - 1] == ':';
    // `tokens = ["a", "b"]` is a program's line.
    if (kind == KeyKind::soft && !printed) return next;
    while (is_quoted(text_, at)) {
      const Match value = value_at(text_, at);
      if (kind == KeyKind::hard || looks_like_credential(text_of(value))) keep(kind, value, next);
      next = std::max(next, value.end);
      at = skip_spaces(text_, after_quote(text_, value.end));
      if (at >= text_.size() || text_[at] != ',') break;
      at = skip_spaces(text_, at + 1);
    }
    return next;
  }

  /// `[hunter2]`, but neither a nested list nor, under a soft name, numbers.
  std::size_t bracketed(KeyKind kind, std::size_t from, std::size_t close) {
    const std::string_view inside = text_.substr(from + 1, close - from - 1);
    if (inside.find_first_of("[{\"'\n") != std::string_view::npos) return from + 1;
    if (kind == KeyKind::soft && (!looks_like_credential(inside) ||
                                  inside.find_first_not_of("0123456789.,- ") == std::string_view::npos))
      return from + 1;
    return keep(kind, {from + 1, close, 0}, from + 1);
  }

  /// ODBC's `Pwd={hunter2};`, where `}}` is a brace; not a program's `password={value}`.
  std::size_t braced(KeyKind kind, std::string_view key, std::size_t from) {
    if (kind != KeyKind::hard) return from;
    const auto key_at = static_cast<std::size_t>(key.data() - text_.data());
    const bool in_list = key_at > 0 && text_[key_at - 1] == ';';
    const std::string_view near = up_to(from + kMaxBracketBytes);
    std::size_t end = near.find('}', from);
    while (end != std::string_view::npos && near.substr(end, 2) == "}}") end = near.find('}', end + 2);
    if (end == std::string_view::npos || (!in_list && text_.substr(end + 1, 1) != ";")) return from;
    if (text_.substr(from, end - from).find_first_of("\"'\n") != std::string_view::npos) return from;
    return keep(kind, {from + 1, end, 0}, from);
  }

  /// A name that is a value: `name="password"` and a part's body (RFC 7578), `'name': 'PWD', 'value': 'x'`.
  std::size_t named(std::size_t next) {
    const std::size_t from = skip_spaces(text_, next);
    if (!is_quoted(text_.substr(0, from + kMaxNameBytes), from)) return next;
    const Match name = value_at(up_to(from + kMaxNameBytes), from);
    if (name.end == name.begin ||
        !std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(name.begin),
                     text_.begin() + static_cast<std::ptrdiff_t>(name.end), is_key_char))
      return next;
    const KeyKind kind = kind_(text_of(name));
    if (kind == KeyKind::plain) return next;
    const std::size_t after = after_quote(text_, name.end);
    if (line_end(text_, after) != 0) return part_body(kind, after);
    std::size_t at = skip_spaces(text_, after);
    if (at < text_.size() && text_[at] == ',') at = skip_spaces(text_, at + 1);
    at = after_quote(text_, at);
    if (!equal_ignore_case(text_.substr(at, 5), "value")) {
      // A tag's other attributes.
      const std::string_view tag = up_to(after + kMaxTagBytes);
      at = tag.find(" value=", after);
      if (at >= tag.find_first_of("<>\n", after)) return after;
      ++at;
    }
    at = skip_spaces(text_, after_quote(text_, at + 5));
    if (at >= text_.size() || (text_[at] != ':' && text_[at] != '=')) return after;
    at = skip_spaces(text_, at + 1);
    if (at < text_.size() && (text_[at] == '{' || text_[at] == '[')) return after;
    return keep(kind, value_at(text_, at), after);
  }

  /// `at`: the end of the line with the part's name.
  std::size_t part_body(KeyKind kind, std::size_t at) {
    const std::size_t next = at;
    for (std::size_t line = 0; line < kMaxPartHeaders; ++line) {
      at += line_end(text_, at);
      if (const std::size_t blank = line_end(text_, at); blank != 0) {
        const std::size_t begin = at + blank;
        const std::string_view end = text_[at] == '\\' ? text_.substr(at, 2) : std::string_view("\n");
        std::size_t to = std::min(text_.find(end, begin), text_.size());
        if (to > begin && text_[to - 1] == '\r') --to;
        return keep(kind, {begin, to, 0}, next);
      }
      at = up_to(at + kMaxHeaderBytes).find_first_of("\r\n\\", at);
      if (at == std::string_view::npos || line_end(text_, at) == 0) break;
    }
    return next;
  }

  /// `password%3Dhunter2%26`: a query inside a query. `%22password%22%3A%22hunter2%22`: JSON inside one.
  std::size_t encoded(std::size_t at) {
    const std::size_t next = at + 1;
    const std::string_view code = text_.substr(at, 3);
    if (!equal_ignore_case(code, "%3d") && !equal_ignore_case(code, "%3a")) return next;
    const bool quoted = at >= 3 && text_.substr(at - 3, 3) == "%22";
    const std::string_view key = quoted ? key_ending_at(text_, at - 3) : key_ahead_of(text_, at);
    const KeyKind kind = key.empty() ? KeyKind::plain : kind_(key);
    if (kind == KeyKind::plain) return next;
    std::size_t from = at + 3;
    if (quoted && text_.substr(from, 3) == "%20") from += 3;
    if (quoted && text_.substr(from, 3) == "%22") from += 3;
    if (const std::size_t end = filtered_end(text_, from); end != from) return end;
    return keep(kind, {from, encoded_word_end(text_, from), 0}, next);
  }

  /// `<password>hunter2</password>`. A tag is looked at once: at its first `>`.
  std::size_t element(std::size_t at) {
    const std::size_t next = at + 1;
    const std::size_t least = std::max(tags_from_, at > kMaxTagBytes ? at - kMaxTagBytes : 0);
    tags_from_ = next;
    if (least >= at || text_[at - 1] == '/') return next;
    std::size_t open = text_.substr(least, at - least).rfind('<');
    if (open == std::string_view::npos) return next;
    open += least;
    std::size_t end = open + 1;
    while (end < at && (is_key_char(text_[end]) || text_[end] == ':')) ++end;
    std::string_view key = text_.substr(open + 1, end - open - 1);
    if (const auto colon = key.rfind(':'); colon != std::string_view::npos) key.remove_prefix(colon + 1);
    if (key.empty()) return next;
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain) return next;
    constexpr std::string_view kData = "<![CDATA[";
    if (text_.substr(next).starts_with(kData)) {
      const std::size_t begin = next + kData.size();
      return keep(kind, {begin, std::min(text_.find("]]>", begin), text_.size()), 0}, next);
    }
    const std::size_t close = text_.find('<', next);
    if (close == std::string_view::npos || close == next) return next;
    return keep(kind, {next, close, 0}, next);
  }

  /// `('password', 'hunter2')`, `['app', '--password', 'hunter2']`.
  std::size_t listed(std::size_t at) {
    const std::size_t next = at + 1;
    if (at == 0 || !is_quote(text_[at - 1])) return next;
    const char quote = text_[at - 1];
    const std::size_t end = before_quote(text_, at);
    std::size_t begin = end;
    while (begin > 0 && is_key_char(text_[begin - 1])) --begin;
    if (begin == end || begin == 0 || text_[begin - 1] != quote) return next;
    std::string_view name = text_.substr(begin, end - begin);
    const bool flag = name.front() == '-';
    if (!flag && !begins_pair(before_quote(text_, begin))) return next;
    name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
    // Django's `('auth', '0001_initial')` is a migration.
    const KeyKind kind = name.empty() || equal_ignore_case(name, "auth") ? KeyKind::plain : kind_(name);
    const std::size_t from = skip_spaces(text_, next);
    if (kind == KeyKind::plain || !is_quoted(text_, from)) return next;
    Match value = value_at(up_to(from + kMaxPairBytes), from);
    if (flag && text_.substr(value.begin, 1) == "-") return next;
    if (value.end >= from + kMaxPairBytes) {
      value = value_at(text_, from);
    } else {
      const std::size_t after = after_quote(text_, value.end);
      if (!flag && after < text_.size() && text_[after] != ')' && text_[after] != ']') return next;
      // `("token", "refresh_token")` are two names.
      if (kind == KeyKind::soft && !flag &&
          text_of(value).find_first_of("0123456789") == std::string_view::npos)
        return next;
    }
    return keep(kind, value, next);
  }

  /// Whether the quote (or its prefix, as in `b'`) at `at` opens a pair: `('`, `[['`, `, ['`; but no call's
  /// first argument and no list of names.
  bool begins_pair(std::size_t at) const {
    if (at > 0 && std::string_view("bBuU").find(text_[at - 1]) != std::string_view::npos) --at;
    if (at == 0) return false;
    const char open = text_[--at];
    if (open == '(') return at == 0 || !is_key_char(text_[at - 1]);
    if (open != '[') return false;
    for (std::size_t n = 0; n < kMaxSpaces && at > 0 && is_blank(text_[at - 1]); ++n) --at;
    return at > 0 && (text_[at - 1] == '[' || text_[at - 1] == '(' || text_[at - 1] == ',');
  }

  /// `--password hunter2`.
  std::size_t flag(std::size_t at) {
    if (at + 2 >= text_.size() || text_[at + 1] != '-' || !is_alpha(text_[at + 2])) return at + 1;
    if (at > 0 && !is_blank(text_[at - 1]) && text_[at - 1] != '"' && text_[at - 1] != '\'') return at + 1;
    std::size_t end = at + 2;
    while (end < text_.size() && is_key_char(text_[end])) ++end;
    if (end >= text_.size() || !is_blank(text_[end])) return end;
    const std::string_view key = text_.substr(at + 2, end - at - 2);
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain) return end;
    const std::size_t from = skip_spaces(text_, end);
    if (from >= text_.size() || text_[from] == '-') return end;
    return keep(kind, value_at(text_, from), end);
  }

  const std::string_view text_;
  const KindOf& kind_;
  std::vector<Match>& out_;
  std::size_t tags_from_ = 0;  // behind the last `>`
};

}  // namespace

void find_pairs(std::string_view text, const KindOf& kind, std::vector<Match>& out) {
  PairFinder(text, kind, out).run();
}

std::string_view key_before(std::string_view text, std::size_t at) {
  const auto skip = [&](std::string_view marks) {
    while (at > 0 && marks.find(text[at - 1]) != std::string_view::npos) --at;
  };
  skip(" \"'\\");
  if (at == 0 || (text[at - 1] != '=' && text[at - 1] != ':')) return {};
  --at;
  skip(" \"'\\");
  return key_ending_at(text, at);
}

bool looks_like_credential(std::string_view s) {
  return s.find_first_of("0123456789") != std::string_view::npos || s.size() >= 16 ||
         s.find_first_of("._~+/=") != std::string_view::npos;
}

}  // namespace telltale::redact
