// One condition of a search as people write it: FIELD OP VALUE without spaces around OP, where OP is the
// first of
// != !~ >= <= = ~ > < in the text.
//   =  !=    the field's text; an empty VALUE means that the field is absent or empty
//   ~  !~    RE2 somewhere in the text
//   > >= < <=  numbers; of `level` the severity (level>=warning); `duration_ms` is a span's duration
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "storage/event_store.hpp"

namespace telltale::search {

/// invalid_argument, beginning with "where: ".
Result<storage::EventFilter> parse_where(std::string_view text);

}  // namespace telltale::search
