// Small text codecs every protocol needs: hex, base64, UTF-8 repair.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telltale {

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);
/// Standard or URL-safe alphabet, padding optional.
std::optional<std::string> from_base64(std::string_view text);

bool is_utf8(std::string_view bytes);
/// The same text with every invalid sequence replaced by U+FFFD, as the WHATWG encoding standard does.
std::string repair_utf8(std::string_view bytes);
/// Surrogates and numbers beyond U+10FFFF become U+FFFD.
void append_utf8(std::string& out, std::uint32_t code_point);
/// At most `max_bytes` of `text`, cut at a character's edge.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes);

/// ASCII only; other bytes are kept.
std::string to_lower(std::string_view text);
bool equal_ignore_case(std::string_view a, std::string_view b);

}  // namespace telltale
