// Substring rules on the lower-cased key. "author", "authority" and their like contain "auth" and are no
// secrets.
#include "redact/keys.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace telltale::redact {
namespace {

constexpr std::string_view kHardParts[] = {
    "password",   "passwd",    "passphrase", "secret",      "api_key",     "api-key",    "apikey",
    "credential", "mysql_pwd", "privatekey", "private_key", "private-key", "access_key", "access-key",
    "accesskey",  "csrf",      "xsrf",       "sessionid",   "phpsessid",   "sentrysid"};
constexpr std::string_view kHardWords[] = {"pwd",          "pass",        "otp", "two_factor", "two-factor",
                                           "cvv",          "cvv2",        "cvc", "bearer",     "__session",
                                           "user_session", "_vercel_jwt", "jwt", "set-cookie", "cookie",
                                           "cookies",      "set_cookie"};
constexpr std::string_view kSoftParts[] = {"token", "auth"};

bool has_part(std::string_view key, std::string_view part) {
  return key.find(part) != std::string_view::npos;
}

bool has_auth(std::string_view key) {
  for (std::size_t at = key.find("auth"); at != std::string_view::npos; at = key.find("auth", at + 1)) {
    const std::string_view tail = key.substr(at);
    if (!tail.starts_with("author") || tail.starts_with("authoriz") || tail.starts_with("authoris"))
      return true;
  }
  return false;
}

// Without their separators: spanId, span_id and span.id are one name.
constexpr std::array<std::string_view, 7> kSpanIdNames = {"spanid",
                                                          "parentspanid",
                                                          "otelspanid",
                                                          "ddspanid",
                                                          "sentryspanid",
                                                          "sentryparentspanid",
                                                          "sentrytraceparentspanid"};
constexpr std::array<std::string_view, 7> kLongIdNames = {
    "traceid", "oteltraceid", "ddtraceid", "sentrytraceid", "eventid", "replayid", "profileid"};
constexpr std::size_t kMaxIdKeyBytes = 64;

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_numeric(std::string_view v) {
  return !v.empty() && std::all_of(v.begin(), v.end(),
                                   [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

}  // namespace

KeyKind classify_key(std::string_view key, const std::vector<std::string>& sensitive_lower,
                     const std::vector<std::string>& safe_lower) {
  if (key.empty() || key.size() > 1024) return KeyKind::plain;
  const std::string lower = to_lower(key);
  for (const auto& safe : safe_lower)
    if (lower == safe) return KeyKind::plain;
  for (const auto& part : sensitive_lower)
    if (has_part(lower, part)) return KeyKind::hard;
  for (const auto part : kHardParts)
    if (has_part(lower, part)) return KeyKind::hard;
  // The last dotted or spaced segment counts as the word: `http.request.header.cookie`.
  const std::string_view last = std::string_view(lower).substr(lower.find_last_of(". ") + 1);
  for (const auto word : kHardWords)
    if (last == word || lower == word) return KeyKind::hard;
  if (has_part(lower, "token") || has_auth(lower)) return KeyKind::soft;
  return KeyKind::plain;
}

bool is_harmless_value(KeyKind kind, std::string_view value) {
  if (value.empty() || value == "[Filtered]" || value == "null" || value == "None") return true;
  if (kind != KeyKind::soft) return false;
  const std::string lower = value.size() < 8 ? to_lower(value) : std::string();
  return is_numeric(value) || lower == "true" || lower == "false";
}

bool is_id_field(std::string_view key, std::string_view value) {
  if ((value.size() != 16 && value.size() != 32) || key.size() > kMaxIdKeyBytes) return false;
  if (!std::all_of(value.begin(), value.end(), is_lower_hex)) return false;
  std::string name;
  for (const char c : to_lower(key)) {
    if (c != '_' && c != '.' && c != '-') name += c;
  }
  const auto& names = value.size() == 16 ? kSpanIdNames : kLongIdNames;
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::vector<std::string>& key_hints() {
  static const std::vector<std::string> hints = [] {
    std::vector<std::string> out;
    for (const auto p : kHardParts) out.emplace_back(p);
    for (const auto p : kHardWords) out.emplace_back(p);
    for (const auto p : kSoftParts) out.emplace_back(p);
    return out;
  }();
  return hints;
}

}  // namespace telltale::redact
