// Compression in memory, bounded on the way out: a small body must never become a large allocation, so every
// decompressor stops with too_large once `max_bytes` are passed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace telltale {

enum class Codec : unsigned char { identity, gzip, deflate, brotli, zstd, snappy };

/// An HTTP Content-Encoding token (`gzip`, `x-gzip`, `deflate`, `br`, `zstd`, `snappy`, `identity`, empty).
Result<Codec> codec_from_token(std::string_view token);

/// deflate reads zlib-wrapped and raw streams, since clients send both; snappy is the block format. Trailing
/// bytes after the stream, and truncated streams, are invalid_argument; several gzip members are one stream.
Result<std::string> decompress(Codec codec, std::string_view bytes, std::size_t max_bytes);

/// One zstd frame whose decompressed size is known to be `size`; invalid_argument when it is not that.
Result<std::string> decompress_sized(std::string_view zstd_bytes, std::size_t size);

/// Levels are each codec's fast default; zstd takes `level`. snappy writes the block format.
std::string compress(Codec codec, std::string_view bytes, int level = 3);

}  // namespace telltale
