// MD5 (RFC 1321), only because `hashmod` must send a target to the same shard as every other scraper does.
// Never for secrets or integrity.
#pragma once

#include <cstdint>
#include <string_view>

namespace telltale::metrics {

/// The last eight bytes of the digest, read as a big-endian number.
std::uint64_t md5_tail(std::string_view bytes);

}  // namespace telltale::metrics
