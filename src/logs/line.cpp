#include "logs/line.hpp"

#include "base/text.hpp"
#include "logs/roles.hpp"

namespace telltale::logs {
namespace {

// Our levels do not tell critical from fatal; the word that was sent does.
bool said_critical(const EventRow& row) {
  for (const Attr& a : row.attributes) {
    const auto* text = std::get_if<std::string>(&a.value);
    if (text == nullptr || text->size() > 8 || text->size() < 4 || (text->front() | 0x20) != 'c') continue;
    if ((equal_ignore_case(*text, "critical") || equal_ignore_case(*text, "crit")) &&
        role_of(a.name).role == Role::level)
      return true;
  }
  return false;
}

// Loki looks for a level one object deep, whatever that is called.
Level level_one_deep(const EventRow& row) {
  for (const Attr& a : row.attributes) {
    const std::size_t dot = a.name.find('.');
    if (a.kind != AttrKind::parsed || dot == std::string::npos) continue;
    const std::string_view inner = std::string_view(a.name).substr(dot + 1);
    if (inner.find('.') != std::string_view::npos || role_of(inner).role != Role::level) continue;
    if (const Level level = level_of(inner, a.value); level != Level::unknown) return level;
  }
  return Level::unknown;
}

std::string_view detected_level(const EventRow& row) {
  switch (row.ids.level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warn";
    case Level::error:
      return "error";
    case Level::fatal:
      return said_critical(row) ? "critical" : "fatal";
    case Level::unknown:
      break;
  }
  return "unknown";
}

}  // namespace

LineForm normalise_line(EventRow& row, const LineOptions& options) {
  const LineForm form = options.parse ? parse_fields(row) : LineForm::text;
  fill_columns(row);
  if (row.ids.level == Level::unknown && form == LineForm::json) row.ids.level = level_one_deep(row);
  // A word in JSON may be a key or a text about another thing; in an access line it is part of a path.
  if (row.ids.level == Level::unknown && (form == LineForm::text || form == LineForm::logfmt))
    row.ids.level = level_in_text(row.message);
  if (row.time.ns == 0) {
    auto at = time_in_fields(row, options.zone, options.now);
    if (!at && form != LineForm::json) at = time_in_text(row.message, options.zone, options.now);
    if (at) row.time = *at;
  }
  return form;
}

void name_stream(EventRow& row) {
  bool service = false;
  bool level = false;
  for (const Attr& a : row.attributes) {
    service = service || (a.kind != AttrKind::parsed && has_spelling(a.name, "service_name"));
    level = level || (a.kind != AttrKind::parsed && has_spelling(a.name, "detected_level"));
  }
  if (!service) {
    row.set("service_name", row.ids.service.empty() ? std::string("unknown_service") : row.ids.service,
            AttrKind::label);
  }
  if (!level) row.set("detected_level", std::string(detected_level(row)), AttrKind::metadata);
}

}  // namespace telltale::logs
