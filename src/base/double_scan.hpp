// Questions about a column of floats that are mostly answered with no, many values at once.
#pragma once

#include <span>

namespace telltale {

bool any_nan(std::span<const double> values);
/// Whether one is less than the one before it; NaN is not.
bool any_falls(std::span<const double> values);

}  // namespace telltale
