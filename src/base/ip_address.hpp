// IP addresses and address ranges as values. IPv4 is kept as IPv4-mapped IPv6, so that both spellings of an
// address meet the same rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct sockaddr;

namespace telltale {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // network order; ::ffff:a.b.c.d for IPv4
  auto operator<=>(const IpAddress&) const = default;

  bool is_v4() const;
  /// Dotted or RFC 5952 text.
  std::string text() const;
  /// Strict dotted IPv4 or IPv6, brackets allowed; no names, ports or zones.
  static std::optional<IpAddress> parse(std::string_view text);
  /// Nothing when the family is neither.
  static std::optional<IpAddress> from_sockaddr(const sockaddr* address);
};

/// True for addresses of the public Internet: not loopback, private, shared (100.64/10), link-local (metadata
/// services included), unique-local, multicast, documentation, reserved or unspecified; an IPv6 form that
/// embeds an IPv4 address (mapped, compatible, 6to4, NAT64) is as public as what it embeds.
bool is_public(const IpAddress& address);

/// `10.0.0.0/8`, `fd00::/8`, or a single address.
struct Cidr {
  IpAddress base;
  int prefix_bits = 128;  // of the 128-bit form
  bool contains(const IpAddress& address) const;
  static std::optional<Cidr> parse(std::string_view text);
};

bool any_contains(const std::vector<Cidr>& ranges, const IpAddress& address);

/// Every entry as a range; invalid_argument names `what` and the entry that is none.
Result<std::vector<Cidr>> parse_cidrs(const std::vector<std::string>& entries, std::string_view what);

}  // namespace telltale
