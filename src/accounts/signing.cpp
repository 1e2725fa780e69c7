#include "accounts/signing.hpp"

#include "accounts/authenticator.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

namespace {
constexpr std::size_t kSigningKeyBytes = 32;
constexpr std::size_t kDerivedBytes = 24;
}  // namespace

Result<std::string> open_signing_key(io::FileSystem& fs, const std::string& dir) {
  const std::string path = io::join_path(dir, "signing.key");
  TT_ASSIGN(const bool there, fs.exists(path));
  if (!there) {
    std::string key = secure_random(kSigningKeyBytes);
    TT_TRY(io::publish_file(fs, path, key));
    return key;
  }
  TT_ASSIGN(std::string key, io::read_file(fs, path));
  if (key.size() != kSigningKeyBytes) return fail(ErrorKind::corruption, path + ": wants 32 bytes");
  return key;
}

std::string derived_secret(std::string_view key, std::string_view name, UnixNanos created) {
  const std::string mac =
      hmac_sha256(key, "ingest token/" + std::to_string(created.ns) + "/" + std::string(name));
  return "tt_" + to_hex(std::string_view(mac).substr(0, kDerivedBytes));
}

}  // namespace telltale::accounts
