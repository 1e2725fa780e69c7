// One pass over the attributes: a name is folded (lower case, no separators) and found in a table hashed at
// start; for each role the best-ranked attribute is remembered, and only those are looked at again.
#include "logs/roles.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/text.hpp"

namespace telltale::logs {
namespace {

constexpr std::size_t kMaxFolded = 32;

struct RoleName {
  std::string_view folded;
  Role role;
  std::uint8_t rank;
};

constexpr RoleName kRoleNames[] = {
    {"traceid", Role::trace, 0},
    {"oteltraceid", Role::trace, 1},
    {"ddtraceid", Role::trace, 2},
    {"logginggoogleapiscom/trace", Role::trace, 3},
    {"@tr", Role::trace, 4},
    {"spanid", Role::span, 0},
    {"otelspanid", Role::span, 1},
    {"ddspanid", Role::span, 2},
    {"logginggoogleapiscom/spanid", Role::span, 3},
    {"@sp", Role::span, 4},
    {"traceparent", Role::traceparent, 0},
    {"requestid", Role::request, 0},
    {"xrequestid", Role::request, 1},
    {"httprequestid", Role::request, 2},
    {"httprequestheaderxrequestid", Role::request, 3},
    {"reqid", Role::request, 4},
    {"correlationid", Role::request, 5},
    {"xcorrelationid", Role::request, 6},
    {"userid", Role::user, 0},
    {"enduserid", Role::user, 1},
    {"usrid", Role::user, 2},
    {"user", Role::user, 3},
    {"servicename", Role::service, 0},
    {"service", Role::service, 1},
    {"resourceservicename", Role::service, 2},
    {"otelservicename", Role::service, 3},
    {"ddservice", Role::service, 4},
    {"app", Role::service, 5},
    {"application", Role::service, 6},
    {"deploymentenvironmentname", Role::environment, 0},
    {"deploymentenvironment", Role::environment, 1},
    {"environment", Role::environment, 2},
    {"env", Role::environment, 3},
    {"serviceenvironment", Role::environment, 4},
    {"sentryenvironment", Role::environment, 5},
    {"ddenv", Role::environment, 6},
    {"serviceversion", Role::release, 0},
    {"release", Role::release, 1},
    {"version", Role::release, 2},
    {"sentryrelease", Role::release, 3},
    {"ddversion", Role::release, 4},
    {"hostname", Role::host, 0},
    {"host", Role::host, 1},
    {"hosthostname", Role::host, 2},
    {"serviceinstanceid", Role::host, 3},
    {"transaction", Role::transaction, 0},
    {"httproute", Role::transaction, 1},
    {"transactionname", Role::transaction, 2},
    {"sentrytransaction", Role::transaction, 3},
    {"endpoint", Role::transaction, 4},
    {"level", Role::level, 0},
    {"loglevel", Role::level, 1},
    {"severity", Role::level, 2},
    {"severitytext", Role::level, 3},
    {"levelname", Role::level, 4},
    {"lvl", Role::level, 5},
    {"@l", Role::level, 6},
    {"detectedlevel", Role::level, 7},
    {"levelno", Role::level, 8},
    {"priority", Role::level, 9},  // journald's; others mean another thing by it, see level_of()
    {"@timestamp", Role::time, 0},
    {"timestamp", Role::time, 1},
    {"time", Role::time, 2},
    {"ts", Role::time, 3},
    {"asctime", Role::time, 4},
    {"datetime", Role::time, 5},
    {"timetimestamp", Role::time, 6},
    {"timemillis", Role::time, 7},
    {"instantepochsecond", Role::time, 8},
    {"@t", Role::time, 9},
    {"message", Role::message, 0},
    {"msg", Role::message, 1},
    {"event", Role::message, 2},
    {"body", Role::message, 3},
    {"log", Role::message, 4},
    {"shortmessage", Role::message, 5},
    {"text", Role::message, 6},
    {"@m", Role::message, 7},
    {"@mt", Role::message, 8},
};

// Objects that only hold what belongs to the line: log4j's context map, loguru's record, and so on.
constexpr std::string_view kContainers[] = {"contextmap", "mdc",    "context", "extra",    "fields",
                                            "attributes", "record", "ctx",     "metadata", "properties",
                                            "labels",     "data",   "scope",   "state"};

// Writes the folded name; 0 when it is empty or longer than any name we know.
std::size_t fold(std::string_view name, char (&out)[kMaxFolded]) {
  std::size_t n = 0;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == '.') continue;
    if (n == kMaxFolded) return 0;
    out[n++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return n;
}

std::uint32_t folded_hash(const char* text, std::size_t n) {
  std::uint32_t h = 2166136261U;
  for (std::size_t i = 0; i < n; ++i) h = (h ^ static_cast<unsigned char>(text[i])) * 16777619U;
  return h ^ (h >> 15);
}

class RoleTable {
 public:
  RoleTable() {
    for (const RoleName& name : kRoleNames) {
      std::uint32_t slot = folded_hash(name.folded.data(), name.folded.size()) % kSlots;
      while (slots_[slot] != nullptr) slot = (slot + 1) % kSlots;
      slots_[slot] = &name;
    }
  }
  RoleRank find(const char* folded, std::size_t n) const {
    for (std::uint32_t slot = folded_hash(folded, n) % kSlots; slots_[slot] != nullptr;
         slot = (slot + 1) % kSlots) {
      const RoleName& name = *slots_[slot];
      if (name.folded.size() == n && std::memcmp(name.folded.data(), folded, n) == 0)
        return {name.role, name.rank};
    }
    return {};
  }

 private:
  static constexpr std::uint32_t kSlots = 512;
  static_assert(std::size(kRoleNames) * 4 < kSlots, "most look-ups find nothing and should end at once");
  std::array<const RoleName*, kSlots> slots_{};
};

RoleRank find_folded(std::string_view name) {
  static const RoleTable table;
  char folded[kMaxFolded];
  const std::size_t n = fold(name, folded);
  return n == 0 ? RoleRank{} : table.find(folded, n);
}

bool is_container(std::string_view segment) {
  char folded[kMaxFolded];
  const std::string_view name(folded, fold(segment, folded));
  return std::find(std::begin(kContainers), std::end(kContainers), name) != std::end(kContainers);
}

Level level_of_number(std::string_view field, std::int64_t n) {
  static constexpr Level kSyslog[] = {Level::fatal,   Level::fatal, Level::fatal, Level::error,
                                      Level::warning, Level::info,  Level::info,  Level::debug};
  if (n >= 0 && n <= 7) return kSyslog[n];
  if (n < 10 || n > 60) return Level::unknown;
  if (field.ends_with("levelno")) {  // Python: 10 DEBUG … 50 CRITICAL
    return n < 20   ? Level::debug
           : n < 30 ? Level::info
           : n < 40 ? Level::warning
           : n < 50 ? Level::error
                    : Level::fatal;
  }
  // pino, bunyan: 10 trace … 60 fatal
  return static_cast<Level>(std::min<std::int64_t>(n / 10, 6));
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

std::string text_of_value(const AttrValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : to_string(value);
}

std::string_view after_last(std::string_view text, char c) {
  const std::size_t at = text.rfind(c);
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

// Datadog writes its 64-bit ids as decimal numbers; Google's trace is a path that ends with the id.
void fill_trace(EventIds& ids, const Attr& a) {
  const std::string text = text_of_value(a.value);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits && text.size() <= 20 && (text.size() != 16 || a.name.find("dd") != std::string::npos)) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc()) ids.trace_id = {0, number};
    return;
  }
  ids.trace_id = Id128::parse(after_last(text, '/')).value_or(Id128{});
}

void fill_span(EventIds& ids, const Attr& a) {
  const std::string text = text_of_value(a.value);
  if (a.name.find("dd") != std::string::npos && text.find_first_not_of("0123456789") == std::string::npos) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc()) ids.span_id = {number};
    return;
  }
  ids.span_id = Id64::parse(text).value_or(Id64{});
}

// 00-<32 hex>-<16 hex>-01
void fill_traceparent(EventIds& ids, const Attr& a) {
  const auto* text = std::get_if<std::string>(&a.value);
  if (text == nullptr || text->size() < 55 || (*text)[2] != '-' || (*text)[35] != '-') return;
  const std::string_view view = *text;
  if (!ids.trace_id.present()) ids.trace_id = Id128::parse(view.substr(3, 32)).value_or(Id128{});
  if (!ids.span_id.present()) ids.span_id = Id64::parse(view.substr(36, 16)).value_or(Id64{});
}

/// role_of() of the name that stands at `place` of its row: rows of one source have the same names at the
/// same places, so that mostly one comparison answers. Remembered by thread.
RoleRank role_at(std::size_t place, std::string_view name) {
  constexpr std::size_t kPlaces = 64;
  constexpr std::size_t kLongest = 64;
  struct Remembered {
    std::string name;
    RoleRank found;
  };
  thread_local std::array<Remembered, kPlaces> memory;
  if (place >= kPlaces || name.size() > kLongest) return role_of(name);
  Remembered& there = memory[place];
  if (there.name != name) {
    there.name = name;
    there.found = role_of(name);
  }
  return there.found;
}

// For each role its best attribute. Labels and metadata are believed before parsed fields.
class BestFields {
 public:
  explicit BestFields(const EventRow& row) {
    for (std::size_t i = 0; i < row.attributes.size(); ++i) {
      const Attr& a = row.attributes[i];
      const RoleRank found = role_at(i, a.name);
      if (found.role == Role::none) continue;
      const auto* text = std::get_if<std::string>(&a.value);
      if (text != nullptr && text->empty()) continue;
      // An object or list that bears a role's name (`user: {…}` cut off by depth) is not its value.
      const int rank = found.rank + (a.kind == AttrKind::parsed ? 100 : 0);
      Slot& slot = slots_[static_cast<std::size_t>(found.role)];
      if (slot.attr == nullptr || rank < slot.rank) slot = {&a, rank};
    }
  }
  const Attr* operator[](Role role) const { return slots_[static_cast<std::size_t>(role)].attr; }

 private:
  struct Slot {
    const Attr* attr = nullptr;
    int rank = 0;
  };
  std::array<Slot, kRoles> slots_{};
};

void fill_level(EventRow& row, const BestFields& best) {
  if (row.ids.level != Level::unknown) return;
  const Attr* a = best[Role::level];
  if (a == nullptr) return;
  row.ids.level = level_of(a->name, a->value);
  if (row.ids.level != Level::unknown) return;
  // The best-ranked said nothing we know: any other will do.
  for (const Attr& other : row.attributes) {
    if (role_of(other.name).role != Role::level) continue;
    row.ids.level = level_of(other.name, other.value);
    if (row.ids.level != Level::unknown) return;
  }
}

}  // namespace

RoleRank role_of(std::string_view field) {
  for (int stripped = 0;; ++stripped) {
    if (const RoleRank found = find_folded(field); found.role != Role::none) {
      return {found.role, static_cast<std::uint8_t>(found.rank + stripped * 20)};
    }
    const std::size_t dot = field.find('.');
    if (stripped == 2 || dot == std::string_view::npos || !is_container(field.substr(0, dot))) return {};
    field.remove_prefix(dot + 1);
  }
}

Level level_of(std::string_view field, const AttrValue& value) {
  if (equal_ignore_case(field, "priority") && field != "PRIORITY") return Level::unknown;
  if (const auto* text = std::get_if<std::string>(&value)) {
    const Level level = level_from(*text);
    if (level != Level::unknown || text->empty() || text->size() > 2) return level;
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    return problem == std::errc() && end == text->data() + text->size() ? level_of_number(field, number)
                                                                        : Level::unknown;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) return level_of_number(field, *number);
  return Level::unknown;
}

Level level_in_text(std::string_view line) {
  constexpr std::size_t kScanBytes = 256;  // a level stands near the front
  struct Word {
    std::string_view text;
    Level level;
  };
  static constexpr Word kWords[] = {
      {"info", Level::info},    {"warn", Level::warning},    {"error", Level::error},
      {"debug", Level::debug},  {"trace", Level::trace},     {"fatal", Level::fatal},
      {"panic", Level::fatal},  {"err", Level::error},       {"notice", Level::info},
      {"severe", Level::error}, {"warning", Level::warning}, {"critical", Level::fatal}};
  const std::size_t size = std::min(line.size(), kScanBytes);
  for (std::size_t i = 0; i < size;) {
    if (!is_word(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < line.size() && is_word(line[end]) && end - i < 16) ++end;
    const std::size_t length = end - i;
    if (length >= 3 && length <= 8) {
      for (const Word& word : kWords) {
        if (word.text.size() == length && (word.text[0] | 0x20) == (line[i] | 0x20) &&
            equal_ignore_case(line.substr(i, length), word.text))
          return word.level;
      }
    }
    while (end < line.size() && is_word(line[end])) ++end;
    i = end;
  }
  return Level::unknown;
}

void fill_columns(EventRow& row) {
  if (row.attributes.empty()) return;
  const BestFields best(row);
  EventIds& ids = row.ids;
  if (const Attr* a = best[Role::trace]; a != nullptr && !ids.trace_id.present()) fill_trace(ids, *a);
  if (const Attr* a = best[Role::span]; a != nullptr && !ids.span_id.present()) fill_span(ids, *a);
  if (const Attr* a = best[Role::traceparent]) fill_traceparent(ids, *a);
  const auto fill = [&](std::string& column, Role role) {
    if (!column.empty()) return;
    if (const Attr* a = best[role]) column = text_of_value(a->value);
  };
  fill(ids.request_id, Role::request);
  fill(ids.user_id, Role::user);
  fill(ids.service, Role::service);
  fill(ids.environment, Role::environment);
  fill(ids.release, Role::release);
  fill(ids.host, Role::host);
  fill(ids.transaction, Role::transaction);
  fill_level(row, best);
}

std::optional<UnixNanos> time_in_fields(const EventRow& row, const TimeZone& zone, UnixNanos now) {
  const Attr* a = BestFields(row)[Role::time];
  if (a == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&a->value)) return parse_any_time(*text, zone, now);
  if (const auto* number = std::get_if<double>(&a->value)) return moment_of_number(*number);
  const auto* whole = std::get_if<std::int64_t>(&a->value);
  if (whole == nullptr) return std::nullopt;
  auto at = moment_of_number(*whole);
  if (at && a->name.ends_with("epochSecond")) {  // log4j: the rest of the second stands beside it
    const AttrValue* nanos = row.find("instant.nanoOfSecond");
    const auto* n = nanos == nullptr ? nullptr : std::get_if<std::int64_t>(nanos);
    if (n != nullptr && *n >= 0 && *n < 1'000'000'000) at->ns += *n;
  }
  return at;
}

const Attr* message_field(const EventRow& row) { return BestFields(row)[Role::message]; }

}  // namespace telltale::logs
