// Requests that are signed (AWS's Signature Version 4) do not carry their secret: the server must know it.
// Secrets are not stored, so those of `ingest` tokens, which can send data and read nothing, are derived from
// a key in a file of its own beside the records, and derived again when a signature is checked. Whoever has
// records and key can send data; whoever has one of them, nothing. Other roles' secrets are random and stay
// unknown.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/file_system.hpp"

namespace telltale::accounts {

/// Reads `dir`/signing.key, 32 random bytes; makes it, durably, where there is none. corruption when it is of
/// another size.
Result<std::string> open_signing_key(io::FileSystem& fs, const std::string& dir);

/// The secret of the `ingest` token of this name and time of creation.
std::string derived_secret(std::string_view key, std::string_view name, UnixNanos created);

}  // namespace telltale::accounts
