// What Loki derives from an entry on its way in, and its Grafana apps rely on: the label service_name and the
// structured metadata detected_level.
#pragma once

#include <string>
#include <string_view>

#include "model/event_row.hpp"
#include "model/labels.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire::loki {

/// The value of the first label that names a service, "unknown_service" when none does. A stream that already
/// has service_name keeps it.
std::string discover_service_name(const Labels& labels);

/// Level of an entry: from its metadata or labels by any of the usual names, else from the line (a JSON field
/// to depth 2, a logfmt field, a word). unknown when there is no sign of one.
Level detect_level(const Labels& labels, const TextPairs& metadata, std::string_view line);
/// Loki's word for it: trace debug info warn error fatal unknown (our levels do not tell critical from
/// fatal).
std::string_view detected_level_name(Level level);

}  // namespace telltale::wire::loki
