// What OTLP's metrics and attributes are called as series and labels, by the compatibility specification
// (opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/) and Prometheus' four
// strategies.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire/otlp/metrics.hpp"

namespace telltale::wire::otlp {

/// Whether names keep what Prometheus used not to allow in them, and whether a unit and `_total` are
/// appended.
struct TranslationStrategy {
  bool escape = true;
  bool suffixes = true;
};
/// UnderscoreEscapingWithSuffixes, NoUTF8EscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes,
/// NoTranslation.
std::optional<TranslationStrategy> translation_strategy_from(std::string_view name);

/// Empty when nothing of the name is left.
std::string series_name(const Metric& metric, TranslationStrategy strategy);
std::string attribute_label(std::string_view attribute, TranslationStrategy strategy);

}  // namespace telltale::wire::otlp
