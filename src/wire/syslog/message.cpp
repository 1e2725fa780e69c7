// Grammar: RFC 5424 section 6, RFC 3164 section 4. Where a sender leaves something out, the shape of what is
// there decides: a time is recognised by its digits, a tag by its colon or bracket, and only behind a time
// there is a host.
#include "wire/syslog/message.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::wire::syslog {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxTagBytes = 96;
constexpr std::size_t kMaxHostBytes = 255;

bool is_number(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0'))
    text.remove_suffix(1);
  return text;
}

// `<0>` … `<191>`
bool take_priority(std::string_view& in, Message& out) {
  if (in.size() < 3 || in[0] != '<') return false;
  int value = 0;
  std::size_t i = 1;
  for (; i < in.size() && i < 5 && is_number(in[i]); ++i) value = value * 10 + (in[i] - '0');
  if (i == 1 || i >= in.size() || in[i] != '>' || value > 191) return false;
  in.remove_prefix(i + 1);
  out.has_priority = true;
  out.facility = static_cast<std::uint8_t>(value / 8);
  out.severity = static_cast<std::uint8_t>(value % 8);
  return true;
}

std::string_view take_word(std::string_view& in) {
  const std::size_t end = std::min(in.find(' '), in.size());
  const auto out = in.substr(0, end);
  in.remove_prefix(std::min(end + 1, in.size()));
  return out;
}

std::string text_unless_nil(std::string_view word) { return word == "-" ? std::string() : repair_utf8(word); }

// [id name="value" …][…]; `\"`, `\\` and `\]` stand for themselves. False when it breaks off: then it is
// text.
bool take_structured_data(std::string_view& in, TextPairs& out) {
  if (in.starts_with("-") && (in.size() == 1 || in[1] == ' ')) {
    in.remove_prefix(1);
    return true;
  }
  std::string_view rest = in;
  TextPairs pairs;
  while (rest.starts_with('[')) {
    rest.remove_prefix(1);
    const std::size_t id_end = rest.find_first_of(" ]");
    if (id_end == std::string_view::npos || id_end == 0) return false;
    const std::string id = repair_utf8(rest.substr(0, id_end));
    rest.remove_prefix(id_end);
    bool any = false;
    while (rest.starts_with(' ')) {
      while (rest.starts_with(' ')) rest.remove_prefix(1);
      if (rest.starts_with(']')) break;
      const std::size_t equals = rest.find("=\"");
      if (equals == std::string_view::npos || equals > limits::kMaxAttributeNameBytes) return false;
      std::string name = id + "." + repair_utf8(rest.substr(0, equals));
      rest.remove_prefix(equals + 2);
      std::string value;
      std::size_t i = 0;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size() &&
            std::string_view("\"\\]").find(rest[i + 1]) != std::string_view::npos)
          ++i;
        value += rest[i];
      }
      if (i == rest.size()) return false;
      rest.remove_prefix(i + 1);
      if (pairs.size() < limits::kMaxAttributes) pairs.emplace_back(std::move(name), repair_utf8(value));
      any = true;
    }
    if (!rest.starts_with(']')) return false;
    rest.remove_prefix(1);
    if (!any && pairs.size() < limits::kMaxAttributes) pairs.emplace_back(id, "");
  }
  if (!rest.empty() && rest.front() != ' ') return false;
  in = rest;
  out = std::move(pairs);
  return true;
}

bool parse_5424(std::string_view in, const TimeZone& zone, UnixNanos now, Message& out) {
  if (!in.starts_with("1 ")) return false;
  in.remove_prefix(2);
  const auto stamp = take_word(in);
  if (stamp != "-") {
    CivilTime civil;
    if (read_civil_time(stamp, civil) != stamp.size()) return false;
    out.time = moment_of(civil, zone, now);
  }
  out.host = text_unless_nil(take_word(in));
  out.app = text_unless_nil(take_word(in));
  out.process_id = text_unless_nil(take_word(in));
  out.message_id = text_unless_nil(take_word(in));
  if (in.starts_with('[') || in.starts_with('-')) (void)take_structured_data(in, out.structured_data);
  if (in.starts_with(' ')) in.remove_prefix(1);
  if (in.starts_with(kByteOrderMark)) in.remove_prefix(kByteOrderMark.size());
  out.format = Format::rfc5424;
  out.text = repair_utf8(in);
  return true;
}

bool looks_like_ipv6(std::string_view word) {
  return std::count(word.begin(), word.end(), ':') >= 2 &&
         word.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos;
}

struct Tag {
  std::string_view app;
  std::string_view process_id;
  std::size_t length = 0;  // of all of it, colon included
};

// `app:`, `app[123]:`, `app[123]`, `app/sub[1]:`; length 0 when it is none.
Tag read_tag(std::string_view in) {
  const std::size_t end = in.substr(0, kMaxTagBytes).find_first_of(" :[");
  if (end == std::string_view::npos || end == 0) return {};
  Tag tag{in.substr(0, end), {}, end};
  if (in[end] == '[') {
    const std::size_t close = in.substr(0, kMaxTagBytes).find(']', end);
    if (close == std::string_view::npos) return {};
    tag.process_id = in.substr(end + 1, close - end - 1);
    if (tag.process_id.find(' ') != std::string_view::npos) return {};
    tag.length = close + 1;
    if (tag.length < in.size() && in[tag.length] == ':') ++tag.length;
    return tag;
  }
  // A colon belongs to a tag only before a blank or the end: `http://…` is no tag.
  if (in[end] != ':' || (end + 1 < in.size() && in[end + 1] != ' ')) return {};
  ++tag.length;
  return tag;
}

void skip_blanks(std::string_view& in) {
  while (in.starts_with(' ') || in.starts_with('\t')) in.remove_prefix(1);
}

// A time, perhaps behind `*` or `.` (a clock that is not set, Cisco) and before a colon.
bool take_time(std::string_view& in, const TimeZone& zone, UnixNanos now, Message& out) {
  std::string_view rest = in;
  if (rest.starts_with('*') || rest.starts_with('.')) rest.remove_prefix(1);
  CivilTime civil;
  std::size_t used = read_civil_time(rest, civil);
  if (used == 0 && rest.size() > 5 && is_number(rest[0]) && rest[4] == ' ') {  // 2026 Jan  8 09:30:00
    const int year = (rest[0] - '0') * 1000 + (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
    used = read_civil_time(rest.substr(5), civil);
    if (used != 0 && year >= 1970 && year < 2262) {
      civil.year = year;
      used += 5;
    } else {
      used = 0;
    }
  }
  if (used == 0) return false;
  const auto at = moment_of(civil, zone, now);
  if (!at) return false;
  out.time = at;
  rest.remove_prefix(used);
  if (rest.starts_with(':')) rest.remove_prefix(1);
  skip_blanks(rest);
  in = rest;
  return true;
}

// Cisco numbers its messages: `123: `, and may name itself before the time: `123: router1: `.
void skip_sequence(std::string_view& in, const TimeZone& zone, UnixNanos now, Message& out) {
  std::string_view rest = in;
  std::size_t digits = 0;
  while (digits < rest.size() && digits < 10 && is_number(rest[digits])) ++digits;
  if (digits == 0 || !rest.substr(digits).starts_with(": ")) {
    if (!rest.starts_with(": ")) return;
    digits = 0;
  }
  rest.remove_prefix(digits + 2);
  skip_blanks(rest);
  if (take_time(rest, zone, now, out)) {
    in = rest;
    return;
  }
  const Tag name = read_tag(rest);
  if (name.length == 0 || !name.process_id.empty()) return;
  std::string_view behind = rest.substr(name.length);
  skip_blanks(behind);
  if (!take_time(behind, zone, now, out)) return;
  out.host = repair_utf8(name.app);
  in = behind;
}

void take_host(std::string_view& in, Message& out) {
  if (!out.host.empty() || in.empty()) return;
  std::string_view rest = in;
  const auto word = take_word(rest);
  const bool address = looks_like_ipv6(word);
  // Local senders leave the host out: a tag follows the time at once.
  if (word.empty() || word.size() > kMaxHostBytes ||
      (!address && (read_tag(in).length != 0 || word.front() == '%')))
    return;
  if (word.find_first_of("[]{}()\"'=,;") != std::string_view::npos) return;
  if (rest.empty()) return;  // one word is a message
  out.host = repair_utf8(word);
  in = rest;
  skip_blanks(in);
}

void parse_3164(std::string_view in, const TimeZone& zone, UnixNanos now, Message& out) {
  skip_blanks(in);
  if (take_time(in, zone, now, out)) {
    out.format = Format::rfc3164;
    take_host(in, out);
    if (in.starts_with(": ")) in.remove_prefix(2);  // Cisco ASA: `host : %ASA-…`
  } else {
    skip_sequence(in, zone, now, out);
    if (out.time) out.format = Format::rfc3164;
  }
  if (const Tag tag = read_tag(in); tag.length != 0) {
    out.app = repair_utf8(tag.app);
    out.process_id = repair_utf8(tag.process_id);
    in.remove_prefix(tag.length);
    if (in.starts_with(' ')) in.remove_prefix(1);
  }
  if (in.starts_with(kByteOrderMark)) in.remove_prefix(kByteOrderMark.size());
  out.text = repair_utf8(in);
}

}  // namespace

Message parse_message(std::string_view bytes, const TimeZone& zone, UnixNanos now) {
  Message out;
  std::string_view in = trimmed_end(bytes);
  const bool priority = take_priority(in, out);
  if (!priority || !parse_5424(in, zone, now, out)) {
    out.time.reset();
    parse_3164(in, zone, now, out);
  }
  // The cookie that says "JSON follows" (project Lumberjack).
  if (std::string_view text = out.text; text.starts_with("@cee:")) {
    text.remove_prefix(5);
    skip_blanks(text);
    out.text = std::string(text);
  }
  return out;
}

std::string_view severity_name(std::uint8_t severity) {
  static constexpr std::string_view kNames[] = {"emerg",   "alert",  "crit", "err",
                                                "warning", "notice", "info", "debug"};
  return severity < std::size(kNames) ? kNames[severity] : "notice";
}

std::string_view facility_name(std::uint8_t facility) {
  static constexpr std::string_view kNames[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                                "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                                "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                                "local2", "local3", "local4", "local5", "local6",   "local7"};
  return facility < std::size(kNames) ? kNames[facility] : "user";
}

Level severity_level(std::uint8_t severity) {
  static constexpr Level kLevels[] = {Level::fatal,   Level::fatal, Level::fatal, Level::error,
                                      Level::warning, Level::info,  Level::info,  Level::debug};
  return severity < std::size(kLevels) ? kLevels[severity] : Level::unknown;
}

}  // namespace telltale::wire::syslog
