// The part of Go's text templates that rule annotations use: `{{ $value }}`, `{{ $labels.x }}`, `.Value`,
// `.Labels.x`, `if`/`else`/`end`, and pipelines through the humanize family, printf, title, toUpper, toLower,
// stripPort. Anything else is an error that names it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace telltale::alerting {

Result<std::string> expand_template(std::string_view text, const Labels& labels, double value);

}  // namespace telltale::alerting
