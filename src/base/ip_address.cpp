#include "base/ip_address.hpp"

#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace telltale {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

IpAddress from_v4(const std::uint8_t* v4) {
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  std::memcpy(address.bytes.data() + 12, v4, 4);
  return address;
}

/// IANA special-purpose registries (RFC 6890 and its updates): what is not globally reachable. IPv4 first.
const std::vector<Cidr>& special_ranges() {
  static const std::vector<Cidr> ranges = [] {
    std::vector<Cidr> list;
    for (const char* text :
         {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
          "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
          "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
          "100::/64",      "2001::/23",       "2001:db8::/32",  "3fff::/20",      "fc00::/7",
          "fe80::/10",     "fec0::/10",       "ff00::/8",       "64:ff9b:1::/48", "5f00::/16"}) {
      list.push_back(*Cidr::parse(text));
    }
    return list;
  }();
  return ranges;
}

/// The IPv4 address that an IPv6 address stands for: ::a.b.c.d, 64:ff9b::a.b.c.d, 2002:abcd::.
std::optional<IpAddress> embedded_v4(const IpAddress& address) {
  const auto& b = address.bytes;
  constexpr std::array<std::uint8_t, 12> kCompatible{};
  constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xFF, 0x9B};
  if (std::equal(kCompatible.begin(), kCompatible.end(), b.begin()) ||
      std::equal(kNat64.begin(), kNat64.end(), b.begin())) {
    return from_v4(b.data() + 12);
  }
  if (b[0] == 0x20 && b[1] == 0x02) return from_v4(b.data() + 2);
  return std::nullopt;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  std::uint8_t v4[4];
  if (inet_pton(AF_INET, copy.c_str(), v4) == 1) return from_v4(v4);
  IpAddress address;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &v4.sin_addr, 4);
    return from_v4(bytes);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    IpAddress result;
    std::memcpy(result.bytes.data(), &v6.sin6_addr, 16);
    return result;
  }
  return std::nullopt;
}

bool is_public(const IpAddress& address) {
  if (const auto v4 = embedded_v4(address)) return is_public(*v4);
  return !any_contains(special_ranges(), address);
}

bool Cidr::contains(const IpAddress& address) const {
  const int whole = prefix_bits / 8;
  const int rest = prefix_bits % 8;
  if (std::memcmp(base.bytes.data(), address.bytes.data(), static_cast<std::size_t>(whole)) != 0)
    return false;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
  return ((base.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  if (slash == std::string_view::npos) return Cidr{*base, 128};
  const std::string_view digits = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  const int width = text.find(':') == std::string_view::npos ? 32 : 128;
  if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > width)
    return std::nullopt;
  return Cidr{*base, bits + 128 - width};
}

bool any_contains(const std::vector<Cidr>& ranges, const IpAddress& address) {
  for (const Cidr& range : ranges) {
    if (range.contains(address)) return true;
  }
  return false;
}

Result<std::vector<Cidr>> parse_cidrs(const std::vector<std::string>& entries, std::string_view what) {
  std::vector<Cidr> ranges;
  for (const std::string& entry : entries) {
    const auto range = Cidr::parse(entry);
    if (!range) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: \"{}\" is neither an IP address nor a CIDR", what, entry));
    }
    ranges.push_back(*range);
  }
  return ranges;
}

}  // namespace telltale
