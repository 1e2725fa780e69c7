// Parts say "secret" wherever they stand in a key, words only as a whole segment of it. "author",
// "authority" and their like contain "auth" and are no secrets.
#include "redact/keys.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "redact/rules.hpp"

namespace telltale::redact {
namespace {

constexpr std::string_view kHardParts[] = {
    "password",        "passwd",         "passphrase", "passwort",
    "secret",          "api_key",        "api-key",    "apikey",
    "credential",      "mysql_pwd",      "privatekey", "private_key",
    "private-key",     "access_key",     "access-key", "accesskey",
    "account_key",     "accountkey",     "shared_key", "sharedkey",
    "signing_key",     "encryption_key", "csrf",       "xsrf",
    "sessionid",       "session_key",    "phpsessid",  "sentrysid",
    "otp_code",        "otp-code",       "otpcode",    "connection_string",
    "connectionstring"};
constexpr std::string_view kHardWords[] = {"pwd",
                                           "pass",
                                           "otp",
                                           "totp",
                                           "two_factor",
                                           "two-factor",
                                           "cvv",
                                           "cvv2",
                                           "cvc",
                                           "bearer",
                                           "__session",
                                           "user_session",
                                           "_vercel_jwt",
                                           "jwt",
                                           "set-cookie",
                                           "set_cookie",
                                           "cookie",
                                           "cookies",
                                           "pgpassfile",
                                           "passcode",
                                           "card_number",
                                           "cardnumber",
                                           "http_cookie",
                                           "session_cookie",
                                           "session-cookie",
                                           "sessioncookie"};
/// Words that end a name: `db_pwd`. A suffix "_pass" is soft: `render_pass=3` counts passes. So is "_cookie":
/// `accepts_cookies: true`.
constexpr std::string_view kHardEndings[] = {"_pwd", "-pwd", "_otp", "-otp", "_jwt", "-jwt", "_cvv", "_cvc"};
constexpr std::string_view kSoftEndings[] = {"_pass", "-pass", "_cookie", "-cookie", "_cookies", "-cookies"};
/// The same after a small letter or a digit: `dbPwd`, `smtpPass`, but not "bypass".
constexpr std::string_view kHardHumps[] = {"Pwd", "PWD", "Otp", "OTP", "Totp", "TOTP",
                                           "Jwt", "JWT", "Cvv", "CVV", "Cvc",  "CVC"};
constexpr std::string_view kSoftHumps[] = {"Pass", "PASS", "Cookie", "COOKIE", "Cookies", "COOKIES"};

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

template <class Texts>
bool ends_with_one_of(std::string_view key, const Texts& endings) {
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view e) { return key.ends_with(e); });
}

template <class Humps>
bool ends_with_hump(std::string_view key, const Humps& humps) {
  return std::any_of(std::begin(humps), std::end(humps), [&](std::string_view hump) {
    if (key.size() <= hump.size() || !key.ends_with(hump)) return false;
    const char before = key[key.size() - hump.size() - 1];
    return (before >= 'a' && before <= 'z') || (before >= '0' && before <= '9');
  });
}

/// Segments of a dotted or spaced name: `http.request.header.cookie`. `lower` is `key` in small letters.
bool has_hard_segment(std::string_view key, std::string_view lower) {
  while (true) {
    const std::size_t end = std::min(lower.find_first_of(". "), lower.size());
    const std::string_view segment = lower.substr(0, end);
    if (std::find(std::begin(kHardWords), std::end(kHardWords), segment) != std::end(kHardWords)) return true;
    if (ends_with_one_of(segment, kHardEndings) || ends_with_hump(key.substr(0, end), kHardHumps))
      return true;
    if (end == lower.size()) return false;
    key.remove_prefix(end + 1);
    lower.remove_prefix(end + 1);
  }
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
constexpr std::size_t kMaxKeyBytes = 1024;

bool is_num(char c) { return c >= '0' && c <= '9'; }
bool is_lower_hex(char c) { return is_num(c) || (c >= 'a' && c <= 'f'); }
bool is_hex(char c) { return is_lower_hex(c) || (c >= 'A' && c <= 'F'); }

bool is_numeric(std::string_view v) {
  return !v.empty() &&
         std::all_of(v.begin(), v.end(), [](char c) { return is_num(c) || c == '.' || c == '-'; });
}

bool is_uuid(std::string_view v) {
  if (v.size() != 36) return false;
  for (std::size_t i = 0; i < v.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? v[i] != '-' : !is_hex(v[i])) return false;
  }
  return true;
}

}  // namespace

bool is_filtered(std::string_view v) {
  if (v.size() >= 8 && v.find_first_not_of('*') == std::string_view::npos) return true;
  if (!v.starts_with('[') || !v.ends_with(']')) return false;
  for (std::size_t g = 0; g < kGroupCount; ++g) {
    const std::string_view holder = placeholder_of(static_cast<Group>(g));
    if (v == holder) return true;
    const std::string_view stem = holder.substr(0, holder.size() - 1);
    if (!v.starts_with(stem) || v[stem.size()] != '#') continue;
    const std::string_view hash = v.substr(stem.size() + 1, v.size() - stem.size() - 2);
    if (!hash.empty() && std::all_of(hash.begin(), hash.end(), is_lower_hex)) return true;
  }
  return false;
}

std::string_view bare_name(std::string_view name) {
  if (name.empty()) return name;
  if (name.back() == ':') name.remove_suffix(1);
  if (name.size() < 3 || (name.back() != '\'' && name.back() != '"')) return name;
  std::string_view inside = name;
  if (inside[0] == 'b' || inside[0] == 'B' || inside[0] == 'u' || inside[0] == 'U') inside.remove_prefix(1);
  if (inside.size() < 3 || inside.front() != inside.back()) return name;
  return inside.substr(1, inside.size() - 2);
}

KeyKind classify_key(std::string_view key, const std::vector<std::string>& sensitive_lower,
                     const std::vector<std::string>& safe_lower) {
  if (key.empty() || key.size() > kMaxKeyBytes) return KeyKind::plain;
  const std::string lower = to_lower(key);
  for (const auto& safe : safe_lower)
    if (lower == safe) return KeyKind::plain;
  for (const auto& part : sensitive_lower)
    if (has_part(lower, part)) return KeyKind::hard;
  for (const auto part : kHardParts)
    if (has_part(lower, part)) return KeyKind::hard;
  if (has_hard_segment(key, lower)) return KeyKind::hard;
  if (has_part(lower, "token") || has_auth(lower) || ends_with_one_of(lower, kSoftEndings) ||
      ends_with_hump(key, kSoftHumps))
    return KeyKind::soft;
  return KeyKind::plain;
}

bool is_harmless_value(KeyKind kind, std::string_view value) {
  if (value.empty() || value == "null" || value == "None" || is_filtered(value)) return true;
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

/// Of some countries both letters are hex digits.
static bool may_be_iban(std::string_view value) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return value.size() > 4 && upper(value[0]) && upper(value[1]) &&
         std::all_of(value.begin() + 2, value.end(), is_num);
}

bool has_id_shape(std::string_view value) {
  if (value.size() < 16) return false;
  if (is_uuid(value)) return true;
  if (may_be_iban(value)) return false;
  if (value.size() >= 16 && value.size() <= 64) {
    bool all_hex = true;
    bool all_digits = true;
    for (const char c : value) {
      all_hex &= is_hex(c);
      all_digits &= is_num(c);
    }
    if (all_hex && !all_digits) return true;
  }
  return value.size() == 26 && value[0] >= '0' && value[0] <= '7' &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return is_num(c) || (c >= 'A' && c <= 'Z' && c != 'I' && c != 'L' && c != 'O' && c != 'U');
         });
}

static std::string quote_literal(std::string_view literal) {
  std::string out;
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : literal) {
    out += "\\x";
    out += kHex[(static_cast<unsigned char>(c) >> 4) & 15];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::vector<std::string> key_expressions(const std::vector<std::string>& sensitive_lower) {
  // A part may be followed by the rest of its name (in JSON by anything up to the quote), a word only by the
  // next segment.
  static constexpr std::string_view kPartRest = R"([a-z0-9_.\-]*)";
  static constexpr std::string_view kPartRestInJson = R"([^"\x00]*)";
  static constexpr std::string_view kWordRest = R"((?:\.[a-z0-9_.\-]*)?)";
  static constexpr std::string_view kWordRestInJson = R"((?:[. ][^"\x00]*)?)";
  static constexpr std::string_view kAssigned = R"((?:["'\\\]\[]|%5[bd]|%22)*\s*(?:[=:]|%3[ad]))";
  std::vector<std::string> out;
  const auto add = [&](const std::string& start, const std::string& name, bool word) {
    const std::string rest(word ? kWordRest : kPartRest);
    out.push_back(start + name + rest + std::string(kAssigned));
    out.push_back(start + name + std::string(word ? kWordRestInJson : kPartRestInJson) + R"("\s*:)");
    out.push_back(start + name + rest + R"(["'\\]+\s*,)");
    out.push_back(R"(\-\-[a-z0-9_.\-]*)" + name + R"([a-z0-9_.\-]*\s)");
    out.push_back(R"(<[a-z0-9_:.\-]*)" + name + R"([^<>\x00]*>)");
  };
  for (const auto& part : sensitive_lower) add("", quote_literal(part), false);
  for (const auto part : kHardParts) add("", quote_literal(part), false);
  for (const auto word : kHardWords) add("(?:^|[^a-z_]|%5b)", quote_literal(word), true);
  for (const auto ending : kHardEndings) add("", quote_literal(ending), true);
  for (const auto ending : kSoftEndings) add("", quote_literal(ending), true);
  add("", "token", false);
  // "authorization", but not "author": what follows "auth" is part of the expression.
  add("", R"(auth(?:[a-np-z0-9_.\-]|o[a-qs-z0-9_.\-]|ori[sz]))", false);
  add("", "autho?", true);
  out.emplace_back(R"(autho?[^a-z"\x00][^"\x00]*"\s*:)");
  // A name that is itself a value: `"name": "DB_PASSWORD"`, `name="password"`.
  std::string any = "token|auth|pass|cookie";
  const auto may_be = [&](std::string_view name) { any += "|" + quote_literal(name); };
  for (const auto& part : sensitive_lower) may_be(part);
  for (const auto part : kHardParts) may_be(part);
  for (const auto word : kHardWords) may_be(word);
  out.push_back(R"((?:name|key)["'\\]*\s*[=:]\s*[bu]?["'\\]+[a-z0-9_.\-]*(?:)" + any + ")");
  return out;
}

std::vector<std::string> hump_expressions() {
  std::string humps = "[a-z0-9](?:";
  for (const auto hump : kHardHumps) humps += std::string(hump) + "|";
  for (const auto hump : kSoftHumps) humps += std::string(hump) + "|";
  humps.back() = ')';
  return {humps + R"((?:\.[A-Za-z0-9_.\-]*)?(?:["'\\\]\[]|%5[bdBD]|%22)*\s*(?:[=:]|%3[adAD]))",
          humps + R"((?:[. ][^"\x00]*)?"\s*:)",
          humps + R"((?:\.[A-Za-z0-9_.\-]*)?["'\\]+\s*,)",
          R"(\-\-[A-Za-z0-9_.\-]*)" + humps + R"([A-Za-z0-9_.\-]*\s)",
          R"(<[A-Za-z0-9_:.\-]*)" + humps + R"([^<>\x00]*>)",
          R"((?:[Nn]ame|NAME|[Kk]ey|KEY)["'\\]*\s*[=:]\s*[bu]?["'\\]+[A-Za-z0-9_.\-]*)" + humps};
}

}  // namespace telltale::redact
