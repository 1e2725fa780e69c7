// Identifiers that clients make: 128 bits (trace id, event id) and 64 bits (span id). Zero is "absent" in
// every protocol we speak.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace telltale {

struct Id128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  constexpr auto operator<=>(const Id128&) const = default;
  constexpr bool present() const { return (hi | lo) != 0; }
  /// 32 lower-case hex digits.
  std::string hex() const;
  /// 32 hex digits, either case, with or without UUID dashes; 16 digits are taken as the low half.
  static std::optional<Id128> parse(std::string_view text);
  /// 16 big-endian bytes, as OTLP sends them.
  static std::optional<Id128> from_bytes(std::string_view bytes);
};

struct Id64 {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Id64&) const = default;
  constexpr bool present() const { return value != 0; }
  std::string hex() const;
  static std::optional<Id64> parse(std::string_view text);
  static std::optional<Id64> from_bytes(std::string_view bytes);
};

}  // namespace telltale

template <>
struct std::hash<telltale::Id128> {
  std::size_t operator()(const telltale::Id128& id) const noexcept {
    return id.hi * 0x9E3779B97F4A7C15ULL ^ id.lo;
  }
};
