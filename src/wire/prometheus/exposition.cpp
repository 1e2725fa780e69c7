// Bounds print as Go's shortest %g, with ".0" where that leaves a whole number.
#include "wire/prometheus/exposition.hpp"

#include <charconv>
#include <cmath>

#include "wire/prometheus/text_line.hpp"

namespace telltale::wire::prometheus {
namespace {

// Go switches to the exponent below 1e-4 and from 1e21 on; shortest %g switches at 1e6 already.
constexpr int kLeastFixedExponent = -4;
constexpr int kLeastScientificExponent = 6;

int exponent_of(std::string_view scientific) {
  const std::size_t e = scientific.find('e');
  if (e == std::string_view::npos) return 0;
  std::string_view digits = scientific.substr(e + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  return exponent;
}

}  // namespace

std::string_view to_string(MetricType type) {
  constexpr std::string_view kNames[] = {"unknown",        "counter", "gauge", "histogram",
                                         "gaugehistogram", "summary", "info",  "stateset"};
  return kNames[static_cast<int>(type)];
}

std::string bound_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[512];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const int exponent = exponent_of({buffer, static_cast<std::size_t>(end - buffer)});
  if (value != 0 && (exponent < kLeastFixedExponent || exponent >= kLeastScientificExponent))
    return {buffer, end};
  end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string out(buffer, end);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string normalised_bound(std::string_view text) {
  const auto value = parse_number(text);
  return value ? bound_text(*value) : std::string(text);
}

}  // namespace telltale::wire::prometheus
