// A query of the search language as a filter on spans. A trace is found when one of its spans satisfies the
// whole query.
#pragma once

#include "search/condition.hpp"
#include "storage/event_store.hpp"

namespace telltale::traces {

storage::EventFilter span_filter(const search::Conditions& tree);

}  // namespace telltale::traces
