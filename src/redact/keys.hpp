// Which names say "secret". A hard key loses any value; a soft one ("token", "auth") keeps numbers and
// booleans, which are counts and flags (`max_tokens`, `auth: true`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::redact {

enum class KeyKind : unsigned char { plain, soft, hard };

KeyKind classify_key(std::string_view key, const std::vector<std::string>& sensitive_lower,
                     const std::vector<std::string>& safe_lower);
/// Numbers, booleans, null and emptiness: what a soft key may keep. Already filtered text too, so that a
/// second pass changes nothing.
bool is_harmless_value(KeyKind kind, std::string_view value);

/// What an earlier pass put in place of a secret, whichever the method, and nothing else.
bool is_filtered(std::string_view value);
/// A name as another program's print of it: `b'cookie'`, `u'password'`, `'password'`, `Cookie:`.
std::string_view bare_name(std::string_view name);

/// A field that holds a trace, span or event id by its name and whose value has an id's shape (16 or 32
/// lower-case hex digits). One span id in 45,000 or so looks like a payment card; hidden, it would join
/// nothing.
bool is_id_field(std::string_view key, std::string_view value);

/// Shapes that only ids have: UUID, 16 to 64 hex digits with a letter among them (but no `DE` and digits),
/// ULID. What else may stand
/// in an id column (an e-mail address, a card number) has none.
bool has_id_shape(std::string_view value);

/// Hyperscan expressions, any case: wherever find_pairs() or walk_json() would meet a key that
/// classify_key() calls soft or hard with `sensitive_lower`, one of them matches.
std::vector<std::string> key_expressions(const std::vector<std::string>& sensitive_lower);
/// The same for names like `dbPwd`, where capitals tell: not for any case.
std::vector<std::string> hump_expressions();

}  // namespace telltale::redact
