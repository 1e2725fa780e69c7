// The service of a stream, as Loki finds it among the labels, and its words for levels.
#pragma once

#include <string>
#include <string_view>

#include "model/event_row.hpp"
#include "model/labels.hpp"

namespace telltale::wire::loki {

/// The value of service_name, else of the first label that usually names a service; empty when none does.
std::string discover_service_name(const Labels& labels);
/// Loki's word for a level: trace debug info warn error fatal unknown (our levels do not tell critical from
/// fatal).
std::string_view detected_level_name(Level level);

}  // namespace telltale::wire::loki
