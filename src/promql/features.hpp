// What Prometheus keeps behind feature flags, under the flags' own names. A query that uses what is off is
// refused with the flag's name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "promql/ast.hpp"

namespace telltale::promql {

enum class Feature : unsigned char {
  experimental_functions,    // promql-experimental-functions
  extended_range_selectors,  // promql-extended-range-selectors: anchored, smoothed
  binop_fill_modifiers,      // promql-binop-fill-modifiers: fill, fill_left, fill_right
  delayed_name_removal,      // promql-delayed-name-removal
  type_and_unit_labels,      // type-and-unit-labels: counters are told by __type__
  start_timestamps,          // use-start-timestamps: rates take samples' start times into account
};

/// A set of features; empty is what Prometheus 3.14 does without flags.
class Features {
 public:
  bool has(Feature f) const { return (bits_ & bit(f)) != 0; }
  Features& add(Feature f) {
    bits_ |= bit(f);
    return *this;
  }
  static Features all();
  /// invalid_argument names what is no feature, and those that there are.
  static Result<Features> parse(const std::vector<std::string>& names);

 private:
  static unsigned bit(Feature f) { return 1U << static_cast<unsigned>(f); }
  unsigned bits_ = 0;
};

/// The flag's name.
std::string_view to_string(Feature f);

/// invalid_argument with the place of what a feature that is off would allow. `text` is what the expression
/// was read from.
Result<> check_features(std::string_view text, const Expr& e, Features features);

}  // namespace telltale::promql
