// Times by Go's layouts (https://pkg.go.dev/time#pkg-constants): the reference time Mon Jan 2 15:04:05 MST
// 2006 written as one wants to see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "logql/template_value.hpp"

namespace telltale::logql {

std::string format_go_time(const TemplateTime& t, std::string_view layout);
/// The offset of `zone` counts where the text has none. nullopt: the text is not of that layout.
std::optional<TemplateTime> parse_go_time(std::string_view layout, std::string_view text,
                                          std::string_view zone);
/// As Go prints a time: `2006-01-02 15:04:05.999999999 -0700 MST`.
std::string print_go_time(const TemplateTime& t);

/// Offset and abbreviation of a zone of the system's database at a time (as local wall clock when `wall`);
/// nullopt for a zone that is not there. UTC and Local are UTC.
struct ZoneOffset {
  std::int32_t seconds = 0;
  std::string name;
};
std::optional<ZoneOffset> zone_offset_at(std::string_view zone, std::int64_t unix_seconds, bool wall);

}  // namespace telltale::logql
