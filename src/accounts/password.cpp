#include "accounts/password.hpp"

#include <algorithm>
#include <array>

#include <argon2.h>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

namespace {

constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kMemoryKiB = 19 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

// Long enough and still among the first that anybody tries.
constexpr std::string_view kCommon[] = {
    "123456789012",     "1234567890123",  "12345678910",     "password1234",  "password12345",
    "passwordpassword", "qwertyuiop123",  "qwertyuiop12",    "qwertyqwerty",  "1q2w3e4r5t6y",
    "1qaz2wsx3edc",     "administrator",  "administrator1",  "adminadmin123", "changeme1234",
    "changemechangeme", "letmeinletmein", "welcome12345",    "iloveyou1234",  "abcdefghijkl",
    "abcd1234abcd",     "telltale1234",   "telltaletelltale"};

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

tl::unexpected<Error> weak(const char* why) {
  return fail(ErrorKind::invalid_argument, std::string("password: ") + why);
}

std::string argon2_phc(std::string_view password) {
  const std::string salt = secure_random(kSaltBytes);
  std::array<char, 256> phc{};
  const int code = argon2id_hash_encoded(kPasses, kMemoryKiB, kLanes, password.data(), password.size(),
                                         salt.data(), salt.size(), kHashBytes, phc.data(), phc.size());
  TT_CHECK(code == ARGON2_OK || code == ARGON2_MEMORY_ALLOCATION_ERROR);
  return code == ARGON2_OK ? std::string(phc.data()) : std::string();
}

tl::unexpected<Error> too_busy() {
  return fail(ErrorKind::resource_exhausted, "too many people are signing in; try again shortly");
}

}  // namespace

Result<> check_password(std::string_view password, std::string_view email, std::string_view name) {
  if (!is_utf8(password)) return weak("not UTF-8 text");
  if (characters(password) < limits::kMinPasswordCharacters) return weak("wants at least 12 characters");
  if (password.size() > limits::kMaxPasswordBytes) return weak("wants at most 1024 bytes");
  const std::string lower = to_lower(password);
  if (lower.find_first_not_of(lower.front()) == std::string::npos)
    return weak("is one character over and over");
  if (!email.empty() && lower == to_lower(email)) return weak("must not be the e-mail address");
  if (!name.empty() && lower == to_lower(name)) return weak("must not be the name");
  if (std::find(std::begin(kCommon), std::end(kCommon), lower) != std::end(kCommon)) {
    return weak("is among the first that anybody tries");
  }
  return {};
}

/// A place among those that may hash now; waits for one.
class PasswordHasher::Turn {
 public:
  explicit Turn(PasswordHasher& hasher) : hasher_(hasher) {
    MutexLock lock(hasher_.mutex_);
    if (hasher_.waiting_ >= limits::kMaxWaitingPasswordHashes) return;
    ++hasher_.waiting_;
    while (hasher_.running_ >= limits::kMaxPasswordHashes) hasher_.turn_.wait(hasher_.mutex_);
    --hasher_.waiting_;
    ++hasher_.running_;
    taken_ = true;
  }
  ~Turn() {
    if (!taken_) return;
    MutexLock lock(hasher_.mutex_);
    --hasher_.running_;
    hasher_.turn_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool taken() const { return taken_; }

 private:
  PasswordHasher& hasher_;
  bool taken_ = false;
};

PasswordHasher::PasswordHasher() : nobody_(argon2_phc(secure_random(kHashBytes))) {}

Result<std::string> PasswordHasher::hash(std::string_view password) {
  const Turn turn(*this);
  if (!turn.taken()) return too_busy();
  std::string phc = argon2_phc(password);
  if (phc.empty()) return fail(ErrorKind::resource_exhausted, "no memory to hash a password");
  return phc;
}

Result<bool> PasswordHasher::verify(std::string_view password, const std::string& phc) {
  const Turn turn(*this);
  if (!turn.taken()) return too_busy();
  const std::string& expected = phc.empty() ? nobody_ : phc;
  const int code = argon2id_verify(expected.c_str(), password.data(), password.size());
  if (code == ARGON2_OK) return !phc.empty();
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  return fail(ErrorKind::internal,
              std::string("a stored password cannot be checked: ") + argon2_error_message(code));
}

}  // namespace telltale::accounts
