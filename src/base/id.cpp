#include "base/id.hpp"

namespace telltale {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void put_hex(std::string& out, std::uint64_t v) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(kHexDigits[(v >> shift) & 0xF]);
}

std::uint64_t big_endian(std::string_view b) {
  std::uint64_t v = 0;
  for (const char c : b) v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

}  // namespace

std::string Id128::hex() const {
  std::string out;
  out.reserve(32);
  put_hex(out, hi);
  put_hex(out, lo);
  return out;
}

std::optional<Id128> Id128::parse(std::string_view text) {
  std::uint64_t parts[2] = {0, 0};
  int digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int v = hex_value(c);
    if (v < 0 || digits == 32) return std::nullopt;
    std::uint64_t& part = parts[digits / 16];
    part = part << 4 | static_cast<std::uint64_t>(v);
    ++digits;
  }
  if (digits == 32) return Id128{parts[0], parts[1]};
  if (digits == 16) return Id128{0, parts[0]};
  return std::nullopt;
}

std::optional<Id128> Id128::from_bytes(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return Id128{big_endian(bytes.substr(0, 8)), big_endian(bytes.substr(8))};
}

std::string Id64::hex() const {
  std::string out;
  out.reserve(16);
  put_hex(out, value);
  return out;
}

std::optional<Id64> Id64::parse(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t v = 0;
  for (const char c : text) {
    const int d = hex_value(c);
    if (d < 0) return std::nullopt;
    v = v << 4 | static_cast<std::uint64_t>(d);
  }
  return Id64{v};
}

std::optional<Id64> Id64::from_bytes(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return Id64{big_endian(bytes)};
}

}  // namespace telltale
