// How long events are kept, out of the settings: selectors of retention rules become filters of the store.
#pragma once

#include "config/config.hpp"
#include "eventdb/eventdb.hpp"

namespace telltale::server {

/// invalid_argument names file and line of a rule whose selector is wrong, or that is there twice.
Result<eventdb::EventRetention> event_retention(const config::RetentionConfig& from);

}  // namespace telltale::server
