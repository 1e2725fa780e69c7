// Binary forms of texts that are really numbers: hexadecimal ids, UUIDs, IPv4 addresses, and the row's own
// time in the usual notations. A column takes a form only where every value comes back byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telltale::eventdb {

/// The numbers are stored: never renumber.
enum class TextForm : std::uint8_t { text = 0, hex = 1, uuid = 2, ipv4 = 3 };

struct FormSpec {
  TextForm form = TextForm::text;
  std::uint8_t width = 0;  // bytes of the binary form; 0 for text
  bool operator==(const FormSpec&) const = default;
};

/// The form of one text; `text` when it has none.
FormSpec form_of(std::string_view text);
/// False when the text is not of this form. Writes spec.width bytes.
bool to_binary(FormSpec spec, std::string_view text, char* out);
/// Replaces `out`.
void to_text(FormSpec spec, const char* binary, std::string& out);

/// Notations of the row's time, by number (stored: never renumber, append only). nullopt beyond the last.
inline constexpr std::uint8_t kTimeStyles = 28;
/// Replaces `out` by the time in style `style` < kTimeStyles.
void render_time(std::uint8_t style, std::int64_t unix_ns, std::string& out);
/// The first style that gives this text.
std::optional<std::uint8_t> time_style_of(std::int64_t unix_ns, std::string_view text);

}  // namespace telltale::eventdb
