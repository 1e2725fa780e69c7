// The hashes the house uses: XXH3 for tables and identities (never for secrets), CRC32C for stored bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.hpp"

namespace telltale {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
Id128 hash128(std::string_view bytes);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continuing from `crc` (0 to start).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

/// SHA-256 as 32 raw bytes; for tokens at rest and signatures.
std::string sha256(std::string_view bytes);
/// HMAC-SHA-256 as 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// Compares in time that depends only on the lengths.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace telltale
