// A query pinned to one time: every selector gets `@ time`, so that it must give the same whenever it is
// asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telltale::promql {

/// The text with `@` at each selector and subquery that has none; empty where the answer depends on the time
/// of asking all the same (functions of time) or the text cannot be parsed.
std::optional<std::string> pinned_text(std::string_view expr, std::int64_t time_ms);

}  // namespace telltale::promql
