// Passwords at rest: argon2id with OWASP's parameters (19 MiB, two passes, one lane), kept as a PHC string
// that names them, so that they can grow later. A hash takes tens of milliseconds and its memory; only a few
// run at once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/mutex.hpp"
#include "base/result.hpp"

namespace telltale::accounts {

/// invalid_argument (`password: …`) says why it is not good enough. `email` and `name` are its owner's.
Result<> check_password(std::string_view password, std::string_view email, std::string_view name);

/// Thread-safe.
class PasswordHasher {
 public:
  PasswordHasher();
  /// The PHC string. resource_exhausted when too many are waiting.
  Result<std::string> hash(std::string_view password);
  /// False for a wrong password; an empty `phc` (no such user) takes as long and is false.
  /// resource_exhausted when too many are waiting.
  Result<bool> verify(std::string_view password, const std::string& phc);

 private:
  class Turn;
  Mutex mutex_;
  CondVar turn_;
  std::size_t running_ TT_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ TT_GUARDED_BY(mutex_) = 0;
  std::string nobody_;  // hash of a password that nobody knows
};

}  // namespace telltale::accounts
