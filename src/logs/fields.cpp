#include "logs/fields.hpp"

#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"
#include "logs/attr_index.hpp"
#include "logs/roles.hpp"
#include "wire/json/document.ipp"

namespace telltale::logs {
namespace {

constexpr int kMaxJsonDepth = 8;  // deeper objects stay JSON text

// Adds the values of nested objects under their path.
class JsonFields {
 public:
  explicit JsonFields(AttrIndex& out) : out_(out) {}

  void object(simdjson::dom::object object, int depth) {
    const std::size_t length = path_.size();
    for (const auto field : object) {
      if (out_.full()) return;
      if (length != 0) path_ += '.';
      path_ += field.key;
      value(field.value, depth);
      path_.resize(length);
    }
  }

 private:
  void value(simdjson::dom::element v, int depth) {
    using Type = simdjson::dom::element_type;
    switch (v.type()) {
      case Type::OBJECT:
        if (depth < kMaxJsonDepth) return object(simdjson::dom::object(v), depth + 1);
        [[fallthrough]];
      case Type::ARRAY:
        out_.add(path_, std::string(simdjson::minify(v)));
        return;
      case Type::STRING:
        out_.add(path_, std::string(std::string_view(v)));
        return;
      case Type::INT64:
        out_.add(path_, std::int64_t(v));
        return;
      case Type::UINT64:
        out_.add(path_, fmt::format("{}", std::uint64_t(v)));
        return;
      case Type::DOUBLE:
        out_.add(path_, double(v));
        return;
      case Type::BOOL:
        out_.add(path_, bool(v));
        return;
      case Type::NULL_VALUE:
        return;
    }
  }

  AttrIndex& out_;
  std::string path_;
};

bool parse_json(std::string_view line, AttrIndex& out) {
  // A parser keeps its buffers from line to line; one a thread.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) {
    // Python writes NaN, others bad UTF-8: seldom, so it may cost more.
    const auto repaired = wire::json::normalise(line);
    if (!repaired || parser.parse(*repaired).get(object) != simdjson::SUCCESS) return false;
    JsonFields(out).object(object, 0);
    return true;
  }
  JsonFields(out).object(object, 0);
  return true;
}

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/' || c == '@';
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }

// `a\"b` of a quoted value.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
  }
  return out;
}

AttrValue typed(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char first = text.empty() ? '\0' : text[0];
  const bool number = (first >= '0' && first <= '9') || (first == '-' && text.size() > 1);
  // 007 and +1 are names, not numbers; so is what does not fit.
  if (!number || text.size() > 19 || (first == '0' && text.size() > 1 && text[1] != '.'))
    return std::string(text);
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, problem] = std::from_chars(text.data(), end, whole);
      problem == std::errc() && at == end)
    return whole;
  double real = 0;
  const auto [at, problem] = std::from_chars(text.data(), end, real, std::chars_format::fixed);
  if (problem == std::errc() && at == end && fmt::format("{}", real) == text) return real;
  return std::string(text);
}

struct Pair {
  std::string_view key;
  std::string_view value;
  bool quoted = false;
};

// Walks over a line's blank-separated tokens; quotes keep a value together.
class Tokens {
 public:
  explicit Tokens(std::string_view line) : line_(line) {}

  /// False at the end. `pair.key` is empty for a token that is no pair.
  bool next(Pair& pair) {
    pair = {};
    while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
    if (at_ == line_.size()) return false;
    std::size_t start = at_;
    while (at_ < line_.size() && !is_key_char(line_[at_]) && !is_blank(line_[at_]) && line_[at_] != '"')
      ++at_;
    wrapped_ = at_ != start;
    start = at_;
    while (at_ < line_.size() && is_key_char(line_[at_])) ++at_;
    if (at_ == start || at_ == line_.size() || line_[at_] != '=') {
      skip_token();
      return true;
    }
    pair.key = line_.substr(start, at_ - start);
    ++at_;
    if (at_ < line_.size() && line_[at_] == '"') return quoted(pair);
    start = at_;
    while (at_ < line_.size() && !is_blank(line_[at_])) ++at_;
    pair.value = line_.substr(start, at_ - start);
    return true;
  }
  /// The last token had something in front of its key, such as a bracket.
  bool wrapped() const { return wrapped_; }

 private:
  bool quoted(Pair& pair) {
    const std::size_t start = ++at_;
    while (at_ < line_.size() && line_[at_] != '"') at_ += line_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_, line_.size());
    pair.value = line_.substr(start, at_ - start);
    pair.quoted = true;
    if (at_ < line_.size()) ++at_;
    return true;
  }
  void skip_token() {
    while (at_ < line_.size() && !is_blank(line_[at_])) ++at_;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool wrapped_ = false;
};

// logfmt begins with a pair, has at least two, and few bare words between them.
bool is_logfmt(std::string_view line) {
  Tokens tokens(line);
  Pair pair;
  std::size_t pairs = 0;
  std::size_t bare = 0;
  while (tokens.next(pair)) {
    if (pair.key.empty()) {
      if (pairs == 0 || ++bare > 8) return false;
    } else {
      if (pairs == 0 && tokens.wrapped()) return false;
      ++pairs;
    }
  }
  return pairs >= 2 && bare * 2 <= pairs;
}

void add_pairs(std::string_view line, AttrIndex& out, bool all) {
  Tokens tokens(line);
  Pair pair;
  while (!out.full() && tokens.next(pair)) {
    if (pair.key.empty()) continue;
    if (!all) {
      // In plain text only what we know: a URL's query is full of pairs.
      const Role role = role_of(pair.key).role;
      if (role == Role::none || role == Role::message || role == Role::time) continue;
      while (!pair.quoted && !pair.value.empty() &&
             std::string_view(".,;)]}").find(pair.value.back()) != std::string_view::npos)
        pair.value.remove_suffix(1);
      if (pair.value.empty()) continue;
    }
    if (pair.quoted) {
      out.add(pair.key, unescape(pair.value));
    } else {
      out.add(pair.key, typed(pair.value));
    }
  }
}

// 127.0.0.1 - frank [08/Jan/2026:09:30:00 +0000] "GET /a?b=c HTTP/1.1" 200 123 "referer" "agent"
// as Apache, nginx, gunicorn and werkzeug write it; all behind the status may be missing.
class AccessLine {
 public:
  explicit AccessLine(std::string_view line) : rest_(line) {}

  bool read() {
    address = word();
    ident_ = word();
    user = word();
    if (address.empty() || user.empty() || !rest_.starts_with('[')) return false;
    const std::size_t close = rest_.find(']');
    if (close == std::string_view::npos || close > 64) return false;
    time = rest_.substr(1, close - 1);
    rest_.remove_prefix(close + 1);
    if (rest_.starts_with(' ')) rest_.remove_prefix(1);
    const auto request = quoted();
    if (!request) return false;
    const std::size_t one = request->find(' ');
    const std::size_t two = request->rfind(' ');
    if (one == std::string_view::npos) return false;
    method = request->substr(0, one);
    target = two > one ? request->substr(one + 1, two - one - 1) : request->substr(one + 1);
    protocol = two > one ? request->substr(two + 1) : std::string_view();
    status = word();
    if (status.size() != 3 || status.find_first_not_of("0123456789") != std::string_view::npos) return false;
    size = word();
    referer = quoted().value_or("");
    agent = quoted().value_or("");
    return true;
  }

  std::string_view address, user, time, method, target, protocol, status, size, referer, agent;

 private:
  std::string_view word() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const auto out = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return out;
  }
  std::optional<std::string_view> quoted() {
    if (!rest_.starts_with('"')) return std::nullopt;
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return std::nullopt;
    const auto out = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (rest_.starts_with(' ')) rest_.remove_prefix(1);
    return out;
  }
  std::string_view rest_;
  std::string_view ident_;
};

// Cheap enough to be asked of every line: an access line has `[` and `"` where others rarely have them.
bool may_be_access(std::string_view line) {
  const auto front = line.substr(0, 160);
  const std::size_t bracket = front.find(" [");
  return bracket != std::string_view::npos && line.find("] \"", bracket) != std::string_view::npos;
}

bool parse_access(std::string_view line, AttrIndex& out) {
  AccessLine access(line);
  if (!access.read()) return false;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && value != "-") out.add(name, std::string(value));
  };
  text("client.address", access.address);
  text("user", access.user);
  text("http.request.method", access.method);
  const std::size_t query = access.target.find('?');
  text("url.path", access.target.substr(0, query));
  if (query != std::string_view::npos) text("url.query", access.target.substr(query + 1));
  text("network.protocol.version",
       access.protocol.substr(std::min<std::size_t>(access.protocol.find('/') + 1, access.protocol.size())));
  out.add("http.response.status_code", typed(access.status));
  if (access.size != "-" && !access.size.empty()) out.add("http.response.body.size", typed(access.size));
  text("http.request.header.referer", access.referer);
  text("user_agent.original", unescape(access.agent));
  return true;
}

}  // namespace

std::string_view form_name(LineForm form) {
  static constexpr std::string_view kNames[] = {"text", "json", "logfmt", "access"};
  return kNames[static_cast<std::size_t>(form)];
}

LineForm parse_fields(EventRow& row) {
  std::string_view line = row.message;
  while (!line.empty() && (is_blank(line.front()) || line.front() == '\n')) line.remove_prefix(1);
  if (line.empty()) return LineForm::text;
  AttrIndex out(row);
  if (line.front() == '{') return parse_json(line, out) ? LineForm::json : LineForm::text;
  if (may_be_access(line) && parse_access(line, out)) return LineForm::access;
  // Fields stand in the first line; what follows is a stack or a dump.
  line = line.substr(0, line.find('\n'));
  if (line.find('=') == std::string_view::npos) return LineForm::text;
  if (is_logfmt(line)) {
    add_pairs(line, out, true);
    return LineForm::logfmt;
  }
  add_pairs(line, out, false);
  return LineForm::text;
}

std::optional<UnixNanos> time_in_text(std::string_view line, const TimeZone& zone, UnixNanos now) {
  CivilTime civil;
  const std::string_view front = line.substr(0, 256);
  std::size_t start = 0;
  while (start < front.size() && (is_blank(front[start]) || front[start] == '[' || front[start] == '<'))
    ++start;
  if (read_civil_time(front.substr(start), civil) != 0) return moment_of(civil, zone, now);
  if (may_be_access(line)) {
    const std::size_t bracket = front.find(" [");
    if (read_civil_time(front.substr(bracket + 2), civil) != 0) return moment_of(civil, zone, now);
  }
  return std::nullopt;
}

}  // namespace telltale::logs
