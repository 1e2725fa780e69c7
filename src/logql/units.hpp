// Durations, byte sizes and numbers as Go's libraries read and write them; LogQL's values mean what they mean
// there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "logql/ast.hpp"

namespace telltale::logql {

/// Go's time.ParseDuration: `1h30m`, `-1.5s`, `300ms`, `5µs`; `0` needs no unit.
std::optional<Nanos> parse_go_duration(std::string_view text);
/// Go's form, else Prometheus' (days, weeks, years).
std::optional<Nanos> parse_any_duration(std::string_view text);
/// As Go's Duration.String: `1h30m0s`, `1.5s`, `300ms`, `0s`.
std::string format_go_duration(Nanos d);

/// `42MB` (powers of 1,000), `1.5KiB` (of 1,024), `20`, `5 GB`, `1,024`; case and space do not matter.
std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// Go's strconv.ParseFloat: decimal, hexadecimal, inf, nan; nothing around it.
std::optional<double> parse_go_float(std::string_view text);
/// The number of an unwrapped label: as it stands, or of a duration (in seconds) or a byte size.
std::optional<double> unwrapped_number(std::string_view text, Conversion conversion);
/// Go's `%v` of a float64: shortest form that reads back, with an exponent from 1e+06 and below 1e-4.
std::string format_go_float(double value);
/// The same, with an exponent from 1e+21 only.
std::string format_plain_float(double value);

/// `[^a-zA-Z0-9_:]` becomes `_`; a leading digit gets a `_` before it.
std::string sanitise_label(std::string_view name);
/// The same, appended to a prefix that is not empty and already sane: a leading digit stays.
void append_sanitised(std::string& out, std::string_view name);
bool is_label_name(std::string_view name);

}  // namespace telltale::logql
