#include "promql/features.hpp"

#include <algorithm>
#include <array>

#include "promql/functions.hpp"
#include "promql/lexer.hpp"

namespace telltale::promql {
namespace {

constexpr std::array kFeatureNames = {
    std::pair{Feature::experimental_functions, std::string_view("promql-experimental-functions")},
    std::pair{Feature::extended_range_selectors, std::string_view("promql-extended-range-selectors")},
    std::pair{Feature::binop_fill_modifiers, std::string_view("promql-binop-fill-modifiers")},
    std::pair{Feature::delayed_name_removal, std::string_view("promql-delayed-name-removal")},
    std::pair{Feature::type_and_unit_labels, std::string_view("type-and-unit-labels")},
    std::pair{Feature::start_timestamps, std::string_view("use-start-timestamps")}};

/// What the node itself needs, and how to call it.
std::optional<std::pair<Feature, std::string>> needed(const Expr& e) {
  if (e.kind == ExprKind::call && is_experimental_function(e.text))
    return std::pair{Feature::experimental_functions, "function \"" + e.text + "\""};
  if (e.kind == ExprKind::aggregate && (e.text == "limitk" || e.text == "limit_ratio"))
    return std::pair{Feature::experimental_functions, "aggregation \"" + e.text + "\""};
  if (e.extension != Extension::none) {
    return std::pair{Feature::extended_range_selectors,
                     std::string(e.extension == Extension::smoothed ? "smoothed" : "anchored") + " modifier"};
  }
  if (e.matching.fill_left || e.matching.fill_right)
    return std::pair{Feature::binop_fill_modifiers, std::string("fill modifier")};
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Feature f) {
  const auto it =
      std::find_if(kFeatureNames.begin(), kFeatureNames.end(), [f](const auto& n) { return n.first == f; });
  return it == kFeatureNames.end() ? std::string_view() : it->second;
}

Features Features::all() {
  Features out;
  for (const auto& [feature, name] : kFeatureNames) out.add(feature);
  return out;
}

Result<Features> Features::parse(const std::vector<std::string>& names) {
  Features out;
  for (const std::string& name : names) {
    const auto it = std::find_if(kFeatureNames.begin(), kFeatureNames.end(),
                                 [&](const auto& n) { return n.second == name; });
    if (it == kFeatureNames.end()) {
      std::string known;
      for (const auto& [feature, text] : kFeatureNames)
        known += (known.empty() ? "" : ", ") + std::string(text);
      return fail(ErrorKind::invalid_argument, "there is no feature \"" + name + "\"; there are " + known);
    }
    out.add(it->first);
  }
  return out;
}

Result<> check_features(std::string_view text, const Expr& e, Features features) {
  if (const auto need = needed(e); need && !features.has(need->first)) {
    return tl::unexpected(parse_error(text, e.begin,
                                      need->second +
                                          " is experimental and off; promql.features turns it on with \"" +
                                          std::string(to_string(need->first)) + "\""));
  }
  if (e.param) TT_TRY(check_features(text, *e.param, features));
  for (const ExprPtr& arg : e.args) TT_TRY(check_features(text, *arg, features));
  return {};
}

}  // namespace telltale::promql
